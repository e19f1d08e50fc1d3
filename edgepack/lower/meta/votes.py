"""Ensembles that take the mean of their members, or a vote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import ensemble

from edgepack.ir.ops import ArgMax, OneHot
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.meta import members
from edgepack.lower.predict import Prediction
from edgepack.lower.trees import are_trees, forest_of

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def voting_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The largest mean probability, or the most votes; of equal ones the first class. Members know classes by index."""
    found = members.predictions(est.estimators_, table, b, lower)
    count, weights = len(est.classes_), _weights(est)
    if est.voting == "soft":
        p = members.mean([members.probabilities_of(f, b, count) for f in found], b, weights)
        return Prediction(label=b.emit(ArgMax(), p), probabilities=p, classes=est.classes_)
    votes = [b.emit(OneHot(size=count), members.label_of(f, b)) for f in found]
    return Prediction(label=b.emit(ArgMax(), members.mean(votes, b, weights)), classes=est.classes_)


def voting_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The mean value."""
    found = members.predictions(est.estimators_, table, b, lower)
    return Prediction(value=members.mean([members.value_of(f, b) for f in found], b, _weights(est)))


def voting_answers(est: Any, table: Table, b: Builder, lower: Dispatch) -> Table:
    """Every member's answer: values, class indices, or all probabilities."""
    found = members.predictions(est.estimators_, table, b, lower)
    if isinstance(est, ensemble.VotingRegressor):
        return b.table(members.beside([members.value_of(f, b) for f in found], b))
    if est.voting == "hard":
        return b.table(members.beside([members.label_of(f, b) for f in found], b))
    if not est.flatten_transform:
        raise Refused("flatten_transform=False gives three dimensions; leave it True")
    count = len(est.classes_)
    return b.table(members.beside([members.probabilities_of(f, b, count) for f in found], b))


def bagging_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The mean of the members' probabilities, or of their votes where they have none; each on columns of its own."""
    count = len(est.classes_)
    if are_trees(est.estimators_) and len({len(e.classes_) for e in est.estimators_}) == 1 == _full(est, count):
        values = [e.tree_.value[:, 0, :] for e in est.estimators_]
        forest = forest_of(est.estimators_, values, np.zeros(count), _count(est), len(table), est.estimators_features_)
        p = b.emit(forest, b.numbers(table))
        return Prediction(label=b.emit(ArgMax(), p), probabilities=p, classes=est.classes_)
    found = members.predictions(est.estimators_, table, b, lower, est.estimators_features_)
    shares = []
    for member, f in zip(est.estimators_, found, strict=True):
        at = np.asarray(member.classes_).astype(np.int64)
        if hasattr(member, "predict_proba"):
            own = members.probabilities_of(f, b, len(at))
        else:
            own = b.emit(OneHot(size=len(at)), members.label_of(f, b))
        shares.append(members.placed(own, at, count, b))
    p = members.mean(shares, b)
    decision = None
    if hasattr(est.estimators_[0], "decision_function") and all(f.decision for f in found):
        decision = members.mean([str(f.decision) for f in found], b)
    return Prediction(label=b.emit(ArgMax(), p), probabilities=p, decision=decision, classes=est.classes_)


def bagging_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The mean of the members' values; each is given columns of its own."""
    if are_trees(est.estimators_):
        values = [_outputs(e.tree_.value) for e in est.estimators_]
        zeros = np.zeros(values[0].shape[1])
        forest = forest_of(est.estimators_, values, zeros, _count(est), len(table), est.estimators_features_)
        return Prediction(value=b.emit(forest, b.numbers(table)))
    found = members.predictions(est.estimators_, table, b, lower, est.estimators_features_)
    return Prediction(value=members.mean([members.value_of(f, b) for f in found], b))


PREDICTORS = {
    ensemble.BaggingClassifier: bagging_classifier,
    ensemble.BaggingRegressor: bagging_regressor,
    ensemble.VotingClassifier: voting_classifier,
    ensemble.VotingRegressor: voting_regressor,
}

COMPOSITIONS = {ensemble.VotingClassifier: voting_answers, ensemble.VotingRegressor: voting_answers}


def _weights(est: Any) -> Floats | None:
    weights = est._weights_not_none
    return None if weights is None else np.asarray(weights, np.float64)


def _count(est: Any) -> float:
    return float(len(est.estimators_))


def _full(est: Any, count: int) -> int:
    """1 if every member knows all classes."""
    return int(all(len(e.classes_) == count for e in est.estimators_))


def _outputs(values: Any) -> Floats:
    """A regression tree's `(nodes, outputs)`."""
    return np.asarray(values[:, :, 0], np.float64)
