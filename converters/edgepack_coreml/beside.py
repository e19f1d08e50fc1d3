"""Rows on either side of where a label or a sign changes: digits that float32 has lost in a sum show there alone.

So they do where a root begins, whose slope is infinite there.
"""

from __future__ import annotations

import numpy as np

from edgepack.contract import Columns
from edgepack.ir import Program
from edgepack.ir.ops import ArgMax, Elementwise, Label, Step
from edgepack.ir.types import Array, Floats, Integers

HALVINGS = 24
"""How often the way between two rows is halved: as many bits as a float32 has."""
ROOTS = frozenset({"cbrt", "sqrt"})
JUMP, JUMP_OF_ROOTS = 0.01, 0.1
"""Beside the larger of 1 and the scores: what leaps so far within the last part of the way has no slope to lose."""


def beside(program: Program, columns: Columns, most: int, *, answers: bool = True) -> Columns:
    """Rows by twos, the last on the one side and the first on the other on the way from one row to another. None where
    a leap decides, or what cannot be told from the scores.

    Args:
        columns: numbers of float32; strings stay those of the first row.
        most: how many pairs.
        answers: whether beside what the answers' signs and labels say, too; else beside roots alone.
    """
    if "value" not in program.outputs and deciding(program) is None:
        return _some(columns, np.zeros(0, np.int64))
    r = np.random.default_rng(0)
    sides = _sides(program, columns, answers)
    one, other = _pairs(sides, most, r)
    differ = sides[one] != sides[other]
    place = np.arange(len(one)), np.where(differ, r.random(differ.shape), -1).argmax(axis=1)
    first, last, side = _some(columns, one), _some(columns, other), sides[one][place]
    for _ in range(HALVINGS if len(one) else 0):
        middle = {name: _middle(x, last[name]) for name, x in first.items()}
        same = (_sides(program, middle, answers)[place] == side)[:, None]
        first = {name: np.where(same, middle[name], x) for name, x in first.items()}
        last = {name: np.where(same, x, middle[name]) for name, x in last.items()}
    before, after = (decisive(program, program.values(rows)) for rows in (first, last))
    size = np.maximum(np.maximum(np.abs(before), np.abs(after)).max(axis=1, initial=1), 1)
    types = program.types()
    widths = sum(types[name].width for name in steep(program))
    allowed = np.where(place[1] < sides.shape[1] - widths, JUMP, JUMP_OF_ROOTS)
    with np.errstate(invalid="ignore"):
        kept = np.flatnonzero(np.abs(before - after).max(axis=1, initial=0) <= allowed * size)
    return {name: np.concatenate([x[kept], last[name][kept]]) for name, x in first.items()}


def steep(program: Program) -> list[str]:
    """The computed values, by name, whose roots are taken."""
    roots = [node for node in program.nodes if isinstance(node.op, Elementwise) and node.op.function in ROOTS]
    return [name for node in roots for name in node.inputs if program.node_of(name) is not None]


def _sides(program: Program, columns: Columns, answers: bool) -> Array:
    """`(rows, numbers)`: the label, or which values are above 0; then which numbers whose roots are taken are."""
    values = program.values(columns)
    sides = [values[name] > 0 for name in steep(program)]
    if answers or not sides:
        name = "label" if "label" in program.outputs else "value"
        answer = values[program.outputs[name]].reshape(len(next(iter(columns.values()))), -1)
        sides.insert(0, answer if name == "label" else answer > 0)
    return np.concatenate(sides, axis=1)


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
