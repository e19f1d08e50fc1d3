"""Writers of functions that change from interval to interval."""

from __future__ import annotations

import numpy as np

from edgepack.ir.ops import Bucket, Piecewise
from edgepack.ir.types import Floats
from edgepack_coreml.mil.graph import Graph, Var
from edgepack_coreml.mil.rounding import halves, rounded_down, rounded_up


def bucket(g: Graph, op: Bucket, x: Var) -> Var:
    """How many edges lie below; NaN stays."""
    return g.select(cond=g.not_equal(x=x, y=x), a=x, b=_edges_below(g, op.edges, op.right, x))


def piecewise(g: Graph, op: Piecewise, x: Var) -> Var:
    """Each column's polynomials in a table of their own rows, taken by the number of the interval."""
    row = intervals(g, op, x)
    high, low = halves(np.concatenate(op.origin))
    coef = np.concatenate(op.coef)
    t = g.sub(x=x, y=g.gather(x=high, indices=row, axis=0))
    if np.any(low):
        t = g.sub(x=t, y=g.gather(x=low, indices=row, axis=0))
    t = g.column(t)
    y = g.gather(x=coef[:, :, -1], indices=row, axis=0)
    for power in range(coef.shape[2] - 2, -1, -1):
        y = g.add(x=g.mul(x=y, y=t), y=g.gather(x=coef[:, :, power], indices=row, axis=0))
    return flat(g, op, x, y)


def intervals(g: Graph, op: Piecewise, x: Var) -> Var:
    """The interval that each number lies in, counted on from column to column."""
    start = np.cumsum([0, *(len(origin) for origin in op.origin[:-1])])
    return g.cast(x=g.add(x=_edges_below(g, op.edges, op.right, x), y=start.astype(np.float64)), dtype="int32")


def flat(g: Graph, op: Piecewise, x: Var, y: Var) -> Var:
    """`(columns, outputs)` as one vector, NaN where a column is."""
    columns, outputs = len(op.edges), op.outputs
    missing = g.column(g.not_equal(x=x, y=x))
    if outputs > 1:
        missing = g.tile(x=missing, reps=[1, outputs])
    y = g.select(cond=missing, a=np.full((columns, outputs), np.nan), b=y)
    return g.reshape(x=y, shape=[columns * outputs])


def _edges_below(g: Graph, edges: tuple[Floats, ...], right: bool, x: Var) -> Var:
    """Counted edge by edge; columns with fewer edges are filled up with NaN, which nothing is above. 0 for NaN."""
    most = max(1, *(len(e) for e in edges))
    table = np.full((len(edges), most), np.nan)
    for k, e in enumerate(edges):
        table[k, : len(e)] = rounded_up(e) if right else rounded_down(e)
    above = (g.greater_equal if right else g.greater)(x=g.column(x), y=table)
    return g.reduce_sum(x=g.number(above), axes=[1], keep_dims=False)
