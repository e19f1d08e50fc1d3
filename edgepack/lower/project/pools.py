"""Columns of one cluster pooled into one."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import cluster

from edgepack.ir.ops import Affine, Binary, Concat, Reduce, Select, WeightedMedian
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, elementwise
from edgepack.lower.project.products import product

REDUCTION_OF = {np.max: "max", np.amax: "max", np.min: "min", np.amin: "min", np.sum: "sum", np.prod: "prod"}


def feature_agglomeration(est: Any, table: Table, b: Builder) -> Table:
    """The mean, or another function, of each cluster's columns."""
    x = b.doubles(table)
    of = np.arange(est.labels_.max() + 1)
    if est.pooling_func is np.mean:
        sums = product(x, est.labels_ == of[:, None], b)
        return b.table(b.emit(Affine(divisor=np.bincount(est.labels_).astype(np.float64)), sums))
    if est.pooling_func is not np.median and est.pooling_func not in REDUCTION_OF:
        name = getattr(est.pooling_func, "__name__", repr(est.pooling_func))
        raise Refused(f"pooling_func {name}; use np.mean, np.median, np.max, np.min, np.sum or np.prod")
    pools = []
    for columns in (np.flatnonzero(est.labels_ == label) for label in of):
        members = b.emit(Select(columns=columns), x)
        if est.pooling_func is np.median:
            pools.append(_median(members, b))
        else:
            pools.append(b.emit(Reduce(function=REDUCTION_OF[est.pooling_func]), members))
    return b.table(pools[0] if len(pools) == 1 else b.emit(Concat(), *pools))


TRANSFORMERS = {cluster.FeatureAgglomeration: feature_agglomeration}


def _median(members: str, b: Builder) -> str:
    """The middle number, or the mean of the two middle ones: the lower median, and that of the row upside down."""
    median = WeightedMedian(weights=np.ones(b.types[members].width))
    low = b.emit(median, members)
    high = elementwise("negative", b.emit(median, elementwise("negative", members, b)), b)
    return affine(b.emit(Binary(function="add"), low, high), b, factor=0.5)
