"""Missing values filled from the fitted rows that are near in what is known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn import impute

from edgepack.ir.ops import Affine, Binary, Concat, Impute, Indicate, Nearest, Reduce, Select
from edgepack.ir.types import Flags, Floats
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary, constant, elementwise, where
from edgepack.lower.impute import missing_indicator
from edgepack.lower.neighbors.search import Search, weighed
from edgepack.lower.project.products import doubles, product


def knn_imputer(est: Any, table: Table, b: Builder) -> Table:
    """Each missing value becomes the mean of the nearest fitted rows that have one, or that of all where none is near.

    The square of a distance is the mean square of the differences in what both rows have; that scikit-learn multiplies
    all of them with the number of columns changes nothing.
    """
    if est.metric != "nan_euclidean":
        raise Refused("metric is a Python function; use 'nan_euclidean'")
    x = b.doubles(table)
    missing = b.emit(Indicate(sentinel=float(est.missing_values)), x)
    known = doubles(np.where(est._mask_fit_X, 0.0, est._fit_X))
    squares, shared = _distances(x, missing, known, ~est._mask_fit_X, est, b)
    filled = [
        _column(est, j, x, missing, squares, shared, b) if est._valid_mask[j] else constant(0.0, x, b)
        for j in range(len(table))
        if est._valid_mask[j] or est.keep_empty_features
    ]
    imputed = b.table(filled[0] if len(filled) == 1 else b.emit(Concat(), *filled))
    if not est.add_indicator:
        return imputed
    return Table(imputed.columns + missing_indicator(est.indicator_, table, b).columns)


TRANSFORMERS = {impute.KNNImputer: knn_imputer}


def _distances(x: str, missing: str, points: Floats, present: Flags, est: Any, b: Builder) -> tuple[str, str]:
    """`(rows, points)` squares of distances, and how many columns both have."""
    n, width = points.shape
    filled = b.emit(Impute(fill=np.zeros(width), sentinel=float(est.missing_values)), x)
    has = affine(missing, b, factor=-1.0, offset=1.0)
    all_columns = Select(columns=np.tile(np.arange(width), n))
    difference = b.emit(Affine(center=points.ravel()), b.emit(all_columns, filled))
    both = b.emit(Affine(factor=present.astype(np.float64).ravel()), b.emit(all_columns, has))
    counted = b.emit(Binary(function="multiply"), elementwise("square", difference, b), both)
    shared = product(has, present, b)
    total = b.emit(Reduce(function="sum", groups=n), counted)
    return b.emit(Binary(function="divide"), total, binary("maximum", shared, 1.0, b)), shared


def _column(est: Any, j: int, x: str, missing: str, squares: str, shared: str, b: Builder) -> str:
    """A column with its missing values filled."""
    donors = np.flatnonzero(~est._mask_fit_X[:, j])
    values = doubles(est._fit_X[donors, j])
    near, has_shared = (b.emit(Select(columns=donors), part) for part in (squares, shared))
    known = binary("greater", has_shared, 0.0, b)
    search = Search(rank=where(known, near, math.inf, b), is_square=True)
    nearest = b.emit(Nearest(k=min(est.n_neighbors, len(donors))), search.rank)
    weights = weighed(est.weights, b.emit(Binary(function="multiply"), nearest, known), search, b)
    total = b.emit(Reduce(function="sum"), weights)
    mean = b.emit(Binary(function="divide"), product(weights, values[None], b), total)
    value = where(b.emit(Reduce(function="max"), known), mean, float(values.mean()), b)
    own, is_missing = (b.emit(Select(columns=np.array([j])), part) for part in (x, missing))
    return where(is_missing, value, own, b)
