"""Writers of ops from scores to probabilities and classes."""

from __future__ import annotations

import numpy as np

from edgepack.ir.ops import ArgMax, Complement, Normalize, Sigmoid, Softmax, Step
from edgepack_coreml.mil.graph import Graph, Var
from edgepack_coreml.mil.rounding import rounded_down, rounded_up


def sigmoid(g: Graph, op: Sigmoid, x: Var) -> Var:
    """`1 / (1 + exp(−x))`."""
    return g.sigmoid(x=x)


def softmax(g: Graph, op: Softmax, x: Var) -> Var:
    """`exp(x) / Σ exp(x)`."""
    return g.softmax(x=x, axis=-1)


def normalize(g: Graph, op: Normalize, x: Var) -> Var:
    """`x / Σ x`; zeros stay."""
    total = g.reduce_sum(x=x, axes=[0], keep_dims=True)
    return g.real_div(x=x, y=g.select(cond=g.equal(x=total, y=0.0), a=np.ones(1), b=total))


def complement(g: Graph, op: Complement, x: Var) -> Var:
    """`[1 − p, p]`."""
    return g.concat(values=[g.sub(x=1.0, y=x), x], axis=0)


def step(g: Graph, op: Step, x: Var) -> Var:
    """0 up to a threshold, 1 beyond."""
    threshold = np.array([op.threshold])
    if op.strict:
        return g.number(g.greater(x=x, y=rounded_down(threshold)))
    return g.number(g.greater_equal(x=x, y=rounded_up(threshold)))


def argmax(g: Graph, op: ArgMax, x: Var) -> Var:
    """The place of the largest."""
    place = g.reduce_argmax(x=x, axis=0, keep_dims=True)
    return g.number(place)
