"""Estimators that answer as one inside them does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import frozen, model_selection, semi_supervised
from sklearn.model_selection import _search_successive_halving as halving

from edgepack.ir.ops import Step
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, column, elementwise
from edgepack.lower.meta.members import decision_of, probabilities_of
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def best_estimator(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """A search's best estimator."""
    return lower.predict(_best(est), table, b)


def best_transformer(est: Any, table: Table, b: Builder, lower: Dispatch) -> Table:
    """A search's best estimator, which transforms."""
    return lower.transform(_best(est), table, b)


def frozen_estimator(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The estimator that is not to be fitted again."""
    return lower.predict(est.estimator, table, b)


def frozen_transformer(est: Any, table: Table, b: Builder, lower: Dispatch) -> Table:
    """The transformer that is not to be fitted again."""
    return lower.transform(est.estimator, table, b)


def self_training(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The classifier after its last round."""
    return lower.predict(est.estimator_, table, b)


def fixed_threshold(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The positive class from a threshold on; `auto` is ½ for probabilities and 0 for decisions."""
    inner = getattr(est, "estimator_", est.estimator)
    threshold = None if est.threshold == "auto" else float(est.threshold)
    return _from_threshold(est, inner, threshold, est.pos_label, table, b, lower)


def tuned_threshold(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The positive class from the threshold on that was found best."""
    positive = est._curve_scorer._get_pos_label()
    return _from_threshold(est, est.estimator_, float(est.best_threshold_), positive, table, b, lower)


SEARCHES = (
    model_selection.GridSearchCV,
    model_selection.RandomizedSearchCV,
    halving.HalvingGridSearchCV,
    halving.HalvingRandomSearchCV,
)

PREDICTORS = {
    **dict.fromkeys(SEARCHES, best_estimator),
    frozen.FrozenEstimator: frozen_estimator,
    model_selection.FixedThresholdClassifier: fixed_threshold,
    model_selection.TunedThresholdClassifierCV: tuned_threshold,
    semi_supervised.SelfTrainingClassifier: self_training,
}

COMPOSITIONS = {**dict.fromkeys(SEARCHES, best_transformer), frozen.FrozenEstimator: frozen_transformer}


def _best(est: Any) -> Any:
    if not hasattr(est, "best_estimator_"):
        raise Refused("refit=False keeps no estimator; search with refit=True")
    return est.best_estimator_


def _from_threshold(
    est: Any, inner: Any, threshold: float | None, pos_label: Any, table: Table, b: Builder, lower: Dispatch
) -> Prediction:
    p = lower.predict(inner, table, b)
    classes = np.asarray(est.classes_)
    positive = 1 if pos_label is None else int(np.flatnonzero(classes == pos_label)[0])
    method = est.response_method
    if method == "auto":
        method = "predict_proba" if hasattr(inner, "predict_proba") else "decision_function"
    if method == "predict_proba":
        score = column(probabilities_of(p, b, 2), positive, b)
    else:
        decision = decision_of(p, b)
        score = decision if positive == 1 else elementwise("negative", decision, b)
    limit = threshold if threshold is not None else 0.5 if method == "predict_proba" else 0.0
    label = b.emit(Step(threshold=limit, strict=False), score)
    if positive == 0:
        label = affine(label, b, factor=-1.0, offset=1.0)
    return replace(p, label=label, classes=classes)
