"""The writer of libsvm's coupling of pairwise probabilities."""

from __future__ import annotations

import numpy as np

from edgepack.ir.ops import Coupling
from edgepack_coreml.mil.graph import Graph, Var

ROUNDS = 6
"""No pairs have been found that need more than 4."""


def coupling(g: Graph, op: Coupling, pairs: Var) -> Var:
    """Every round is written out; a round after the last leaves p as it is."""
    k = op.classes
    q = _matrix(g, op, pairs)
    rows = [g.reshape(x=g.slice_by_index(x=q, begin=[t, 0], end=[t + 1, k]), shape=[k]) for t in range(k)]
    p: Var = g.const(val=np.full(k, 1 / k))
    for _ in range(ROUNDS):
        p = _round(g, op, p, q, rows)
    return p


def _matrix(g: Graph, op: Coupling, pairs: Var) -> Var:
    k = op.classes
    both = g.concat(values=[pairs, g.sub(x=1.0, y=pairs)], axis=0)
    r, turned = (
        g.reshape(x=g.gather(x=both, indices=places.ravel(), axis=0), shape=[k, k])
        for places in (op.pair_of, op.pair_of.T)
    )
    apart = g.mul(x=g.mul(x=r, y=turned), y=np.eye(k) - 1.0)
    sums = g.reduce_sum(x=g.mul(x=g.mul(x=r, y=r), y=1.0 - np.eye(k)), axes=[0], keep_dims=True)
    return g.add(x=apart, y=g.mul(x=sums, y=np.eye(k)))


def _round(g: Graph, op: Coupling, p: Var, q: Var, rows: list[Var]) -> Var:
    v = g.reduce_sum(x=g.mul(x=q, y=g.row(p)), axes=[1], keep_dims=False)
    e = g.reduce_sum(x=g.mul(x=p, y=v), axes=[0], keep_dims=True)
    off = g.reduce_max(x=g.abs(x=g.sub(x=v, y=e)), axes=[0], keep_dims=True)
    unsettled = g.greater_equal(x=off, y=op.enough)
    total: Var = np.ones(1)
    steps = []
    for t, row in enumerate(rows):
        here = g.taken(v, [t])
        target = g.real_div(x=e, y=total)
        step = g.real_div(x=g.sub(x=target, y=here), y=g.taken(row, [t]))
        e = g.add(x=e, y=g.mul(x=step, y=g.add(x=target, y=here)))
        v = g.add(x=v, y=g.mul(x=row, y=step))
        total = g.add(x=total, y=step)
        steps.append(step)
    improved = g.real_div(x=g.add(x=p, y=g.concat(values=steps, axis=0)), y=total)
    return g.select(cond=unsettled, a=improved, b=p)
