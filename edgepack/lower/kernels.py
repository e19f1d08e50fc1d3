"""Kernels between each row and fitted points, as `sklearn.metrics.pairwise` computes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgepack.ir.ops import Affine, Distances, Linear, Power, Reduce, Select
from edgepack.ir.ops.neighbors import NO_LENGTH
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary, elementwise, where


def kernel(metric: Any, points: Any, params: Mapping[str, Any], table: Table, b: Builder) -> Table:
    """`pairwise_kernels(rows, points, metric, filter_params=True, **params)`: one column per point.

    Args:
        metric: the kernel's name; a function is refused.
        points: `(n, features)`, dense or sparse.
        params: `gamma`, `coef0`, `degree`; what is left out is the kernel's own default.
    """
    if callable(metric):
        raise Refused(f"kernel {getattr(metric, '__name__', metric)!r} is a Python function; name a built-in kernel")
    if metric == "precomputed":
        raise Refused("kernel='precomputed' takes kernels, not features; name the kernel and fit on the features")
    fitted = np.asarray(points.toarray() if hasattr(points, "toarray") else points, np.float64)
    x = b.doubles(table)
    gamma = params.get("gamma")
    gamma = float(1.0 / fitted.shape[1] if gamma is None else gamma)
    coef0 = float(params.get("coef0", 1.0))
    match metric:
        case "linear":
            return b.table(products(x, fitted, b))
        case "poly" | "polynomial":
            return b.table(powers(bent(x, fitted, gamma, coef0, b), float(params.get("degree", 3)), b))
        case "sigmoid":
            return b.table(elementwise("tanh", bent(x, fitted, gamma, coef0, b), b))
        case "rbf":
            return b.table(decay(b.emit(Distances(points=fitted, metric="sqeuclidean"), x), gamma, b))
        case "laplacian":
            return b.table(decay(b.emit(Distances(points=fitted, metric="manhattan"), x), gamma, b))
        case "cosine":
            is_sparse = (table.sparse, hasattr(points, "toarray"))
            shortest = [float(np.nextafter(0.0, 1.0)) if sparse else NO_LENGTH for sparse in is_sparse]
            return b.table(products(_unit(x, shortest[0], b), _unit_rows(fitted, shortest[1]), b))
        case "additive_chi2":
            return b.table(elementwise("negative", _chi2(x, fitted, b), b))
        case "chi2":
            return b.table(decay(_chi2(x, fitted, b), float(params.get("gamma", 1.0)), b))
    raise Refused(f"kernel {metric!r} is unknown; use linear, poly, rbf, sigmoid, laplacian, cosine or chi2")


def products(x: str, points: Floats, b: Builder) -> str:
    """`x · point`."""
    return b.emit(Linear(coef=points, intercept=np.zeros(len(points))), x)


def bent(x: str, points: Floats, gamma: float, coef0: float, b: Builder) -> str:
    """`gamma × (x · point) + coef0`."""
    return affine(products(x, points, b), b, factor=gamma, offset=coef0)


def powers(x: str, degree: float, b: Builder) -> str:
    """`x ** degree`."""
    return b.emit(Power(exponent=np.full(b.types[x].width, degree)), x)


def decay(distances: str, gamma: float, b: Builder) -> str:
    """`exp(−gamma × distance)`."""
    return elementwise("exp", affine(distances, b, factor=-gamma), b)


def _unit(x: str, shortest: float, b: Builder) -> str:
    length = elementwise("sqrt", b.emit(Reduce(function="sum"), elementwise("square", x, b)), b)
    return binary("divide", x, where(binary("greater_equal", length, shortest, b), length, 1.0, b), b)


def _unit_rows(points: Floats, shortest: float) -> Floats:
    length = np.sqrt(np.einsum("ij,ij->i", points, points))[:, None]
    result: Floats = points / np.where(length < shortest, 1.0, length)
    return result


def _chi2(x: str, points: Floats, b: Builder) -> str:
    """`Σ (x − point)² / (x + point)` over the features where the sum is not 0."""
    n, features = points.shape
    tiled = b.emit(Select(columns=np.tile(np.arange(features), n)), x)
    flat = np.ascontiguousarray(points).ravel()
    square = elementwise("square", b.emit(Affine(center=flat), tiled), b)
    total = b.emit(Affine(offset=flat), tiled)
    shares = where(total, binary("divide", square, total, b), 0.0, b)
    return b.emit(Reduce(function="sum", groups=n), shares)
