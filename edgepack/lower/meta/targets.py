"""Several targets: an estimator for each, by itself or in a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import ensemble, linear_model, multioutput, neural_network, svm, tree

from edgepack.ir.ops import Elementwise, Select
from edgepack.lower.answer import as_numbers
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import column
from edgepack.lower.meta import members
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def classifiers(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """A classifier per target."""
    return Prediction(targets=tuple(members.predictions(est.estimators_, table, b, lower)))


def regressors(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """A regressor per target."""
    found = members.predictions(est.estimators_, table, b, lower)
    return Prediction(value=members.beside([members.value_of(f, b) for f in found], b))


def classifier_chain(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Each classifier is given the answers of those before it, too."""
    method = getattr(est, "chain_method_", "predict")
    found = []
    for k, member in enumerate(est.estimators_):
        with b.within(f"[{k}]"):
            found.append(lower.predict(member, table, b))
            if method == "predict_log_proba" and type(member) not in LOGARITHMS:
                raise Refused(f"{type(member).__name__} has logarithms of its own; use chain_method='predict_proba'")
            table = Table(table.columns + b.table(_handed_on(method, found[-1], b)).columns)
    ordered = [found[k] for k in np.argsort(est.order_)]
    binary = all(np.array_equal(f.classes, [0, 1]) for f in found if not f.is_empty)
    decisions = [f.decision for f in ordered]
    decision = members.beside([str(d) for d in decisions], b) if all(decisions) else None
    return Prediction(targets=tuple(ordered), multilabel=binary, decision=decision)


def regressor_chain(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Each regressor is given the values of those before it, too."""
    values = []
    for k, member in enumerate(est.estimators_):
        with b.within(f"[{k}]"):
            values.append(members.value_of(lower.predict(member, table, b), b))
            table = Table(table.columns + b.table(values[-1]).columns)
    whole = members.beside(values, b)
    return Prediction(value=b.emit(Select(columns=np.argsort(est.order_).astype(np.int64)), whole))


PREDICTORS = {
    multioutput.ClassifierChain: classifier_chain,
    multioutput.MultiOutputClassifier: classifiers,
    multioutput.MultiOutputRegressor: regressors,
    multioutput.RegressorChain: regressor_chain,
}


LOGARITHMS = (
    linear_model.LogisticRegression,
    neural_network.MLPClassifier,
    svm.SVC,
    tree.DecisionTreeClassifier,
    tree.ExtraTreeClassifier,
    ensemble.RandomForestClassifier,
    ensemble.ExtraTreesClassifier,
)
"""Whose `predict_log_proba` is the logarithm of `predict_proba`, and of nothing more precise."""


def _handed_on(method: str, p: Prediction, b: Builder) -> str:
    """One number: the label, the decision, or the probability of class 1 or its logarithm."""
    if method == "predict":
        return as_numbers(p, b) if p.label is not None else members.label_of(p, b)
    if method == "decision_function":
        return members.decision_of(p, b)
    share = column(members.probabilities_of(p, b, 2), 1, b)
    return share if method == "predict_proba" else b.emit(Elementwise(function="log"), share)
