"""Writers of ops that move, join, add up and weigh numbers."""

from __future__ import annotations

from edgepack.ir.ops import Binary, Concat, Constant, Linear, Reduce, Select, Sum, Where
from edgepack_coreml.mil.graph import Graph, Var

SAME = {
    "add": "add",
    "divide": "real_div",
    "maximum": "maximum",
    "minimum": "minimum",
    "multiply": "mul",
    "subtract": "sub",
}
COMPARE = ("equal", "greater", "greater_equal")
REDUCE = {"max": "reduce_max", "min": "reduce_min", "prod": "reduce_prod", "sum": "reduce_sum"}


def binary(g: Graph, op: Binary, x: Var, y: Var) -> Var:
    """Functions of two tables."""
    if op.function in COMPARE:
        return g.number(getattr(g, op.function)(x=x, y=y))
    if op.function == "fmod":  # MIL's mod has the divisor's sign
        rest = g.mod(x=g.abs(x=x), y=g.abs(x=y))
        return g.select(cond=g.less(x=g.wide(x, rest.shape[0]), y=0.0), a=g.sub(x=0.0, y=rest), b=rest)
    return getattr(g, SAME[op.function])(x=x, y=y)


def where(g: Graph, op: Where, condition: Var, a: Var, b: Var) -> Var:
    """A choice, number by number."""
    width = max(v.shape[0] for v in (condition, a, b))
    chosen = g.not_equal(x=g.wide(condition, width), y=0.0)
    return g.select(cond=chosen, a=g.wide(a, width), b=g.wide(b, width))


def reduce(g: Graph, op: Reduce, x: Var) -> Var:
    """One number from each run."""
    runs = g.reshape(x=x, shape=[op.groups, x.shape[0] // op.groups])
    if op.function != "logsumexp":
        return getattr(g, REDUCE[op.function])(x=runs, axes=[1], keep_dims=False)
    return g.reduce_log_sum_exp(x=runs, axes=[1], keep_dims=False)


def constant(g: Graph, op: Constant) -> Var:
    """A row, whatever the input."""
    return g.const(val=op.row)


def linear(g: Graph, op: Linear, x: Var) -> Var:
    """Weighted sums."""
    return g.linear(x=x, weight=op.coef, bias=op.intercept)


def total(g: Graph, op: Sum, x: Var, *others: Var) -> Var:
    """Tables added, left to right."""
    for other in others:
        x = g.add(x=x, y=other)
    return x


def select(g: Graph, op: Select, x: Var) -> Var:
    """Some columns."""
    return g.taken(x, op.columns)


def concat(g: Graph, op: Concat, x: Var, *others: Var) -> Var:
    """Tables side by side."""
    return g.concat(values=[x, *others], axis=0) if others else x
