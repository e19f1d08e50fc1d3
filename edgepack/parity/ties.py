"""Rows at which a server's answer hangs on what is no part of its meaning: which of equally near fitted rows it took,
or how float32 was rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgepack.ir.types import Flags, Floats
from edgepack.parity.beginnings import of_beginning

NEAR = 1e-6
"""Relative to the distance: nearer than that, float32 does not tell which of two is nearer."""
ROUND = 1e-15
"""Beside the largest squared length: what squared distances made of products may be off by."""
REST = 1e-12
"""A density beside the kernel's peak that is below this is a rest of sums that cancel."""


def ties(estimator: Any, rows: Any) -> Flags:
    """`(rows,)`: where any step of a fitted estimator chose among equals, or its own rounding decides."""
    flags = np.zeros(_count(rows), np.bool_)
    if hasattr(estimator, "steps"):
        for k, (_, step) in enumerate(estimator.steps):
            if hasattr(step, "fit"):
                flags |= ties(step, estimator[:k].transform(rows) if k else rows)
        return flags
    if hasattr(estimator, "transformers_"):
        return flags | _in_columns(estimator, rows)
    for member, its_rows in _members(estimator, rows):
        flags |= ties(member, its_rows)
    if hasattr(estimator, "_mask_fit_X") and hasattr(estimator, "n_neighbors"):
        return _of_imputer(estimator, np.asarray(rows, np.float64))
    if hasattr(estimator, "kneighbors") and hasattr(estimator, "n_neighbors"):
        return _of_nearest(estimator, rows)
    if hasattr(estimator, "radius_neighbors") and hasattr(estimator, "radius"):
        fewer, more = (estimator.radius_neighbors(rows, estimator.radius * (1 + s * NEAR))[1] for s in (-1, 1))
        return np.array([len(a) != len(b) for a, b in zip(fewer, more, strict=True)])
    if hasattr(estimator, "tree_") and hasattr(estimator, "bandwidth_"):
        return _of_density(estimator, np.asarray(rows, np.float64))
    if getattr(estimator, "nn_fit", None) is not None:
        return _of_nearest(estimator.nn_fit, rows)
    if hasattr(estimator, "init_") and hasattr(estimator, "_raw_predict_init"):
        return of_beginning(estimator, rows)
    if hasattr(estimator, "centroids_") and hasattr(estimator, "class_prior_"):
        return _of_centroids(estimator, rows)
    return flags


def _count(rows: Any) -> int:
    """How many rows; a sparse matrix has no length."""
    return int(rows.shape[0]) if hasattr(rows, "shape") else len(rows)


def _in_columns(estimator: Any, rows: Any) -> Flags:
    from sklearn.utils import _safe_indexing

    flags = np.zeros(_count(rows), np.bool_)
    for _, step, columns in estimator.transformers_:
        if hasattr(step, "fit") and len(columns):
            flags |= ties(step, _safe_indexing(rows, columns, axis=1))
    return flags


def _members(estimator: Any, rows: Any) -> Iterator[tuple[Any, Any]]:
    """What an estimator made of others asks, each with the rows that it is given; trees never choose among equals."""
    for name in ("best_estimator_", "regressor_"):
        if hasattr(estimator, name):
            yield getattr(estimator, name), rows
    for _, step in getattr(estimator, "transformer_list", ()):
        if hasattr(step, "fit"):
            yield step, rows
    for pair in getattr(estimator, "calibrated_classifiers_", ()):
        yield pair.estimator, rows
    several = getattr(estimator, "estimators_", None)
    if isinstance(several, list) and not hasattr(estimator, "order_"):  # a chain's members are given more columns
        chosen = getattr(estimator, "estimators_features_", None)  # of an array, and one of them may be there twice
        table = rows if chosen is None or hasattr(rows, "toarray") else np.asarray(rows)
        for k, member in enumerate(several):
            if not hasattr(member, "tree_"):
                yield member, table if chosen is None else table[:, chosen[k]]
    elif several is None and hasattr(estimator, "estimator_") and hasattr(estimator, "predict"):
        yield estimator.estimator_, estimator.transform(rows) if hasattr(estimator, "get_support") else rows
    if hasattr(estimator, "final_estimator_"):
        yield estimator.final_estimator_, estimator.transform(rows)


