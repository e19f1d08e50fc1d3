"""Classifiers that decide by weighted sums: one score for two classes, else one score per class."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import linear_model, svm

from edgepack.ir.ops import Affine, Clip, Complement, Sigmoid, Softmax
from edgepack.lower.builder import Builder, Table
from edgepack.lower.linear.scores import each_label, label_of, scores_of, shares
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
    return replace(plain, probabilities=b.emit(Complement(), p) if width == 1 else shares(p, b))


def ridge_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """As any linear classifier; with several labels, each is given where its own score is above 0."""
    if not est._label_binarizer.y_type_.startswith("multilabel"):
        return classifier(est, table, b, lower)
    scores = scores_of(est, table, b)
    labels = each_label(scores, 0.0, b)
    targets = tuple(Prediction(label=label, classes=np.array([0, 1])) for label in labels)
    return Prediction(decision=scores, targets=targets, multilabel=True)


PREDICTORS = {
    linear_model.LogisticRegression: logistic_regression,
    linear_model.LogisticRegressionCV: logistic_regression,
    linear_model.PassiveAggressiveClassifier: classifier,
    linear_model.Perceptron: classifier,
    linear_model.RidgeClassifier: ridge_classifier,
    linear_model.RidgeClassifierCV: ridge_classifier,
    linear_model.SGDClassifier: sgd_classifier,
    svm.LinearSVC: classifier,
}
