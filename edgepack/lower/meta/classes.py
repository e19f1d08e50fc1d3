"""Classifiers of many classes made of binary ones."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import linear_model, multiclass

from edgepack.ir.ops import ArgMax, Complement, Constant, Distances, Normalize, Sigmoid, Step
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary, column, elementwise
from edgepack.lower.linear.classifiers import logistic_regression
from edgepack.lower.linear.scores import dense, label_of, weighted_sums
from edgepack.lower.meta import members
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def one_vs_rest(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The class whose classifier says most for it; probabilities divided by their sum; each label by itself."""
    if all(type(e) is linear_model.LogisticRegression for e in est.estimators_) and not est.multilabel_:
        return _of_logistic_regressions(est, table, b, lower)
    found = members.predictions(est.estimators_, table, b, lower)
    scores = [members.positive(e, f, b) for e, f in zip(est.estimators_, found, strict=True)]
    first = est.estimators_[0]
    limit = members.threshold_of(first)
    decision = members.beside(scores, b) if hasattr(first, "decision_function") else None
    has_probabilities = hasattr(first, "predict_proba")
    shares = [members.probabilities_of(f, b, 2) for f in found] if has_probabilities else []
    if est.multilabel_:
        labels = [b.emit(Step(threshold=limit, strict=True), score) for score in scores]
        each = [
            Prediction(label=label, probabilities=shares[k] if shares else None, classes=np.array([0, 1]))
            for k, label in enumerate(labels)
        ]
        return Prediction(decision=decision, targets=tuple(each), multilabel=True)
    if len(scores) == 1:
        label = b.emit(Step(threshold=limit, strict=True), scores[0])
        p = shares[0] if shares else None
        return Prediction(label=label, probabilities=p, decision=decision, classes=est.classes_)
    said = decision or members.beside(scores, b)
    ones = said if decision is None else members.beside([column(s, 1, b) for s in shares], b) if shares else said
    p = b.emit(Normalize(), ones) if shares else None
    label = b.emit(ArgMax(), said)
    return Prediction(label=label, probabilities=p, decision=decision, classes=est.classes_)


def constant(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """What stands for a class that all rows had, or none."""
    answer = b.emit(Constant(row=np.asarray(est.y_, np.float64).ravel()), table.columns[0].value)
    return Prediction(label=answer, decision=answer, probabilities=b.emit(Complement(), answer), classes=np.arange(2))


def one_vs_one(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The class with the most votes of all pairs; among equals, the one with the larger sum of confidences."""
    if est.pairwise_indices_ is not None:
        raise Refused("a precomputed kernel takes the training rows; use a kernel by name")
    found = members.predictions(est.estimators_, table, b, lower)
    count = len(est.classes_)
    votes = members.beside([members.label_of(f, b) for f in found], b)
    confidences = members.beside([members.positive(e, f, b) for e, f in zip(est.estimators_, found, strict=True)], b)
    pairs = list(combinations(range(count), 2))
    signs = np.zeros((count, len(pairs)))
    for k, (i, j) in enumerate(pairs):
        signs[i, k], signs[j, k] = -1.0, 1.0
    sums = members.weighed(confidences, signs, b)
    room = affine(elementwise("absolute", sums, b), b, factor=3.0, offset=3.0)
    against = np.maximum(-signs, 0.0).sum(axis=1)  # a vote for the first of a pair is a 0
    won = b.emit(weighted_sums(signs, against), votes)
    decision = binary("add", won, binary("divide", sums, room, b), b)
    if count == 2:
        decision = column(decision, 1, b)
        limit = members.threshold_of(est.estimators_[0])
        label = b.emit(Step(threshold=limit, strict=True), decision)
    else:
        label = b.emit(ArgMax(), decision)
    return Prediction(label=label, decision=decision, classes=est.classes_)


def output_code(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The class whose code is nearest to what the classifiers say."""
    found = members.predictions(est.estimators_, table, b, lower)
    said = members.beside([members.positive(e, f, b) for e, f in zip(est.estimators_, found, strict=True)], b)
    distances = b.emit(Distances(points=np.asarray(est.code_book_, np.float64), metric="sqeuclidean"), said)
    return Prediction(label=b.emit(ArgMax(), elementwise("negative", distances, b)), classes=est.classes_)


PREDICTORS = {
    multiclass.OneVsOneClassifier: one_vs_one,
    multiclass.OneVsRestClassifier: one_vs_rest,
    multiclass.OutputCodeClassifier: output_code,
    multiclass._ConstantPredictor: constant,
}


def _of_logistic_regressions(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """All their weights in one product."""
    if len(est.estimators_) == 1:
        return replace(logistic_regression(est.estimators_[0], table, b, lower), classes=est.classes_)
    coef = np.concatenate([dense(e.coef_) for e in est.estimators_])
    intercept = np.concatenate([np.ravel(e.intercept_) for e in est.estimators_])
    scores = b.emit(weighted_sums(coef, intercept), b.doubles(table))
    probabilities = b.emit(Normalize(), b.emit(Sigmoid(), scores))
    return Prediction(label=label_of(scores, b), probabilities=probabilities, decision=scores, classes=est.classes_)
