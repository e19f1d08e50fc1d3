"""Arithmetic between tables, along rows, and with distances to fitted points."""

from __future__ import annotations

import math

import numpy as np

from edgepack.ir import Node
from edgepack.ir.ops import Binary, Constant, Distances, Nearest, Power, Reduce, WeightedMedian, Where
from edgepack.ir.ops.neighbors import NO_LENGTH
from edgepack.ir.types import Array, Floats
from edgepack_onnx.emitter import Emitter
from edgepack_onnx.graph import Graph
from edgepack_onnx.proto import DOUBLE, INT32, attribute, graph_attribute, value_info
from edgepack_onnx.table import Table
from edgepack_onnx.wire import Message

BINARY = {
    "add": "Add",
    "divide": "Div",
    "equal": "Equal",
    "fmod": "Mod",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "maximum": "Max",
    "minimum": "Min",
    "multiply": "Mul",
    "subtract": "Sub",
}
"""The op of each function of `edgepack.ir.ops.arithmetic.BINARY`."""

COMPARISONS = ("Equal", "Greater", "GreaterOrEqual")
REDUCTIONS = {"max": "ReduceMax", "min": "ReduceMin", "prod": "ReduceProd"}


def emit_binary(node: Node, op: Binary, e: Emitter) -> Table:
    """Broadcasting is ONNX's own; Max and Min keep NaN."""
    a, b = (e.table(name) for name in node.inputs)
    width = max(a.width, b.width)
    name = BINARY[op.function]
    result = e.graph.node(name, e.double(a), e.double(b), **({"fmod": 1} if name == "Mod" else {}))
    return e.flags(result, width) if name in COMPARISONS else e.made(result, width)


def emit_where(node: Node, op: Where, e: Emitter) -> Table:
    """What is equal to 0 takes the third table; NaN is not."""
    condition, chosen, other = (e.table(name) for name in node.inputs)
    width = max(condition.width, chosen.width, other.width)
    is_zero = e.graph.node("Equal", e.double(condition), e.graph.double(0.0))
    return e.made(e.graph.node("Where", is_zero, e.double(other), e.double(chosen)), width)


def emit_power(node: Node, op: Power, e: Emitter) -> Table:
    """`Pow` in float64."""
    x = e.double(e.table(node.inputs[0]))
    return e.made(e.graph.node("Pow", x, e.graph.constant(op.exponent)), len(op.exponent))


def emit_constant(node: Node, op: Constant, e: Emitter) -> Table:
    """The row, expanded to as many as the table has."""
    return e.made(repeated(op.row, e.table(node.inputs[0]).tensors[0].name, e), len(op.row))


def repeated(row: Floats, like: str, e: Emitter) -> str:
    """`(rows, width)` of one row, as many as a tensor has."""
    rows = e.graph.node("Gather", e.graph.node("Shape", like), e.graph.constant(np.array([0])), axis=0)
    shape = e.graph.node("Concat", rows, e.graph.constant(np.array([len(row)])), axis=0)
    return e.graph.node("Expand", e.graph.constant(row[None, :]), shape)


