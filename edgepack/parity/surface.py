"""Rows on either side of where a classifier changes its mind."""

from __future__ import annotations

import numpy as np

from edgepack.contract import Columns
from edgepack.ir import Program
from edgepack.ir.types import Array, Floats

STEPS = 40
ASIDE = 1e-3
"""How far off, as a part of the way between the two rows."""


def surface_rows(program: Program, base: Columns, pairs: int, rng: np.random.Generator) -> Columns | None:
    """Rows by fours: numbers on the line between two plausible rows, just before and just after the label changes, and
    a little further off on either side, where no two scores are so near that they would count as a tie.

    Strings and missing values are the first row's. None where no two rows that were tried have different labels.
    """
    inputs = program.interface.inputs
    count = len(base[inputs[0].name])
    first, second = rng.integers(count, size=(2, pairs * 2))
    start = {i.name: base[i.name][first] for i in inputs}
    end = {i.name: base[i.name][second] for i in inputs}
    labels = program.run(_between(program, start, end, np.zeros(len(first))))["label"]
    differ = np.flatnonzero(labels != program.run(_between(program, start, end, np.ones(len(first))))["label"])[:pairs]
    if not len(differ):
        return None
    start = {name: values[differ] for name, values in start.items()}
    end = {name: values[differ] for name, values in end.items()}
    labels, low, high = labels[differ], np.zeros(len(differ)), np.ones(len(differ))
    for _ in range(STEPS):
        middle = (low + high) / 2
        same = program.run(_between(program, start, end, middle))["label"] == labels
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    rows = [_between(program, start, end, at) for at in (low, high, low - ASIDE, high + ASIDE)]
    return {name: np.concatenate([row[name] for row in rows]) for name in rows[0]}


def _between(program: Program, start: Columns, end: Columns, at: Floats) -> dict[str, Array]:
    """The rows a part `at` of the way, in numbers of the input dtype."""
    rows: dict[str, Array] = {}
    for i in program.interface.inputs:
        a, b = start[i.name], end[i.name]
        if i.kind == "string" or i.categories is not None:
            rows[i.name] = a
            continue
        x = a + np.where(np.isnan(b), 0.0, b - a) * at[:, None]
        rows[i.name] = x.astype(program.interface.input_dtype).astype(np.float64)
    return rows
