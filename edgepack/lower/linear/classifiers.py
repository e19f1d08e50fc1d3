"""Classifiers that decide by weighted sums: one score for two classes, else one score per class."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import linear_model, multiclass, svm

from edgepack.ir.ops import Affine, Clip, Complement, Constant, Normalize, Reduce, Sigmoid, Softmax, Where
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.linear.scores import dense, each_label, label_of, scores_of, weighted_sums
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """A label and a decision, no probabilities."""
    scores = scores_of(est, table, b)
    return Prediction(label=label_of(scores, b), decision=scores, classes=est.classes_)


def logistic_regression(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Binary: expit of one score, class 1 above 0. More classes: softmax of one score each."""
    plain = classifier(est, table, b, lower)
    scores = str(plain.decision)
    if len(est.classes_) <= 2:
        return replace(plain, probabilities=b.emit(Complement(), b.emit(Sigmoid(), scores)))
    return replace(plain, probabilities=b.emit(Softmax(), scores))


def sgd_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Probabilities for two of the losses: expit of the scores, or the scores clipped to ±1 and moved to [0, 1]."""
    plain = classifier(est, table, b, lower)
    if est.loss not in ("log_loss", "modified_huber"):
        return plain
    scores = str(plain.decision)
    width = b.types[scores].width
    if est.loss == "log_loss":
        p = b.emit(Sigmoid(), scores)
    else:
        clipped = b.emit(Clip(low=np.full(width, -1.0), high=np.full(width, 1.0)), scores)
        p = b.emit(Affine(center=np.full(width, -1.0), divisor=np.full(width, 2.0)), clipped)
    return replace(plain, probabilities=b.emit(Complement(), p) if width == 1 else _shares(p, b))


def ridge_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """As any linear classifier; with several labels, each is given where its own score is above 0."""
    if not est._label_binarizer.y_type_.startswith("multilabel"):
        return classifier(est, table, b, lower)
    scores = scores_of(est, table, b)
    labels = each_label(scores, 0.0, b)
    targets = tuple(Prediction(label=label, classes=np.array([0, 1])) for label in labels)
    return Prediction(decision=scores, targets=targets, multilabel=True)


def one_vs_rest(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """One logistic regression per class, their probabilities divided by their sum."""
    if est.multilabel_:
        raise Refused("several labels per row; train one classifier per label")
    if wrong := {type(e).__name__ for e in est.estimators_} - {"LogisticRegression"}:
        raise Refused(f"{', '.join(sorted(wrong))} inside; use LogisticRegression")
    if len(est.estimators_) == 1:
        return replace(logistic_regression(est.estimators_[0], table, b, lower), classes=est.classes_)
    coef = np.concatenate([dense(e.coef_) for e in est.estimators_])
    intercept = np.concatenate([np.ravel(e.intercept_) for e in est.estimators_])
    scores = b.emit(weighted_sums(coef, intercept), b.doubles(table))
    probabilities = b.emit(Normalize(), b.emit(Sigmoid(), scores))
    return Prediction(label=label_of(scores, b), probabilities=probabilities, decision=scores, classes=est.classes_)


PREDICTORS = {
    linear_model.LogisticRegression: logistic_regression,
    linear_model.LogisticRegressionCV: logistic_regression,
    linear_model.PassiveAggressiveClassifier: classifier,
    linear_model.Perceptron: classifier,
    linear_model.RidgeClassifier: ridge_classifier,
    linear_model.RidgeClassifierCV: ridge_classifier,
    linear_model.SGDClassifier: sgd_classifier,
    multiclass.OneVsRestClassifier: one_vs_rest,
    svm.LinearSVC: classifier,
}


def _shares(p: str, b: Builder) -> str:
    """Each row divided by its sum; where every class has 0, all have the same."""
    width = b.types[p].width
    total = b.emit(Reduce(function="sum"), p)
    return b.emit(Where(), total, b.emit(Normalize(), p), b.emit(Constant(row=np.full(width, 1 / width)), p))
