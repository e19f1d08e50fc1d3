"""Forests that are not asked what their leaves say, but which ones they are: isolation and embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import ensemble
from sklearn.ensemble._iforest import _average_path_length

from edgepack.ir.ops import Affine, OneHot, Select
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import elementwise
from edgepack.lower.linear.scores import inlier
from edgepack.lower.predict import Prediction
from edgepack.lower.trees import forest_of

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def isolation_forest(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`−2 ^ (−mean path / usual path)`; an outlier where that is below the offset."""
    usual = float(_average_path_length([est._max_samples])[0])
    if usual == 0:
        raise Refused("trees of a single row; train with max_samples of 2 or more")
    paths = zip(est._decision_path_lengths, est._average_path_length_per_tree, strict=True)
    values = [np.asarray(to_leaf + beyond - 1.0, np.float64)[:, None] for to_leaf, beyond in paths]
    columns = None if est._max_features == len(table) else est.estimators_features_
    forest = forest_of(est.estimators_, values, np.zeros(1), 1.0, len(table), columns)
    depth = b.emit(forest, b.numbers(table))
    share = b.emit(Affine(divisor=np.array([-len(est.estimators_) * usual])), depth)
    anomaly = elementwise("exp2", share, b)
    decision = b.emit(Affine(factor=np.array([-1.0]), offset=np.array([-float(est.offset_)])), anomaly)
    return inlier(decision, est.offset_, b, strict=False)


def random_trees_embedding(est: Any, table: Table, b: Builder) -> Table:
    """A column for every leaf of every tree: 1 where the row ends."""
    encoder, values = est.one_hot_encoder_, []
    for k, (one, leaves) in enumerate(zip(est.estimators_, encoder.categories_, strict=True)):
        value = np.zeros((one.tree_.node_count, len(est.estimators_)))
        value[np.asarray(leaves, np.int64), k] = np.arange(len(leaves))
        values.append(value)
    forest = forest_of(est.estimators_, values, np.zeros(len(values)), 1.0, len(table))
    reached = b.emit(forest, b.numbers(table))
    columns: list[Any] = []
    for k, leaves in enumerate(encoder.categories_):
        place = b.emit(Select(columns=np.array([k])), reached)
        columns += b.table(b.emit(OneHot(size=len(leaves)), place)).columns
    return Table(tuple(columns), sparse=bool(est.sparse_output))


PREDICTORS = {ensemble.IsolationForest: isolation_forest}

TRANSFORMERS = {ensemble.RandomTreesEmbedding: random_trees_embedding}
