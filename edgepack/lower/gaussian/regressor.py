"""The mean of a Gaussian process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import gaussian_process

from edgepack.ir.ops import Affine, Constant
from edgepack.lower.builder import Builder, Table
from edgepack.lower.gaussian.covariance import covariance
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import doubles

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`std × (kernel(row, fitted rows) @ alpha) + mean`, one column per target."""
    x = b.doubles(table)
    combination = covariance(est.kernel_, doubles(est.X_train_), x, b)
    alpha = doubles(est.alpha_)
    weights = np.ascontiguousarray((alpha[:, None] if alpha.ndim == 1 else alpha).T)
    spread, mean = (np.broadcast_to(part, len(weights)).copy() for part in (est._y_train_std, est._y_train_mean))
    weights = weights * spread[:, None]
    if not combination.terms:  # the same for every row
        return Prediction(value=b.emit(Constant(row=combination.constant * weights.sum(axis=1) + mean), x))
    value = combination.product(weights, b)
    return Prediction(value=b.emit(Affine(offset=mean), value) if mean.any() else value)


PREDICTORS = {gaussian_process.GaussianProcessRegressor: regressor}
