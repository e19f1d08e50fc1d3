"""Rows placed beside those that a manifold was learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import manifold

from edgepack.ir.ops import Affine, ArgMax, Binary, Distances, Lookup, Nearest, Reduce
from edgepack.ir.ops.neighbors import METRICS
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import binary, elementwise, where
from edgepack.lower.project.products import doubles
from edgepack.lower.project.spectral import kernel_components


def isomap(est: Any, table: Table, b: Builder) -> Table:
    """The shortest way to each fitted row through one of the `n_neighbors` nearest, as a kernel of −½ d²."""
    if est.n_neighbors is None:
        raise Refused("radius takes as many neighbours as there are; use n_neighbors")
    distances = b.emit(_distances(est.nbrs_), b.doubles(table))
    count = len(est.dist_matrix_)
    keys, nowhere = np.arange(count, dtype=np.float64), np.full((2, count), np.nan)
    ways = Lookup(keys=keys, table=np.concatenate([doubles(est.dist_matrix_), nowhere]))
    shortest = ""
    for turn in range(est.n_neighbors):
        nearest = b.emit(ArgMax(), elementwise("negative", distances, b))
        through = b.emit(Binary(function="add"), b.emit(ways, nearest), b.emit(Reduce(function="min"), distances))
        shortest = binary("minimum", shortest, through, b) if shortest else through
        if turn < est.n_neighbors - 1:
            distances = where(b.emit(Nearest(k=1), distances), np.inf, distances, b)
    half = b.emit(Affine(factor=np.full(count, -0.5)), elementwise("square", shortest, b))
    return b.table(kernel_components(est.kernel_pca_, half, b))


def barycenters(est: Any, table: Table, b: Builder) -> Table:
    """Always refused."""
    raise Refused("each row solves a linear system of its own neighbours; use Isomap or KernelPCA")


TRANSFORMERS = {manifold.Isomap: isomap, manifold.LocallyLinearEmbedding: barycenters}


def _distances(search: Any) -> Distances:
    """What a nearest-neighbours search measures."""
    metric = search.effective_metric_
    parameters = {k: v for k, v in (search.effective_metric_params_ or {}).items() if v is not None}
    p = float(parameters.pop("p", 2.0))
    if metric not in METRICS or parameters or not hasattr(search._fit_X, "shape") or hasattr(search._fit_X, "toarray"):
        raise Refused(f"metric {metric!r}; use one of {', '.join(METRICS)} on dense rows")
    return Distances(points=doubles(search._fit_X), metric=metric, p=p)
