"""Kernels with fitted points, and weighted sums of them: support vector regressors, which compute in doubles."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from edgepack.ir.ops import Affine, Distances, Elementwise, Power
from edgepack.ir.types import Floats
from edgepack_coreml.builder import Builder
from edgepack_coreml.feature import Feature
from edgepack_coreml.proto import messages
from edgepack_coreml.refused import Refused
from edgepack_coreml.source import Kernel, Numbers, Weighted, columns_of, whole_source

LARGEST_DEGREE = 100
MOST_POINTS = 4096  # of a kernel as Core ML has them: each takes a weight for every sum


def kernel(op: object, table: Numbers) -> Numbers | None:
    """The table after an op that makes a kernel, or a part of one; None where it is none."""
    source = whole_source(table)
    square = source if isinstance(source, Kernel) and source.function == "square" else None
    match op:
        case Distances(metric="sqeuclidean", scale=None) if len(op.points) <= MOST_POINTS:
            made = Kernel(columns=table, points=op.points, function="square", coef=np.eye(len(op.points)))
            return columns_of(made)
        case Affine(center=None, divisor=None, offset=None) if square and op.factor is not None:
            return columns_of(replace(square, gamma=float(op.factor[0]))) if _one(op.factor) else None
        case Elementwise(function="exp") if square and square.gamma < 0:
            return columns_of(replace(square, function="rbf", gamma=-square.gamma))
        case Elementwise(function="tanh") if isinstance(source, Weighted) and _one(source.intercept):
            return columns_of(_of_products(source, "sigmoid"))
        case Power() if isinstance(source, Weighted) and _one(source.intercept) and _one(op.exponent):
            degree = float(op.exponent[0])
            made = replace(_of_products(source, "poly"), degree=int(degree))
            return columns_of(made) if degree in range(1, LARGEST_DEGREE) else None
        case Elementwise(function="square"):
            return columns_of(_squares(source if isinstance(source, Weighted) else _itself(table)))
    return None


def write(b: Builder, source: Kernel, name: str, intercept: float = 0.0) -> Feature:
    """A supportVectorRegressor for one weighted sum, named as said; points of weight 0 are left out."""
    if source.function == "square":
        raise Refused("squared distances have no Core ML stage")
    source = _needed(source)
    features, points = _arranged(b, source)
    message = messages().Model()
    regressor = message.supportVectorRegressor
    match source.function:
        case "rbf":
            regressor.kernel.rbfKernel.gamma = source.gamma
        case "poly":
            poly = regressor.kernel.polyKernel
            poly.degree, poly.c, poly.gamma = source.degree, source.offset, source.gamma
        case "sigmoid":
            regressor.kernel.sigmoidKernel.c, regressor.kernel.sigmoidKernel.gamma = source.offset, source.gamma
    for point in points.tolist():
        regressor.denseSupportVectors.vectors.add(values=point)
    regressor.coefficients.alpha.extend(source.coef[0].tolist())
    regressor.rho = -intercept
    out = Feature(name=name, kind="double", exact=source.exact, float32=source.float32)
    b.add("supportVectorRegressor", features, [out], message, predicted=name)
    return out


def _one(values: Floats) -> bool:
    """Whether there is one number for all."""
    return len(values) > 0 and bool((values == values[0]).all())


def _of_products(source: Weighted, function: Literal["poly", "sigmoid"]) -> Kernel:
    """A function of products with points: those are the weights."""
    offset, points = float(source.intercept[0]), source.coef
    return Kernel(columns=source.columns, points=points, function=function, offset=offset, coef=np.eye(len(points)))


def _itself(table: Numbers) -> Weighted:
    return Weighted(columns=table, coef=np.eye(len(table)), intercept=np.zeros(len(table)))


def _squares(source: Weighted) -> Kernel:
    """Squares of weighted sums: products of degree 2. Different intercepts are the weights of a column of ones."""
    if _one(source.intercept):
        return replace(_of_products(source, "poly"), degree=2)
    first = source.columns[:1]
    ones = columns_of(Weighted(columns=first, coef=np.zeros((1, 1)), intercept=np.ones(1)))
    points = np.concatenate([source.coef, source.intercept[:, None]], axis=1)
    return Kernel(columns=(*source.columns, *ones), points=points, function="poly", degree=2, coef=np.eye(len(points)))


def _needed(source: Kernel) -> Kernel:
    """Without points of weight 0, and in products without columns that are multiplied by 0 alone.

    A NaN there would spoil an answer that does not depend on it.
    """
    used = np.flatnonzero(source.coef[0]) if source.coef.any() else np.zeros(1, np.int64)
    source = replace(source, points=source.points[used], coef=source.coef[:, used])
    if source.function == "rbf":
        return source
    taken = np.flatnonzero(source.points.any(axis=0)) if source.points.any() else np.zeros(1, np.int64)
    return replace(source, columns=tuple(source.columns[k] for k in taken), points=source.points[:, taken])


def _arranged(b: Builder, source: Kernel) -> tuple[tuple[Feature, ...], Floats]:
    """The features that hold the columns, and the points in the order of their numbers."""
    features, at = b.whole(source.columns)
    if sorted(at) != list(range(len(at))):
        array = b.array(source.columns)
        return (array,), source.points
    points = np.empty_like(source.points)
    points[:, at] = source.points
    return features, points
