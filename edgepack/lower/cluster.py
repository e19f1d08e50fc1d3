"""Clusters: the nearest centre."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import cluster

from edgepack.ir.ops import ArgMax, Distances, Lookup
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import constant, elementwise, where
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def nearest_centre(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The number of the centre at the least distance."""
    if not len(est.cluster_centers_):
        raise Refused("found no cluster, so that every row is -1; fit with a larger max_iter")
    return Prediction(label=_nearest(est.cluster_centers_, table, b), classes=np.arange(len(est.cluster_centers_)))


def birch(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The cluster that the nearest subcluster belongs to."""
    nearest = _nearest(est.subcluster_centers_, table, b)
    classes, index = np.unique(est.subcluster_labels_, return_inverse=True)
    rows = np.concatenate([index.astype(np.float64), [np.nan, np.nan]])[:, None]
    label = b.emit(Lookup(keys=np.arange(float(len(index))), table=rows), nearest)
    return Prediction(label=label, classes=classes)


def bisecting(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Down a tree of clusters, at each node to the nearer of two centres."""
    mean = np.ravel(getattr(est, "_X_mean", 0.0))
    label = _descended(est._bisecting_tree, mean, b.doubles(table), b)
    return Prediction(label=label, classes=np.arange(est.n_clusters))


def distances_to_centres(est: Any, table: Table, b: Builder) -> Table:
    """The distance to every centre."""
    return b.table(b.emit(_distances(est.cluster_centers_, "euclidean"), b.doubles(table)))


def distances_to_subclusters(est: Any, table: Table, b: Builder) -> Table:
    """The distance to the centre of every subcluster."""
    return b.table(b.emit(_distances(est.subcluster_centers_, "euclidean"), b.doubles(table)))


PREDICTORS = {
    cluster.AffinityPropagation: nearest_centre,
    cluster.Birch: birch,
    cluster.BisectingKMeans: bisecting,
    cluster.KMeans: nearest_centre,
    cluster.MeanShift: nearest_centre,
    cluster.MiniBatchKMeans: nearest_centre,
}

TRANSFORMERS = {
    cluster.Birch: distances_to_subclusters,
    cluster.BisectingKMeans: distances_to_centres,
    cluster.KMeans: distances_to_centres,
    cluster.MiniBatchKMeans: distances_to_centres,
}


def _distances(centres: Any, metric: str) -> Distances:
    return Distances(points=np.asarray(centres, np.float64), metric=metric)


def _nearest(centres: Any, table: Table, b: Builder) -> str:
    distances = b.emit(_distances(centres, "sqeuclidean"), b.doubles(table))
    return b.emit(ArgMax(), elementwise("negative", distances, b))


def _descended(node: Any, mean: Floats, x: str, b: Builder) -> str:
    """The label of the leaf that a row ends in; centres are without the training rows' mean."""
    if node.left is None:
        return constant(float(node.label), x, b)
    centres = np.stack([node.left.center, node.right.center]) + mean
    distances = b.emit(_distances(centres, "sqeuclidean"), x)
    goes_right = b.emit(ArgMax(), elementwise("negative", distances, b))
    left, right = (_descended(child, mean, x, b) for child in (node.left, node.right))
    return where(goes_right, right, left, b)
