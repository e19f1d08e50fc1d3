"""Isotonic regression: a monotone curve of straight lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import isotonic

from edgepack.ir.ops import Clip, Constant, Piecewise
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def curve(est: Any, table: Table, b: Builder) -> Table:
    """`np.interp` between the thresholds; beyond them NaN, or the value at the nearer end."""
    x, y = est.X_thresholds_, est.y_thresholds_
    if x.dtype != np.float64:
        raise Refused(f"fitted on {x.dtype}, in which scikit-learn computes; fit on float64")
    if len(table) != 1:
        raise Refused(f"{len(table)} columns; isotonic regression takes one")
    value = b.doubles(table)
    if len(y) == 1:
        return b.table(b.emit(Constant(row=y.copy()), value))
    if est.out_of_bounds == "clip":
        value = b.emit(Clip(low=np.array([est.X_min_]), high=np.array([est.X_max_])), value)
    return b.table(b.emit(lines(x, y), value))


def lines(x: Any, y: Any) -> Piecewise:
    """Straight lines through the points `(n,)`, x ascending; NaN below the first and above the last."""
    with np.errstate(over="ignore"):
        slope = np.diff(y) / np.diff(x)
        end = np.nextafter(x[-1], np.inf)  # from here on, x lies above the last point
    outside = (np.nan, 0.0)
    coef = np.array([outside, *zip(y, (*slope, 0.0), strict=True), outside])
    origin = np.array([0.0, *x, 0.0])
    return Piecewise(edges=(np.array([*x, end]),), right=True, origin=(origin,), coef=(coef[:, None, :],))


def isotonic_regression(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The curve's value."""
    return Prediction(value=b.gather(curve(est, table, b)))


PREDICTORS = {isotonic.IsotonicRegression: isotonic_regression}

TRANSFORMERS = {isotonic.IsotonicRegression: curve}
