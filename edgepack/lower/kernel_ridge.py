"""Ridge regression in a kernel's space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import kernel_ridge as sk_kernel_ridge

from edgepack.lower.builder import Builder, Table
from edgepack.lower.kernels import kernel
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import doubles, product

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def kernel_ridge(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The kernel of the row and the fitted rows, times their dual weights: one column per target."""
    params = {"gamma": est.gamma, "degree": est.degree, "coef0": est.coef0}
    k = kernel(est.kernel, est.X_fit_, params, table, b)
    weights = doubles(est.dual_coef_)
    return Prediction(value=product(b.doubles(k), weights[None] if weights.ndim == 1 else weights.T, b))


PREDICTORS = {sk_kernel_ridge.KernelRidge: kernel_ridge}
