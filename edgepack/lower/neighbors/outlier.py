"""Rows that lie where fitted rows are less dense than around their neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import neighbors

from edgepack.ir.ops import Binary, Constant, Reduce
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, where
from edgepack.lower.linear.scores import inlier
from edgepack.lower.neighbors.search import search_of
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import product

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def local_outlier_factor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`−mean(density of the neighbours) × (mean reachability + 1e-10)`; an inlier where that reaches the offset."""
    if not est.novelty:
        raise Refused("novelty=False judges no new rows; fit with novelty=True")
    k = est.n_neighbors_
    search = search_of(est, b.doubles(table), b)
    found = search.nearest(k, b)
    reach = np.ascontiguousarray(est._distances_fit_X_[:, k - 1], np.float64)
    reached = b.emit(Binary(function="maximum"), search.lengths(b), b.emit(Constant(row=reach), found))
    mean = affine(b.emit(Reduce(function="sum"), where(found, reached, 0.0, b)), b, factor=1 / k, offset=1e-10)
    density = product(found, est._lrd[None] / k, b)
    scores = b.emit(Binary(function="multiply"), affine(density, b, factor=-1.0), mean)
    return inlier(affine(scores, b, offset=-float(est.offset_)), est.offset_, b, strict=False)


PREDICTORS = {neighbors.LocalOutlierFactor: local_outlier_factor}
