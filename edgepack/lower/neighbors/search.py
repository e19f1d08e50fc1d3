"""The distances of a row to the rows that a search was fitted on, and the weights of those that are found.

They are sums over differences. scikit-learn's search by brute force takes a shortcut through dot products for dense
Euclidean rows, which differs in the last digits of what cancels; its trees do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.ir.ops import Binary, Distances, Nearest, Reduce
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder, Refused
from edgepack.lower.formula import binary, constant, elementwise, where
from edgepack.lower.neighbors.shares import SHARES, share
from edgepack.lower.project.products import doubles

SYNONYMS = {"l2": "euclidean", "l1": "manhattan", "cityblock": "manhattan", "infinity": "chebyshev", "p": "minkowski"}
KNOWN = ("euclidean", "sqeuclidean", "seuclidean", "manhattan", "chebyshev", "minkowski", "cosine", *SHARES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The distances of a row to every fitted row.

    Attributes:
        rank: what the search compares, `(rows, n)`: the squares of Euclidean distances, other distances themselves.
        is_square: whether those are squares.
    """

    rank: str
    is_square: bool

    def lengths(self, b: Builder) -> str:
        """The distances themselves."""
        return elementwise("sqrt", self.rank, b) if self.is_square else self.rank

    def nearest(self, k: int, b: Builder) -> str:
        """1 at the k nearest, the first of equals; else 0."""
        return b.emit(Nearest(k=k), self.rank)

    def within(self, radius: float, b: Builder) -> str:
        """1 where a fitted row is not farther away than the radius."""
        bound = constant(radius * radius if self.is_square else radius, self.rank, b)
        return b.emit(Binary(function="greater_equal"), bound, self.rank)


def search_of(est: Any, x: str, b: Builder) -> Search:
    """What a fitted estimator of `sklearn.neighbors` measures."""
    params = {k: v for k, v in (est.effective_metric_params_ or {}).items() if v is not None}
    return measured(est.effective_metric_, params, doubles(est._fit_X), x, b)


def measured(metric: Any, params: dict[str, Any], points: Floats, x: str, b: Builder) -> Search:
    """The distances to points by a metric of scikit-learn's."""
    if callable(metric):
        raise Refused(f"metric {getattr(metric, '__name__', metric)!r} is a Python function; name a built-in metric")
    if metric == "precomputed":
        raise Refused("metric='precomputed' takes distances, not features; name the metric and fit on the features")
    metric, params = SYNONYMS.get(metric, metric), dict(params)
    power = float(params.pop("p", 2.0))
    scale = _scale(metric, params, power)
    if metric not in KNOWN or params:
        more = f" with {', '.join(params)}" if params else ""
        raise Refused(f"metric {metric!r}{more}; use one of {', '.join(KNOWN)}")
    if metric in SHARES:
        return Search(rank=share(metric, points, x, b), is_square=False)
    if metric == "minkowski" and power in (1.0, 2.0, math.inf):
        metric = {1.0: "manhattan", 2.0: "euclidean", math.inf: "chebyshev"}[power]
    is_square = metric in ("euclidean", "seuclidean")
    named = "sqeuclidean" if is_square else metric
    op = Distances(points=np.ascontiguousarray(points), metric=named, p=power, scale=scale)
    return Search(rank=b.emit(op, x), is_square=is_square)


def weighed(weights: Any, found: str, search: Search, b: Builder) -> str:
    """The weights of what was found: 1, or `1 / distance`; where a distance is 0, what lies there has all the weight.

    Args:
        found: 1 and 0, as `Search` gives.
    """
    if weights in (None, "uniform"):
        return found
    if callable(weights):
        raise Refused("weights is a Python function; use 'uniform' or 'distance'")
    inverse = elementwise("reciprocal", search.lengths(b), b)
    here = b.emit(Binary(function="multiply"), found, binary("equal", inverse, math.inf, b))
    is_here = b.emit(Reduce(function="max"), here)
    return where(is_here, here, where(found, inverse, 0.0, b), b)


def _scale(metric: str, params: dict[str, Any], power: float) -> Floats | None:
    """What the differences are multiplied with; takes from the parameters what it says."""
    if metric == "seuclidean" and "V" in params:
        return np.asarray(1.0 / np.sqrt(np.asarray(params.pop("V"), np.float64)))
    if metric == "minkowski" and "w" in params:
        return np.asarray(np.asarray(params.pop("w"), np.float64) ** (1.0 / power))
    return None
