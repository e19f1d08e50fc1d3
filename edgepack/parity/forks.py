"""Rows at which a choice inside a model hangs on less than a runtime's arithmetic tells apart."""

from __future__ import annotations

import numpy as np

from edgepack.contract import Columns
from edgepack.ir import Program
from edgepack.ir.ops import ArgMax, IntegerLinear, Step
from edgepack.ir.types import Array, Flags
from edgepack.parity.reference import Margins
from edgepack.parity.refusals import row_count

ROUNDING = 1e-6
"""What a layer in float32 may differ by where a runtime does not do it in whole numbers."""


def near_forks(program: Program, columns: Columns, width: float) -> Flags:
    """`(rows,)`: where a class is chosen on the way (a vote, a link of a chain) by scores that are so near.

    What follows may be as far apart as two classes are, so that no answer to such a row is wrong. So it may where a
    number is rounded to one of two levels that it lies between.

    Args:
        program: the model's meaning.
        width: beside the larger of 1 and the scores' size, as in `compare`.
    """
    last = {node.inputs[0] for name in program.outputs.values() if (node := program.node_of(name)) and node.inputs}
    chooses = [
        node
        for node in program.nodes
        if isinstance(node.op, IntegerLinear) or (isinstance(node.op, ArgMax | Step) and node.name not in last)
    ]
    if not chooses:
        return np.zeros(row_count(columns), np.bool_)
    near: list[Flags] = []
    with np.errstate(all="ignore"):
        for part in program.parts(columns):
            values = program.values(part)
            near.append(np.any([_undecided(node.op, values[node.inputs[0]], width) for node in chooses], axis=0))
    return np.concatenate(near)


def _undecided(op: object, x: Array, width: float) -> Flags:
    return _between(op, x) if isinstance(op, IntegerLinear) else _margins(op, x).within(width)


def _between(op: IntegerLinear, x: Array) -> Flags:
    """`(rows,)`: where some number is about half-way between two levels."""
    levels = op.levels(x)
    apart = np.abs(np.abs(levels - np.rint(levels)) - 0.5)
    near = apart <= ROUNDING * np.maximum(1.0, np.abs(levels))
    return np.asarray(near.any(axis=1))


def _margins(op: object, scores: Array) -> Margins:
    return Margins.of(scores - op.threshold if isinstance(op, Step) else scores)
