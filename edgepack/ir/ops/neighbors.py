"""Distances to fitted points, and which of them are near."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Floats, Type, TypeMismatch, number

METRICS = ("sqeuclidean", "euclidean", "manhattan", "chebyshev", "minkowski", "cosine")
NUMBERS_AT_ONCE = 1 << 15
"""Differences that are held at a time: few enough to stay in a processor's cache."""
NO_LENGTH = 10 * float(np.finfo(np.float64).eps)
"""A row that is shorter has no direction: scikit-learn divides it by 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distances:
    """The distance of each row to each point, summed over the differences (not by the dot-product shortcut).

    Attributes:
        points: `(n, features) float64`.
        metric: a name of `METRICS`, with scikit-learn's meaning.
        p: the power of `minkowski`.
        scale: `(features,) float64`: what the differences are multiplied with; None for 1, as `cosine` has it.
    """

    points: Floats
    metric: str
    p: float = 2.0
    scale: Floats | None = None

    def infer(self, *types: Type) -> Type:
        """Numbers, one column per point."""
        if self.metric not in METRICS:
            raise TypeMismatch(f"Distances({self.metric}): knows {', '.join(METRICS)}")
        one(self, types, "number", self.points.shape[1])
        return number(len(self.points))

    def run(self, *values: Array) -> Array:
        """`(rows, n) float64`."""
        x = values[0]
        if self.metric == "cosine":
            return np.clip(1.0 - _unit(x) @ _unit(self.points).T, 0.0, 2.0)
        count, features = self.points.shape
        result = np.empty((len(x), count))
        points_at_once = max(1, min(count, NUMBERS_AT_ONCE // max(features, 1)))
        rows_at_once = max(1, NUMBERS_AT_ONCE // max(points_at_once * features, 1))
        with np.errstate(all="ignore"):
            for first in range(0, count, points_at_once):
                points = self.points[first : first + points_at_once]
                for start in range(0, len(x), rows_at_once):
                    difference = x[start : start + rows_at_once, None, :] - points
                    if self.scale is not None:
                        difference *= self.scale
                    block = result[start : start + rows_at_once, first : first + points_at_once]
                    self._reduce(difference, block)
        return result

    def _reduce(self, difference: Array, into: Array) -> None:
        """Writes the distances; the differences are used up."""
        match self.metric:
            case "sqeuclidean" | "euclidean":
                np.multiply(difference, difference, out=difference).sum(axis=2, out=into)
                if self.metric == "euclidean":
                    np.sqrt(into, out=into)
            case "manhattan":
                np.abs(difference, out=difference).sum(axis=2, out=into)
            case "chebyshev":
                np.abs(difference, out=difference).max(axis=2, out=into)
            case _:
                np.power(np.abs(difference, out=difference), self.p, out=difference).sum(axis=2, out=into)
                np.power(into, 1 / self.p, out=into)


def _unit(x: Array) -> Array:
    length = np.sqrt((x * x).sum(axis=1, keepdims=True))
    result: Array = x / np.where(length < NO_LENGTH, 1.0, length)
    return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Nearest:
    """1.0 at the `k` smallest numbers of each row (the first of equals), 0.0 elsewhere. Takes no NaN."""

    k: int

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        given = one(self, types, "number")
        if not 1 <= self.k <= given.width:
            raise TypeMismatch(f"Nearest({given}): has no {self.k} columns")
        return given

    def run(self, *values: Array) -> Array:
        """`(rows, width) float64` of 0 and 1."""
        x = values[0]
        last = np.partition(x, self.k - 1, axis=1)[:, self.k - 1 : self.k]
        nearer, equal = x < last, x == last
        wanted = self.k - nearer.sum(axis=1, keepdims=True)
        return np.asarray(nearer | (equal & (equal.cumsum(axis=1) <= wanted)), np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightedMedian:
    """The smallest of each row's numbers at which the weights so far reach half of all weights.

    Attributes:
        weights: `(width,) float64`, not negative.
    """

    weights: Floats

    def infer(self, *types: Type) -> Type:
        """One column."""
        one(self, types, "number", len(self.weights))
        return number(1)

    def run(self, *values: Array) -> Array:
        """`(rows, 1) float64`."""
        order = np.argsort(values[0], axis=1, kind="stable")
        reached = np.cumsum(self.weights[order], axis=1)
        at = (reached >= 0.5 * reached[:, -1:]).argmax(axis=1)[:, None]
        return np.take_along_axis(values[0], np.take_along_axis(order, at, axis=1), axis=1)
