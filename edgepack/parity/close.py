"""Rows at which a class is chosen by little: of rows that come near, those with one value changed that come nearer."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgepack.columns import joined, row_count, take
from edgepack.contract import Columns
from edgepack.ir import Node, Program
from edgepack.ir.ops import ArgMax, Step
from edgepack.ir.types import Array, Floats, Integers
from edgepack.parity.pools import Pool
from edgepack.parity.trace import Slot

ROUNDS, TRIES = 4, 8
FIRST_ROWS = 2048
NUMBERS = 1 << 25
"""In all rows that are looked at in one round."""
LEAST = 1e-5
"""Beside the larger of 1 and the scores: nearer than that, parity may call it a tie."""


def close_rows(
    program: Program, rows: Columns, tried: Mapping[Slot, Pool], count: int, rng: np.random.Generator
) -> Columns | None:
    """Up to `count` rows, as many for each choice that a Program makes, and for each side of a threshold; None where it
    makes none.

    A threshold or a leaf that is a little off changes no label but those.

    Args:
        rows: where the search begins.
        tried: what is tried in each slot.
    """
    nodes = [node for node in program.needed() if isinstance(node.op, ArgMax | Step)]
    count = min(count, NUMBERS // TRIES // program.width)
    if not nodes or not count:
        return None
    values = {slot: pool.all for slot, pool in tried.items()}
    first = min(row_count(rows), FIRST_ROWS, NUMBERS // program.width)
    rows = take(rows, rng.choice(row_count(rows), first, replace=False))
    for _ in range(ROUNDS):
        best = take(rows, _closest(program, nodes, rows, count, rng))
        if not row_count(best):
            return None
        children = _changed(program, take(best, np.repeat(np.arange(row_count(best)), TRIES)), values, rng)
        rows = joined([best, children])
    return take(rows, _closest(program, nodes, rows, count, rng))


def _closest(program: Program, nodes: list[Node], rows: Columns, count: int, rng: np.random.Generator) -> Integers:
    """The rows with the smallest margins, of each choice its share, and of equal ones one."""
    with np.errstate(all="ignore"):
        parts = []
        for part in program.parts(rows):
            known = program.values(part)
            parts.append(np.concatenate([_margins(node.op, known[node.inputs[0]]) for node in nodes], axis=1))
    margins = np.concatenate(parts)
    share = max(1, count // margins.shape[1])
    found = []
    for of_side in margins.T:
        smallest, rows_of = np.unique(of_side, return_index=True)  # trees give many rows the very same
        found.append(rows_of[np.isfinite(smallest)][:share])
    closest = np.unique(np.concatenate(found))
    return closest if len(closest) <= count else rng.choice(closest, count, replace=False)


def _margins(op: object, scores: Array) -> Floats:
    """`(rows, sides)`: the margin of a choice, of a threshold on each side; infinite on the other, and for ties."""
    if isinstance(op, Step):
        apart = scores - op.threshold
        sides = np.concatenate([np.where(apart > 0, apart, np.inf), np.where(apart < 0, -apart, np.inf)], axis=1)
        size = np.abs(scores)
    else:
        best = np.sort(scores, axis=1)[:, -2:]
        sides, size = best[:, -1:] - best[:, :1], np.abs(best).max(axis=1, keepdims=True)
    return np.where(sides >= LEAST * np.maximum(size, 1), sides, np.inf)


def _changed(program: Program, rows: Columns, values: Mapping[Slot, Array], rng: np.random.Generator) -> Columns:
    """The rows with one value in each replaced by another that is tried there."""
    slots = list(values)
    which = rng.integers(len(slots), size=row_count(rows))
    changed = {name: x.copy() for name, x in rows.items()}
    for k, slot in enumerate(slots):
        at = np.flatnonzero(which == k)
        changed[program.interface.inputs[slot[0]].name][at, slot[1]] = rng.choice(values[slot], len(at))
    return changed
