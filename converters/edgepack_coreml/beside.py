"""Rows on either side of where a label or a sign changes: digits that float32 has lost in a sum show there alone."""

from __future__ import annotations

import numpy as np

from edgepack.contract import Columns
from edgepack.ir import Program
from edgepack.ir.ops import ArgMax, Label, Step
from edgepack.ir.types import Array, Floats, Integers

HALVINGS = 24
"""How often the way between two rows is halved: as many bits as a float32 has."""
JUMP = 0.01
"""Beside the larger of 1 and the scores: what leaps so far within the last part of the way has no slope to lose."""


def beside(program: Program, columns: Columns, most: int) -> Columns:
    """Rows by twos, the last on the one side and the first on the other on the way from one row to another. None where
    a leap decides, or what cannot be told from the scores.

    Args:
        columns: numbers of float32; strings stay those of the first row.
        most: how many pairs.
    """
    if "value" not in program.outputs and deciding(program) is None:
        return _some(columns, np.zeros(0, np.int64))
    r = np.random.default_rng(0)
    sides = _sides(program, columns)
    one, other = _pairs(sides, most, r)
    differ = sides[one] != sides[other]
    place = np.arange(len(one)), np.where(differ, r.random(differ.shape), -1).argmax(axis=1)
    first, last, side = _some(columns, one), _some(columns, other), sides[one][place]
    for _ in range(HALVINGS if len(one) else 0):
        middle = {name: _middle(x, last[name]) for name, x in first.items()}
        same = (_sides(program, middle)[place] == side)[:, None]
        first = {name: np.where(same, middle[name], x) for name, x in first.items()}
        last = {name: np.where(same, x, middle[name]) for name, x in last.items()}
    before, after = (decisive(program, program.values(rows)) for rows in (first, last))
    size = np.maximum(np.maximum(np.abs(before), np.abs(after)).max(axis=1, initial=1), 1)
    with np.errstate(invalid="ignore"):
        kept = np.flatnonzero(np.abs(before - after).max(axis=1, initial=0) <= JUMP * size)
    return {name: np.concatenate([x[kept], last[name][kept]]) for name, x in first.items()}


def _sides(program: Program, columns: Columns) -> Array:
    """`(rows, 1)` labels, or `(rows, width)` which values are above 0."""
    answers = program.run(columns)
    if "label" in answers:
        return np.asarray(answers["label"])[:, None]
    return answers["value"].reshape(len(answers["value"]), -1) > 0


def _pairs(sides: Array, most: int, r: np.random.Generator) -> tuple[Integers, Integers]:
    """Up to so many pairs of rows that are not on the same sides, by lot."""
    one, other = r.permutation(np.array(np.triu_indices(len(sides), 1)), axis=1)
    at = np.flatnonzero((sides[one] != sides[other]).any(axis=1))[:most]
    return one[at], other[at]


def decisive(program: Program, values: dict[str, Array]) -> Floats:
    """`(rows, numbers)`: probabilities or values, or the scores whose largest is the label, a threshold among them."""
    for output in {"probabilities", "value"} & set(program.outputs):
        return np.asarray(values[program.outputs[output]])
    name, op = deciding(program) or ("", None)
    scores = np.asarray(values[name])
    if isinstance(op, Step):
        return np.concatenate([np.full_like(scores, op.threshold), scores], axis=1)
    return scores


def deciding(program: Program) -> tuple[str, ArgMax | Step] | None:
    """The scores that decide the label, by name, and how they do; None where it is otherwise decided."""
    label = program.node_of(program.outputs.get("label", ""))
    if label is None or not isinstance(label.op, Label):
        return None
    place = program.node_of(label.inputs[0])
    return (place.inputs[0], place.op) if place is not None and isinstance(place.op, ArgMax | Step) else None


def _some(columns: Columns, at: Integers) -> Columns:
    return {name: x[at] for name, x in columns.items()}


def _middle(a: Array, b: Array) -> Array:
    return a if a.dtype == object else (a / 2 + b / 2).astype(np.float32).astype(np.float64)
