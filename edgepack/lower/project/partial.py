"""Partial least squares as regressors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import cross_decomposition

from edgepack.lower.builder import Builder, Table
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import centred, product

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def partial_least_squares(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`(x − mean) @ coef.T + intercept`, one column per target; the scale is in the weights."""
    x = centred(b.doubles(table), est._x_mean, b)
    return Prediction(value=product(x, est.coef_, b, offset=est.intercept_))


PREDICTORS = {
    cross_decomposition.CCA: partial_least_squares,
    cross_decomposition.PLSCanonical: partial_least_squares,
    cross_decomposition.PLSRegression: partial_least_squares,
}
