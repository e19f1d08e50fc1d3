"""AdaBoost: members' labels or values, weighed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import ensemble

from edgepack.ir.ops import Affine, ArgMax, Complement, Concat, Sigmoid, Softmax, Step, WeightedMedian
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import binary, column
from edgepack.lower.meta import members
from edgepack.lower.predict import Prediction
from edgepack.lower.trees import are_trees, forest_of

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Each member gives its weight to the class that it chooses, and takes a share of it from every other."""
    count = len(est.classes_)
    if count == 1:
        raise Refused("a single class; train on at least two")
    sums = _sums(est, count, table, b, lower)
    sums = b.emit(Affine(divisor=np.full(count, float(np.sum(est.estimator_weights_)))), sums)
    if count > 2:
        logits = b.emit(Affine(divisor=np.full(count, count - 1.0)), sums)
        label, p = b.emit(ArgMax(), logits), b.emit(Softmax(), logits)
        return Prediction(label=label, probabilities=p, decision=sums, classes=est.classes_)
    decision = binary("subtract", column(sums, 1, b), column(sums, 0, b), b)
    p = b.emit(Complement(), b.emit(Sigmoid(), decision))  # softmax([−d, d] / 2)
    label = b.emit(Step(threshold=0.0, strict=True), decision)
    return Prediction(label=label, probabilities=p, decision=decision, classes=est.classes_)


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The weighted median of the members' values."""
    weights = np.asarray(est.estimator_weights_[: len(est.estimators_)], np.float64)
    if are_trees(est.estimators_):
        values = [_alone(e.tree_.value[:, 0, 0], k, len(weights)) for k, e in enumerate(est.estimators_)]
        forest = forest_of(est.estimators_, values, np.zeros(len(weights)), 1.0, len(table))
        value = b.emit(forest, b.numbers(table))
    else:
        found = members.predictions(est.estimators_, table, b, lower)
        value = b.emit(Concat(), *(members.value_of(f, b) for f in found))
    return Prediction(value=b.emit(WeightedMedian(weights=weights), value))


PREDICTORS = {ensemble.AdaBoostClassifier: classifier, ensemble.AdaBoostRegressor: regressor}


def _sums(est: Any, count: int, table: Table, b: Builder, lower: Dispatch) -> str:
    """`(rows, classes)`: what the members give to each class."""
    rows = [
        np.where(np.eye(count, dtype=bool), w, -1 / (count - 1) * w)
        for w in np.asarray(est.estimator_weights_[: len(est.estimators_)], np.float64)
    ]
    at = [np.searchsorted(est.classes_, e.classes_) for e in est.estimators_]
    if are_trees(est.estimators_):
        chosen = [k[e.tree_.value[:, 0, :].argmax(axis=1)] for k, e in zip(at, est.estimators_, strict=True)]
        values = [row[which] for row, which in zip(rows, chosen, strict=True)]
        return b.emit(forest_of(est.estimators_, values, np.zeros(count), 1.0, len(table)), b.numbers(table))
    found = members.predictions(est.estimators_, table, b, lower)
    given = [members.row_of(members.label_of(f, b), row[k], b) for f, row, k in zip(found, rows, at, strict=True)]
    return members.total(given, b)


def _alone(value: Floats, k: int, count: int) -> Floats:
    """A tree's values in a column of its own."""
    result = np.zeros((len(value), count))
    result[:, k] = value
    return result
