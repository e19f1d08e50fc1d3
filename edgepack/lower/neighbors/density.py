"""The density of fitted rows around a row."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import neighbors
from sklearn.neighbors._kd_tree import kernel_norm

from edgepack.ir.ops import Affine, Reduce
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary, constant, elementwise, where
from edgepack.lower.neighbors.search import measured
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import doubles

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def kernel_density(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The logarithm of the sum of a kernel around every fitted row, over their weight."""
    if est.atol or est.rtol:
        raise Refused(f"atol={est.atol}, rtol={est.rtol} let the server stop early; set both to 0")
    points, width = doubles(est.tree_.data), float(est.bandwidth_)
    search = measured(est.metric, dict(est.metric_params or {}), points, b.doubles(table), b)
    weights = est.tree_.sample_weight
    weights = np.ones(len(points)) if weights is None else np.asarray(weights)
    if est.kernel == "gaussian":
        square = search.rank if search.is_square else elementwise("square", search.rank, b)
        logs = affine(square, b, factor=-0.5 / width**2)
    else:
        logs = _log_kernel(est.kernel, search.lengths(b), width, b)
    norm = kernel_norm(width, points.shape[1], est.kernel, True) - math.log(weights.sum())
    with np.errstate(divide="ignore"):  # a weight of 0 is allowed
        offset = np.log(weights) + norm
    return Prediction(scores=b.emit(Reduce(function="logsumexp"), b.emit(Affine(offset=offset), logs)))


PREDICTORS = {neighbors.KernelDensity: kernel_density}


def _log_kernel(kernel: str, lengths: str, width: float, b: Builder) -> str:
    """The logarithm of a kernel but for its constant; −∞ from the bandwidth on, but for `exponential`."""
    share = b.emit(Affine(divisor=np.full(b.types[lengths].width, width)), lengths)
    match kernel:
        case "exponential":
            return elementwise("negative", share, b)
        case "tophat":
            logs = constant(0.0, share, b)
        case "epanechnikov":
            logs = elementwise("log", affine(elementwise("square", share, b), b, factor=-1.0, offset=1.0), b)
        case "linear":
            logs = elementwise("log", affine(share, b, factor=-1.0, offset=1.0), b)
        case _:
            logs = elementwise("log", elementwise("cos", affine(share, b, factor=math.pi / 2), b), b)
    inside = binary("greater", constant(width, lengths, b), lengths, b)
    return where(inside, logs, -math.inf, b)