def _of_nearest(search: Any, rows: Any) -> Flags:
    """The last neighbour and the next are equally near; or, where brute force weighs by 1 / distance, one is here; or a
    tree overlooked nearer ones: it prunes by the triangle inequality, which Bray-Curtis' distances do not obey.
    """
    count = getattr(search, "n_neighbors_", search.n_neighbors) + (getattr(search, "mode", "") == "distance")
    more = min(count + 1, search.n_samples_fit_)
    distances = search.kneighbors(rows, n_neighbors=more)[0]
    flags = _near(distances[:, -1], distances[:, -2]) if more > count else np.zeros(len(distances), np.bool_)
    if getattr(search, "weights", "") == "distance" and search._fit_method == "brute":
        flags |= distances[:, 0] <= NEAR * float(abs(search._fit_X).max())
    if search.effective_metric_ == "braycurtis" and search._fit_method != "brute":
        flags |= _overlooked(search, rows, count)
    return flags


def _overlooked(search: Any, rows: Any, count: int) -> Flags:
    from sklearn.metrics import pairwise_distances

    found = search.kneighbors(rows, n_neighbors=count)[0]
    nearest = np.sort(pairwise_distances(rows, search._fit_X, metric=search.effective_metric_), axis=1)[:, :count]
    return np.asarray(np.any(nearest < found * (1 - NEAR), axis=1))


def _of_imputer(imputer: Any, rows: Floats) -> Flags:
    """As for a search, in each column that is missing; its distances are made of products, too."""
    from sklearn.metrics.pairwise import nan_euclidean_distances
    from sklearn.utils._mask import _get_mask

    missing = _get_mask(rows, imputer.missing_values)
    all_distances = nan_euclidean_distances(rows, imputer._fit_X, missing_values=imputer.missing_values)
    here = NEAR * float(np.nanmax(np.abs(imputer._fit_X)))
    fitted = np.where(_get_mask(imputer._fit_X, imputer.missing_values), 0, imputer._fit_X)
    lengths = rows.shape[1] * (np.sum(np.where(missing, 0, rows) ** 2, axis=1) + np.sum(fitted**2, axis=1).max())
    flags = np.zeros(len(rows), np.bool_)
    for j in np.flatnonzero(imputer._valid_mask & missing.any(axis=0)):
        donors = ~imputer._mask_fit_X[:, j]
        distances = np.sort(np.where(np.isnan(all_distances), np.inf, all_distances)[:, donors], axis=1)
        k = imputer.n_neighbors
        tied = np.zeros(len(rows), np.bool_)
        if k < distances.shape[1]:
            tied |= _near(distances[:, k], distances[:, k - 1]) | (distances[:, k] <= here)
            with np.errstate(invalid="ignore"):  # two infinite distances are no choice
                tied |= distances[:, k] ** 2 - distances[:, k - 1] ** 2 <= ROUND * lengths
        if imputer.weights == "distance":
            tied |= distances[:, 0] <= here
        flags |= tied & missing[:, j]
    return flags


def _of_density(estimator: Any, rows: Floats) -> Flags:
    """Kernels that end: at their edge no digit of the logarithm is left, and beyond it trees find rests of sums."""
    from sklearn.neighbors._kd_tree import kernel_norm

    if estimator.kernel in ("gaussian", "exponential"):
        return np.zeros(len(rows), np.bool_)
    fewer, more = (
        estimator.tree_.query_radius(rows, estimator.bandwidth_ * (1 + s * NEAR), count_only=True) for s in (-1, 1)
    )
    found = estimator.score_samples(rows) - kernel_norm(estimator.bandwidth_, rows.shape[1], estimator.kernel, True)
    return np.asarray((fewer != more) | (np.isfinite(found) & (found < math.log(REST))))


def _of_centroids(estimator: Any, rows: Any) -> Flags:
    from sklearn.metrics import pairwise_distances

    best = np.sort(estimator._decision_function(rows), axis=1)[:, -2:]
    plain = np.sort(pairwise_distances(rows, estimator.centroids_, metric=estimator.metric), axis=1)[:, :2]
    return _near(*best.T) | _near(*plain.T)


def _near(a: Floats, b: Floats) -> Flags:
    with np.errstate(invalid="ignore"):  # two infinite distances are no choice
        return np.asarray(np.abs(a - b) <= NEAR * np.maximum(np.abs(a), np.abs(b)))
