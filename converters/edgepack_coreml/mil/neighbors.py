"""Writers of distances and of what is nearest."""

from __future__ import annotations

import math

import numpy as np

from edgepack.ir.ops import Distances, Nearest, WeightedMedian
from edgepack.ir.ops.neighbors import NO_LENGTH
from edgepack.ir.types import Floats
from edgepack_coreml.mil.graph import Graph, Var
from edgepack_coreml.mil.rounding import single


def distances(g: Graph, op: Distances, x: Var) -> Var:
    """By differences. Powers are taken of shares of the largest difference, which neither overflow nor vanish."""
    if op.metric == "cosine":
        return _cosine(g, op.points, x)
    size = g.abs(x=g.less_constant(g.row(x), op.points))
    size = size if op.scale is None else g.mul(x=size, y=np.abs(op.scale))
    match op.metric:
        case "sqeuclidean":
            return g.reduce_sum(x=g.square(x=size), axes=[1], keep_dims=False)
        case "manhattan":
            return g.reduce_sum(x=size, axes=[1], keep_dims=False)
        case "chebyshev":
            return g.reduce_max(x=size, axes=[1], keep_dims=False)
    largest = g.reduce_max(x=size, axes=[1], keep_dims=True)
    plain = g.logical_or(x=g.equal(x=largest, y=0.0), y=g.equal(x=largest, y=math.inf))
    share = g.real_div(x=size, y=g.select(cond=plain, a=np.ones((1, 1)), b=largest))
    largest = g.squeeze(x=largest, axes=[1])
    if op.metric == "euclidean":
        root = g.sqrt(x=g.reduce_sum(x=g.square(x=share), axes=[1], keep_dims=False))
    else:
        powers = g.reduce_sum(x=g.pow(x=share, y=op.p), axes=[1], keep_dims=False)
        root = g.pow(x=powers, y=1 / op.p)
    return g.mul(x=root, y=largest)


def _cosine(g: Graph, points: Floats, x: Var) -> Var:
    """Half the squared distance of unit vectors, small where the angle is; 1 to and from one without length."""
    length = np.sqrt((points * points).sum(axis=1, keepdims=True))
    zero = length[:, 0] < NO_LENGTH
    unit = points / np.where(zero[:, None], 1.0, length)
    largest = g.reduce_max(x=g.abs(x=x), axes=[0], keep_dims=True)
    empty = g.equal(x=largest, y=0.0)
    share = g.real_div(x=x, y=g.select(cond=empty, a=np.ones(1), b=largest))
    norm = g.sqrt(x=g.reduce_sum(x=g.square(x=share), axes=[0], keep_dims=True))
    own = g.real_div(x=share, y=g.select(cond=empty, a=np.ones(1), b=norm))
    nothing = g.less(x=g.mul(x=norm, y=largest), y=NO_LENGTH)
    square = g.square(x=g.less_constant(g.row(own), unit))
    half = g.mul(x=g.reduce_sum(x=square, axes=[1], keep_dims=False), y=0.5)
    plain = g.select(cond=g.wide(nothing, len(points)), a=np.ones(len(points)), b=half)
    return g.select(cond=zero, a=np.ones(len(points)), b=plain) if zero.any() else plain


def nearest(g: Graph, op: Nearest, x: Var) -> Var:
    """All below the k-th smallest, and as many that equal it as are left, the first ones."""
    smallest = g.topk(x=x, k=op.k, axis=0, ascending=True)[0]
    kth = g.taken(smallest, [op.k - 1])
    below = g.number(g.less(x=x, y=kth))
    same = g.number(g.equal(x=x, y=kth))
    left = g.sub(x=float(op.k), y=g.reduce_sum(x=below, axes=[0], keep_dims=True))
    early = g.number(g.less_equal(x=g.cumsum(x=same, axis=0), y=left))
    return g.add(x=below, y=g.mul(x=same, y=early))


def weighted_median(g: Graph, op: WeightedMedian, x: Var) -> Var:
    """The number of places at which the weights so far are below half of all, and what stands there in order."""
    order = g.argsort(x=x, axis=0, ascending=True)
    high, low = _summable(op.weights)
    short = None
    for part in (high, low):
        so_far = g.cumsum(x=g.gather(x=part, indices=order, axis=0), axis=0)
        lacking = g.sub(x=so_far, y=float(part.sum() / 2))
        short = lacking if short is None else g.add(x=short, y=lacking)
    place = g.reduce_sum(x=g.number(g.less(x=short, y=0.0)), axes=[0], keep_dims=True)
    at = g.gather(x=order, indices=g.cast(x=place, dtype="int32"), axis=0)
    return g.gather(x=x, indices=at, axis=0)


def _summable(weights: Floats) -> tuple[Floats, Floats]:
    """Two parts of each weight; the first are multiples of one step, so that float32 adds them up without rounding."""
    step = 2.0 ** (math.frexp(float(weights.sum()) or 1.0)[1] - 23)
    high = np.floor(weights / step) * step
    return high, single(weights - high).astype(np.float64)
