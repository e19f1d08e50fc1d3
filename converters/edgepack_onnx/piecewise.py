"""Functions of one number that change from interval to interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from edgepack.ir import Node
from edgepack.ir.ops import Bucket, Piecewise
from edgepack.ir.types import Floats
from edgepack_onnx.emitter import Emitter
from edgepack_onnx.proto import DOUBLE, INT64
from edgepack_onnx.table import Table


def emit_bucket(node: Node, op: Bucket, e: Emitter) -> Table:
    """How many edges lie below; NaN stays NaN."""
    x = e.double(e.table(node.inputs[0]))
    count = e.graph.node("Cast", _count(x, op.edges, e, right=op.right), to=DOUBLE)
    result = e.graph.node("Where", e.graph.node("IsNaN", x), e.graph.double(math.nan), count)
    return e.made(result, len(op.edges), float32=True)


def emit_piecewise(node: Node, op: Piecewise, e: Emitter) -> Table:
    """Each column's interval picks its row of one table of polynomials; then Horner's scheme, one step per power."""
    x = e.double(e.table(node.inputs[0]))
    width, degree = len(op.edges), op.coef[0].shape[2] - 1
    starts = np.cumsum([0, *(len(origin) for origin in op.origin[:-1])])
    row = e.graph.node("Add", _count(x, op.edges, e, right=op.right), e.graph.constant(starts.astype(np.int64)))
    origin = e.graph.node("Gather", e.graph.constant(np.concatenate(op.origin)), row, axis=0)
    t = e.graph.node("Sub", x, origin)  # (rows, columns), NaN where x is
    last = e.graph.constant(np.array([2]))
    t = e.graph.node("Unsqueeze", t, last)
    coef = np.concatenate(op.coef)  # (intervals of all columns, outputs, powers)
    powers = [e.graph.constant(np.ascontiguousarray(coef[:, :, power])) for power in range(degree + 1)]
    y = e.graph.node("Gather", powers[degree], row, axis=0)
    for power in range(degree - 1, -1, -1):
        y = e.graph.node("Add", e.graph.node("Mul", y, t), e.graph.node("Gather", powers[power], row, axis=0))
    missing = e.graph.node("IsNaN", e.graph.node("Unsqueeze", x, last))
    y = e.graph.node("Where", missing, e.graph.double(math.nan), y)
    flat = e.graph.node("Reshape", y, e.graph.constant(np.array([-1, width * op.outputs])))
    return e.made(flat, width * op.outputs)


def _count(x: str, edges: Sequence[Floats], e: Emitter, *, right: bool) -> str:
    """`(rows, columns) int64`: comparisons added up. Columns with fewer edges are filled up with NaN, below nothing."""
    table = np.full((len(edges), max(1, *map(len, edges), 1)), np.nan)
    for row, own in zip(table, edges, strict=True):
        row[: len(own)] = own
    column = e.graph.node("Unsqueeze", x, e.graph.constant(np.array([2])))
    below = e.graph.node("GreaterOrEqual" if right else "Greater", column, e.graph.constant(table))
    counted = e.graph.node("Cast", below, to=INT64)
    return e.graph.node("ReduceSum", counted, e.graph.constant(np.array([2])), keepdims=0)
