"""Predictors that do not look at the row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import dummy

from edgepack.ir.ops import ArgMax, Constant
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def dummy_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """One class for every row; its probabilities are the classes' shares, or 1 for that class."""
    if est._strategy in ("stratified", "uniform"):
        raise Refused(f"strategy={est._strategy!r} draws at random; use prior, most_frequent or constant")
    if est.n_outputs_ == 1:
        return _target(est, est.classes_, est.class_prior_, est.constant, table, b)
    each = zip(est.classes_, est.class_prior_, _constants(est), strict=True)
    return Prediction(targets=tuple(_target(est, *one, table, b) for one in each))


def dummy_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The fitted values."""
    return Prediction(value=_row(np.broadcast_to(np.ravel(est.constant_), est.n_outputs_), table, b))


PREDICTORS = {
    dummy.DummyClassifier: dummy_classifier,
    dummy.DummyRegressor: dummy_regressor,
}


def _constants(est: Any) -> list[Any]:
    return [None] * est.n_outputs_ if est.constant is None else list(np.ravel(est.constant))


def _target(est: Any, classes: Any, prior: Any, constant: Any, table: Table, b: Builder) -> Prediction:
    chosen = int(np.argmax(np.asarray(classes) == np.ravel(constant)[0] if est._strategy == "constant" else prior))
    shares = _row(prior if est._strategy == "prior" else np.arange(len(classes)) == chosen, table, b)
    return Prediction(label=b.emit(ArgMax(), shares), probabilities=shares, classes=np.asarray(classes))


def _row(numbers: Any, table: Table, b: Builder) -> str:
    """A constant beside any column: there is no need to gather the others."""
    if not table.columns:
        raise Refused("no columns arrive here; select at least one column")
    return b.emit(Constant(row=np.array(numbers, np.float64)), table.columns[0].value)
