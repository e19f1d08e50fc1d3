"""The class whose centroid is nearest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import neighbors

from edgepack.ir.ops import Affine, ArgMax, Binary, Select, Softmax
from edgepack.lower.builder import Builder, Table
from edgepack.lower.formula import elementwise
from edgepack.lower.neighbors.search import measured
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def nearest_centroid(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """By plain distance where the priors are equal; else, and in probabilities, by `2 log P(c) − distance²` of scaled
    columns.
    """
    x = b.doubles(table)
    scores = _scores(est, x, b)
    plain = np.isclose(est.class_prior_, 1 / len(est.classes_)).all()
    label = b.emit(ArgMax(), _nearness(est, x, b) if plain else scores)
    if est.metric != "euclidean":
        return Prediction(label=label, classes=est.classes_)
    decision = scores
    if len(est.classes_) == 2:
        first, second = (b.emit(Select(columns=np.array([j])), scores) for j in (0, 1))
        decision = b.emit(Binary(function="subtract"), second, first)
    probabilities = b.emit(Softmax(), scores)
    return Prediction(label=label, probabilities=probabilities, decision=decision, classes=est.classes_)


PREDICTORS = {neighbors.NearestCentroid: nearest_centroid}


def _nearness(est: Any, x: str, b: Builder) -> str:
    return elementwise("negative", measured(est.metric, {}, est.centroids_, x, b).rank, b)


def _scores(est: Any, x: str, b: Builder) -> str:
    spread = np.where(est.within_class_std_dev_ != 0, est.within_class_std_dev_, 1.0)
    search = measured(est.metric, {}, est.centroids_ / spread, b.emit(Affine(divisor=spread), x), b)
    square = search.rank if search.is_square else elementwise("square", search.rank, b)
    with np.errstate(divide="ignore"):  # a prior of 0 is allowed
        logs = 2.0 * np.log(est.class_prior_)
    return b.emit(Affine(factor=np.full(len(logs), -1.0), offset=logs), square)
