"""Stacking: an estimator that is given what others answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import ensemble

from edgepack.ir.ops import Select
from edgepack.lower.answer import as_numbers
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.meta import members
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def answers(est: Any, table: Table, b: Builder, lower: Dispatch) -> Table:
    """The members' answers side by side, and the table itself where it is passed through."""
    if isinstance(getattr(est, "_label_encoder", None), list):
        raise Refused("several labels per row; train one classifier per label")
    found = members.predictions(est.estimators_, table, b, lower)
    parts = [_answer(est, method, f, b) for method, f in zip(est.stack_method_, found, strict=True)]
    columns = b.table(members.beside(parts, b)).columns
    return Table(columns + table.columns) if est.passthrough else Table(columns)


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The final estimator, which knows classes by index."""
    with b.within("final_estimator"):
        return replace(lower.predict(est.final_estimator_, answers(est, table, b, lower), b), classes=est.classes_)


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The final estimator."""
    with b.within("final_estimator"):
        return lower.predict(est.final_estimator_, answers(est, table, b, lower), b)


PREDICTORS = {ensemble.StackingClassifier: classifier, ensemble.StackingRegressor: regressor}

COMPOSITIONS = {ensemble.StackingClassifier: answers, ensemble.StackingRegressor: answers}


def _answer(est: Any, method: str, p: Prediction, b: Builder) -> str:
    count = len(getattr(est, "classes_", ()))
    if method == "predict_proba":
        own = members.probabilities_of(p, b, count)
        return b.emit(Select(columns=np.array([1])), own) if count == 2 else own
    if method == "decision_function":
        return members.decision_of(p, b, 1 if count == 2 else count)
    if p.targets:
        raise Refused("a member of several targets; train one per target")
    return as_numbers(p, b) if p.label is not None else members.value_of(p, b)
