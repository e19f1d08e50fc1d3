"""Rows at which a choice inside a model hangs on less than a runtime's arithmetic tells apart."""

from __future__ import annotations

import numpy as np

from edgepack.contract import Columns
from edgepack.ir import Program
from edgepack.ir.ops import ArgMax, Step
from edgepack.ir.types import Array, Flags
from edgepack.parity.reference import Margins
from edgepack.parity.refusals import row_count


def near_forks(program: Program, columns: Columns, width: float) -> Flags:
    """`(rows,)`: where a class is chosen on the way (a vote, a link of a chain) by scores that are so near.

    What follows may be as far apart as two classes are, so that no answer to such a row is wrong.

    Args:
        program: the model's meaning.
        width: beside the larger of 1 and the scores' size, as in `compare`.
    """
    last = {node.inputs[0] for name in program.outputs.values() if (node := program.node_of(name)) and node.inputs}
    chooses = [node for node in program.nodes if isinstance(node.op, ArgMax | Step) and node.name not in last]
    near = np.zeros(row_count(columns), np.bool_)
    if chooses:
        with np.errstate(all="ignore"):
            values = program.values(columns)
            for node in chooses:
                near |= _margins(node.op, values[node.inputs[0]]).within(width)
    return near


def _margins(op: object, scores: Array) -> Margins:
    return Margins.of(scores - op.threshold if isinstance(op, Step) else scores)
