"""Stacking: an estimator that is given what others answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import ensemble

from edgepack.ir.ops import Select
from edgepack.lower.answer import as_numbers
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import column
from edgepack.lower.meta import members
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def answers(est: Any, table: Table, b: Builder, lower: Dispatch) -> Table:
    """The members' answers side by side, and the table itself where it is passed through."""
    found = members.predictions(est.estimators_, table, b, lower)
    parts = [_answer(est, method, f, b) for method, f in zip(est.stack_method_, found, strict=True)]
    columns = b.table(members.beside(parts, b)).columns
    return Table(columns + table.columns) if est.passthrough else Table(columns)


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The final estimator, which knows classes by index.

    Of several labels, scikit-learn's `predict_proba` is that of 0: it is left out, for everywhere else it is that of 1.
    """
    with b.within("final_estimator"):
        final = lower.predict(est.final_estimator_, answers(est, table, b, lower), b)
    if not isinstance(est._label_encoder, list):
        return replace(final, classes=est.classes_)
    if final.is_empty:
        return final
    if not final.targets:
        raise Refused("a final estimator of one target; give one that answers several labels")
    targets = tuple(replace(t, probabilities=None, classes=c) for t, c in zip(final.targets, est.classes_, strict=True))
    return Prediction(targets=targets, multilabel=True)


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The final estimator."""
    with b.within("final_estimator"):
        return lower.predict(est.final_estimator_, answers(est, table, b, lower), b)


PREDICTORS = {ensemble.StackingClassifier: classifier, ensemble.StackingRegressor: regressor}

COMPOSITIONS = {ensemble.StackingClassifier: answers, ensemble.StackingRegressor: answers}


def _answer(est: Any, method: str, p: Prediction, b: Builder) -> str:
    if p.targets:
        return _of_labels(method, p, b)
    count = len(getattr(est, "classes_", ()))
    if method == "predict_proba":
        own = members.probabilities_of(p, b, count)
        return b.emit(Select(columns=np.array([1])), own) if count == 2 else own
    if method == "decision_function":
        return members.decision_of(p, b, 1 if count == 2 else count)
    return as_numbers(p, b) if p.label is not None else members.value_of(p, b)


def _of_labels(method: str, p: Prediction, b: Builder) -> str:
    """A member's answers about several labels: of each the probability of 1, or whether it is given."""
    if method == "decision_function" and p.decision:
        return p.decision
    if method == "predict_proba":
        return members.beside([column(members.probabilities_of(t, b, 2), 1, b) for t in p.targets], b)
    return members.beside([as_numbers(t, b) for t in p.targets], b)
