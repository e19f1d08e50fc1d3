"""libsvm's coupling of pairwise probabilities: a Loop that ends when every row has settled."""

from __future__ import annotations

import numpy as np

from edgepack.ir import Node
from edgepack.ir.ops import Coupling
from edgepack_onnx.arithmetic import repeated
from edgepack_onnx.emitter import Emitter
from edgepack_onnx.graph import Graph
from edgepack_onnx.proto import BOOL, DOUBLE, INT64, graph_attribute, value_info
from edgepack_onnx.table import Table
from edgepack_onnx.wire import Message


def emit_coupling(node: Node, op: Coupling, e: Emitter) -> Table:
    """Q outside of the Loop, p inside; a row that has settled stays as it is."""
    g, k = e.graph, op.classes
    q = _matrix(e.double(e.table(node.inputs[0])), op, g)
    rows = [g.node("Gather", q, g.constant(np.array(t)), axis=1) for t in range(k)]
    own = [g.node("Gather", row, g.constant(np.array([t])), axis=1) for t, row in enumerate(rows)]
    start = repeated(np.full(k, 1 / k), q, e)
    body = _body(f"{node.name}_", op, q, rows, own)
    trips, go = g.constant(np.array(op.rounds)), g.node("Cast", g.constant(np.array(1)), to=BOOL)
    (p,) = g.add("Loop", [trips, go, start], [graph_attribute("body", body)], reads=[q, *rows, *own])
    return e.made(p, k)


def _matrix(pairs: str, op: Coupling, g: Graph) -> str:
    """`(rows, k, k)`: `−r[i, j] r[j, i]`, and on the diagonal `Σ r[j, t]²`."""
    k = op.classes
    complements = g.node("Sub", g.double(1.0), pairs)
    both = g.node("Concat", pairs, complements, axis=1)
    shape = g.constant(np.array([-1, k, k]))
    r, turned = (
        g.node("Reshape", g.node("Gather", both, g.constant(places.ravel()), axis=1), shape)
        for places in (op.pair_of, op.pair_of.T)
    )
    apart = g.node("Mul", g.node("Mul", r, turned), g.constant(np.eye(k) - 1.0))
    square = g.node("Mul", g.node("Mul", r, r), g.constant(1.0 - np.eye(k)))
    sums = g.node("ReduceSum", square, g.constant(np.array([1])), keepdims=1)
    return g.node("Add", apart, g.node("Mul", sums, g.constant(np.eye(k))))


def _body(prefix: str, op: Coupling, q: str, rows: list[str], own: list[str]) -> Message:
    """Takes the round, whether to go on, and p; gives whether to go on, and the next p."""
    g, p = Graph(prefix=prefix), f"{prefix}p"
    column = g.constant(np.array([2]))
    v = g.node("Squeeze", g.node("MatMul", q, g.node("Unsqueeze", p, column)), column)
    along = g.constant(np.array([1]))
    e = g.node("ReduceSum", g.node("Mul", p, v), along, keepdims=1)
    off = g.node("ReduceMax", g.node("Abs", g.node("Sub", v, e)), axes=np.array([1]), keepdims=1)
    unsettled = g.node("GreaterOrEqual", off, g.double(op.enough))
    total, steps = g.double(1.0), []
    moved = v
    for t, (row, diagonal) in enumerate(zip(rows, own, strict=True)):
        here = g.node("Gather", moved, g.constant(np.array([t])), axis=1)
        target = g.node("Div", e, total)
        step = g.node("Div", g.node("Sub", target, here), diagonal)
        e = g.node("Add", e, g.node("Mul", step, g.node("Add", target, here)))
        moved = g.node("Add", moved, g.node("Mul", step, row))
        total = g.node("Add", total, step)
        steps.append(step)
    improved = g.node("Div", g.node("Add", p, g.node("Concat", *steps, axis=1)), total)
    kept = g.node("Where", unsettled, improved, p)
    count = g.node("ReduceMax", g.node("Cast", unsettled, to=INT64), keepdims=0)
    again = g.node("Cast", count, to=BOOL)
    shape = ("rows", op.classes)
    given = [
        value_info(f"{prefix}round", INT64, ()),
        value_info(f"{prefix}go", BOOL, ()),
        value_info(p, DOUBLE, shape),
    ]
    made = {
        f"{prefix}again": value_info(f"{prefix}again", BOOL, ()),
        f"{prefix}next": value_info(f"{prefix}next", DOUBLE, shape),
    }
    return g.finish(f"{prefix}round of coupling", given, made, {f"{prefix}again": again, f"{prefix}next": kept})
