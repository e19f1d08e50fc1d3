"""Rows like the sample's, and rows that lie further out."""

from __future__ import annotations

import numpy as np

from edgepack.contract import Columns, Input
from edgepack.ir import Program
from edgepack.ir.types import Array, Floats

LARGEST = float(np.finfo(np.float32).max)
ROWS = 96
MISSING = 0.1
"""How many numbers are missing in every other row, where they may be: what fills them in is computed, too."""


def sample_rows(program: Program) -> Columns:
    """Some rows within the sample's range."""
    return rows_of_reaches(program, np.ones(1), ROWS)


def range_of(program: Program, name: str, width: int, reach: float) -> Floats:
    """`(2, width)`: the ends of the sample's range, moved away from its middle; `−1` and `1` where there is none."""
    low, high = program.ranges.get(name, np.array([[-1.0], [1.0]]) * np.ones(width))
    middle, half = (low + high) / 2, (high - low) / 2
    half = np.where(half > 0, half, np.maximum(np.abs(middle), 1.0))  # a sample of one value says little
    ends = np.stack([middle - half * reach, middle + half * reach])
    return np.clip(ends, -LARGEST, LARGEST).astype(np.float32).astype(np.float64)


def rows_of_reaches(program: Program, reaches: Floats, each: int) -> Columns:
    """So many rows of each reach: numbers of the sample's range, mixed with those at the ends; a quarter has few such.

    A tenth lies next to an end, where a rank is next to 0 or 1. The last two rows of each have all numbers at one end.
    Texts are any known category, or missing; a tenth of the numbers is in every other row but these, where they may be.

    Args:
        reaches: how many times as far from the middle of the sample's range as its ends.
    """
    texts = np.random.default_rng(1)
    columns: dict[str, Array] = {}
    count, at = each * len(reaches), 0
    lacks = (np.arange(count) % 2 == 0) & (np.arange(count) % each < each - 2)
    together = sum(i.width for i in program.interface.inputs if i.kind == "number")
    for i in program.interface.inputs:
        if i.kind == "string":
            columns[i.name] = _texts(i, count, texts)
            continue
        near, far = (
            np.stack([range_of(program, i.name, i.width, t) for t in which], axis=1) for which in (np.ones(1), reaches)
        )
        far = np.repeat(far, each, axis=1)
        rngs = [np.random.default_rng([0, at + j]) for j in range(i.width)]
        drawn = [_numbers(near[:, :, j], far[:, :, j], each, together, r) for j, r in enumerate(rngs)]
        if i.accepts_missing:
            drawn = [np.where(lacks & (r.random(count) < MISSING), np.nan, x) for x, r in zip(drawn, rngs, strict=True)]
        columns[i.name] = np.stack(drawn, axis=1).astype(np.float32).astype(np.float64)
        at += i.width
    return columns


def _numbers(near: Floats, far: Floats, each: int, together: int, r: np.random.Generator) -> Floats:
    """`(rows,)`: one column, the same whether it is given by itself or among others.

    Args:
        near: `(2, 1)`, the ends of the sample's range.
        far: `(2, rows)`, the ends of each row's.
        each: rows of a reach.
        together: how many columns of numbers a row has.
    """
    count = far.shape[1]
    place = np.arange(count) % each
    share = r.choice([0.0, 1.0, 1 / 2, 1 / 3, 2 / 3], count)
    share = np.where(r.random(count) < 0.5, share, r.random(count))
    aside = 10.0 ** r.uniform(-7, -1, count)
    share = np.where(r.random(count) < 0.1, np.where(r.random(count) < 0.5, aside, 1 - aside), share)
    inside, outside = near[0] + (near[1] - near[0]) * share, far[0] * (1 - share) + far[1] * share
    large = r.random(count) < np.where(place < each // 4, 2 / max(together, 2), 0.5)
    x = np.where(large, outside, inside)
    x = np.where((r.random(count) < 0.05) & (far[0] <= 0) & (far[1] >= 0), 0.0, x)
    return np.where(place == each - 1, far[1], np.where(place == each - 2, far[0], x))


def _texts(i: Input, count: int, r: np.random.Generator) -> Array:
    known = [c for c in i.categories or () if isinstance(c, str)]
    choices = np.array([None, *known], object)
    return choices[r.integers(0, len(choices), (count, i.width))]