def emit_reduce(node: Node, op: Reduce, e: Emitter) -> Table:
    """Along the last axis of `(rows, groups, columns)`."""
    table = e.table(node.inputs[0])
    x = e.double(table)
    if op.groups > 1:
        x = e.graph.node("Reshape", x, e.graph.constant(np.array([-1, op.groups, table.width // op.groups])))
    last = 1 if op.groups == 1 else 2
    if op.function == "logsumexp":
        result = _logsumexp(x, last, e)
    elif op.function == "sum":
        result = _sum(x, last, e)
    else:
        result = e.graph.node(REDUCTIONS[op.function], x, axes=np.array([last]), keepdims=1)
    if op.groups > 1:
        result = e.graph.node("Squeeze", result, e.graph.constant(np.array([2])))
    return e.made(result, op.groups)


def _sum(x: str, axis: int, e: Emitter) -> str:
    return e.graph.node("ReduceSum", x, e.graph.constant(np.array([axis])), keepdims=1)


def _logsumexp(x: str, axis: int, e: Emitter) -> str:
    """Shifted by the largest, unless that is infinite."""
    largest = e.graph.node("ReduceMax", x, axes=np.array([axis]), keepdims=1)
    endless = e.graph.node("Equal", e.graph.node("Abs", largest), e.graph.double(math.inf))
    shift = e.graph.node("Where", endless, e.graph.double(0.0), largest)
    total = _sum(e.graph.node("Exp", e.graph.node("Sub", x, shift)), axis, e)
    return e.graph.node("Add", e.graph.node("Log", total), shift)


def emit_distances(node: Node, op: Distances, e: Emitter) -> Table:
    """The differences as `(points, features)`, then their sum, one row after the other; `cosine` by dot products.

    A batch in one piece would need `(rows, points, features)`: gigabytes, and five times as long.
    """
    x = e.double(e.table(node.inputs[0]))
    if op.metric == "cosine":
        return e.made(_cosine(x, op.points, e), len(op.points))
    points = e.graph.constant(np.ascontiguousarray(op.points))
    g, row, distances = Graph(prefix=f"{node.name}_"), f"{node.name}_row", f"{node.name}_distances"
    difference = g.node("Sub", row, points)
    made = _length(difference if op.scale is None else g.node("Mul", difference, g.constant(op.scale)), op, g)
    given = [value_info(row, DOUBLE, (op.points.shape[1],))]
    results = {distances: value_info(distances, DOUBLE, (len(op.points),))}
    body = g.finish(f"{node.name} of a row", given, results, {distances: made})
    attributes = [attribute("num_scan_inputs", 1), graph_attribute("body", body)]
    return e.made(e.graph.add("Scan", [x], attributes, reads=[points])[0], len(op.points))


def _length(difference: str, op: Distances, g: Graph) -> str:
    last = g.constant(np.array([1]))
    if op.metric in ("sqeuclidean", "euclidean"):
        total = g.node("ReduceSum", g.node("Mul", difference, difference), last, keepdims=0)
        return g.node("Sqrt", total) if op.metric == "euclidean" else total
    size = g.node("Abs", difference)
    if op.metric == "chebyshev":
        return g.node("ReduceMax", size, axes=np.array([1]), keepdims=0)
    if op.metric == "manhattan":
        return g.node("ReduceSum", size, last, keepdims=0)
    powers = g.node("Pow", size, g.double(op.p))
    return g.node("Pow", g.node("ReduceSum", powers, last, keepdims=0), g.double(1 / op.p))


def _cosine(x: str, points: Array, e: Emitter) -> str:
    length = e.graph.node("Sqrt", _sum(e.graph.node("Mul", x, x), 1, e))
    nothing = e.graph.node("Less", length, e.graph.double(NO_LENGTH))
    unit = e.graph.node("Div", x, e.graph.node("Where", nothing, e.graph.double(1.0), length))
    lengths = np.sqrt((points * points).sum(axis=1, keepdims=True))
    units = np.ascontiguousarray((points / np.where(lengths < NO_LENGTH, 1.0, lengths)).T)
    distance = e.graph.node("Sub", e.graph.double(1.0), e.graph.node("MatMul", unit, e.graph.constant(units)))
    return e.graph.node("Min", e.graph.node("Max", distance, e.graph.double(0.0)), e.graph.double(2.0))


def emit_nearest(node: Node, op: Nearest, e: Emitter) -> Table:
    """Ones scattered to where TopK finds the smallest; it takes the first of equals."""
    table = e.table(node.inputs[0])
    x = e.double(table)
    _, places = e.graph.add("TopK", [x, e.graph.constant(np.array([op.k]))], _smallest_first(), outputs=2)
    zeros = e.graph.node("ConstantOfShape", e.graph.node("Shape", x), value=np.zeros(1))
    ones = e.graph.node("ConstantOfShape", e.graph.node("Shape", places), value=np.ones(1))
    return e.made(e.graph.node("ScatterElements", zeros, places, ones, axis=1), table.width, float32=True)


def _smallest_first() -> list[Message]:
    return [attribute("axis", 1), attribute("largest", 0), attribute("sorted", 1)]


def emit_weighted_median(node: Node, op: WeightedMedian, e: Emitter) -> Table:
    """The numbers in order, their weights added up, and the first that reaches half of all."""
    x = e.double(e.table(node.inputs[0]))
    count = e.graph.constant(np.array([len(op.weights)]))
    ordered, places = e.graph.add("TopK", [x, count], _smallest_first(), outputs=2)
    weights = e.graph.node("Gather", e.graph.constant(op.weights), places, axis=0)
    reached = e.graph.node("CumSum", weights, e.graph.constant(np.array(1)))
    total = e.graph.node("Gather", reached, e.graph.constant(np.array([len(op.weights) - 1])), axis=1)
    enough = e.graph.node("GreaterOrEqual", reached, e.graph.node("Mul", total, e.graph.double(0.5)))
    # int32: ONNX Runtime before 1.18 has no ArgMax of int64
    first = e.graph.node("ArgMax", e.graph.node("Cast", enough, to=INT32), axis=1, keepdims=1)
    return e.made(e.graph.node("GatherElements", ordered, first, axis=1), 1)
