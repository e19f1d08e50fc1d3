"""Rows at which a choice inside a model hangs on less than a runtime's arithmetic tells apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgepack.columns import row_count
from edgepack.contract import Columns
from edgepack.ir import Node, Program
from edgepack.ir.ops import ArgMax, Bucket, IntegerLinear, Linear, Step
from edgepack.ir.types import Array, Flags
from edgepack.parity.compare import TIE
from edgepack.parity.reference import Margins
from edgepack.parity.trace import trace

ROUNDING = 1e-6
"""What a layer in float32 may differ by where a runtime does not do it in whole numbers."""
SUM = 2.0**-23
"""What a sum in float32 may differ by, beside the sum of its terms' sizes."""


def near_forks(program: Program, columns: Columns, width: float) -> Flags:
    """`(rows,)`: where a class is chosen on the way (a vote, a link of a chain) by scores that are so near.

    What follows may be as far apart as two classes are, so that no answer to such a row is wrong. So it may where a
    number is rounded to one of two levels that it lies between, or a computed one is told from the edge of a bucket.

    Args:
        program: the model's meaning.
        width: beside the larger of 1 and the scores' size, as in `compare`. Wider than `compare.TIE`, it stands for
            arithmetic in float32, where a sum may be off by its terms' sizes, too.
    """
    chooses = _choices(program)
    if not chooses:
        return np.zeros(row_count(columns), np.bool_)
    near: list[Flags] = []
    with np.errstate(all="ignore"):
        for part in program.parts(columns):
            values = program.values(part)
            near.append(np.any([_undecided(program, node, values, width) for node in chooses], axis=0))
    return np.concatenate(near)


def _choices(program: Program) -> list[Node]:
    """The nodes that choose, but for the one that chooses the label: its scores are the server's own.

    Of buckets those that numbers fall into which were computed: an input's own are told apart to the last bit.
    """
    label = program.node_of(program.outputs["label"]) if "label" in program.outputs else None
    last, chains = label.inputs if label else (), trace(program)

    def chooses(node: Node) -> bool:
        match node.op:
            case IntegerLinear():
                return True
            case Bucket():
                return any(chain is None for chain in chains[node.inputs[0]])
        return isinstance(node.op, ArgMax | Step) and node.name not in last

    return [node for node in program.nodes if chooses(node)]


def _undecided(program: Program, node: Node, values: Mapping[str, Array], width: float) -> Flags:
    x = values[node.inputs[0]]
    match node.op:
        case IntegerLinear():
            return _between(node.op, x)
        case Bucket(edges=edges):
            size = width * np.maximum(1.0, np.abs(x))
            maker = program.node_of(node.inputs[0])
            if width > TIE and maker is not None and isinstance(maker.op, Linear):
                terms = np.abs(values[maker.inputs[0]]) @ np.abs(maker.op.coef.T) + np.abs(maker.op.intercept)
                size = np.maximum(size, SUM * terms)
            size = np.where(np.isfinite(size), size, 0.0)
            return np.any([_beside(e, *of) for e, *of in zip(edges, x.T, size.T, strict=True)], axis=0)
    return _margins(node.op, x).within(width)


def _between(op: IntegerLinear, x: Array) -> Flags:
    """`(rows,)`: where some number is about half-way between two levels."""
    levels = op.levels(x)
    apart = np.abs(np.abs(levels - np.rint(levels)) - 0.5)
    near = apart <= ROUNDING * np.maximum(1.0, np.abs(levels))
    return np.asarray(near.any(axis=1))


def _beside(edges: Array, x: Array, width: Array) -> Flags:
    """`(rows,)`: where a number is next to an edge."""
    return np.asarray(np.abs(x[:, None] - edges).min(axis=1, initial=np.inf) <= width)


def _margins(op: object, scores: Array) -> Margins:
    return Margins.of(scores - op.threshold if isinstance(op, Step) else scores)
