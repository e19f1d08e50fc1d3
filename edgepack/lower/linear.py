"""Linear models."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import linear_model, multiclass

from edgepack.ir.ops import ArgMax, Complement, Linear, Normalize, Sigmoid, Softmax, Step
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`x @ coef.T + intercept`, one column per target."""
    return Prediction(value=b.emit(_linear(est.coef_, est.intercept_), b.doubles(table)))


def logistic_regression(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Binary: expit of one score, class 1 above 0. More classes: softmax of one score each."""
    scores = b.emit(_linear(est.coef_, est.intercept_), b.doubles(table))
    if len(est.classes_) <= 2:
        probabilities = b.emit(Complement(), b.emit(Sigmoid(), scores))
        label = b.emit(Step(threshold=0.0, strict=True), scores)
    else:
        probabilities = b.emit(Softmax(), scores)
        label = b.emit(ArgMax(), scores)
    return Prediction(label=label, probabilities=probabilities, decision=scores, classes=est.classes_)


def one_vs_rest(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """One logistic regression per class, their probabilities divided by their sum."""
    if est.multilabel_:
        raise Refused("several labels per row; train one classifier per label")
    if wrong := {type(e).__name__ for e in est.estimators_} - {"LogisticRegression"}:
        raise Refused(f"{', '.join(sorted(wrong))} inside; use LogisticRegression")
    if len(est.estimators_) == 1:
        return replace(logistic_regression(est.estimators_[0], table, b, lower), classes=est.classes_)
    coef = np.concatenate([_dense(e.coef_) for e in est.estimators_])
    intercept = np.concatenate([np.ravel(e.intercept_) for e in est.estimators_])
    scores = b.emit(_linear(coef, intercept), b.doubles(table))
    probabilities = b.emit(Normalize(), b.emit(Sigmoid(), scores))
    label = b.emit(ArgMax(), scores)
    return Prediction(label=label, probabilities=probabilities, decision=scores, classes=est.classes_)


PREDICTORS = {
    linear_model.LinearRegression: regressor,
    linear_model.Ridge: regressor,
    linear_model.Lasso: regressor,
    linear_model.ElasticNet: regressor,
    linear_model.LogisticRegression: logistic_regression,
    multiclass.OneVsRestClassifier: one_vs_rest,
}


def _dense(coef: Any) -> Any:
    """Weights as an array, also after `sparsify()`."""
    return coef.toarray() if hasattr(coef, "toarray") else coef


def _linear(coef: Any, intercept: Any) -> Linear:
    coef = np.atleast_2d(np.asarray(_dense(coef), np.float64))
    return Linear(coef=coef, intercept=np.broadcast_to(np.ravel(np.asarray(intercept, np.float64)), len(coef)).copy())
