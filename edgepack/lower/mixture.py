"""Mixtures of normal distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import digamma
from sklearn import mixture

from edgepack.ir.ops import Affine, ArgMax, Binary, Reduce, Select, Sum
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder, Table
from edgepack.lower.formula import elementwise
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import centred, product

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def gaussian(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`log P(k) + log N(x; k)` per component."""
    return _decided(est, np.log(est.weights_), table, b)


def bayesian(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The same with the expectations of the logarithms under the posterior."""
    width, freedom = est.n_features_in_, est.degrees_of_freedom_
    spread = np.sum(digamma(0.5 * (freedom - np.arange(width)[:, None])), axis=0) + width * np.log(2.0)
    moved = -0.5 * width * np.log(freedom) + 0.5 * (spread - width / est.mean_precision_)
    return _decided(est, moved + est._estimate_log_weights(), table, b)


PREDICTORS = {mixture.BayesianGaussianMixture: bayesian, mixture.GaussianMixture: gaussian}


def _decided(est: Any, logs: Any, table: Table, b: Builder) -> Prediction:
    """The likeliest component, each one's share, and the logarithm of the density."""
    x = b.doubles(table)
    count, half = len(est.means_), np.full(len(est.means_), -0.5)
    turned = np.full(count, est.n_features_in_ * math.log(2 * math.pi))
    densities = b.emit(Affine(center=-turned, factor=half, offset=_log_det(est) + logs), _distances(est, x, b))
    density = b.emit(Reduce(function="logsumexp"), densities)
    shares = elementwise("exp", b.emit(Binary(function="subtract"), densities, density), b)  # all 1 very far away
    return Prediction(
        label=b.emit(ArgMax(), densities),
        probabilities=shares,
        scores=density,
        classes=np.arange(count),
    )


def _distances(est: Any, x: str, b: Builder) -> str:
    """The squared Mahalanobis distance to each component, by scikit-learn's own shortcuts."""
    means, cholesky = est.means_, est.precisions_cholesky_
    count, width = means.shape
    match est.covariance_type:
        case "full":
            turned = np.concatenate([c.T for c in cholesky])
            offset = np.concatenate([m @ c for m, c in zip(means, cholesky, strict=True)])
            return _norms(product(x, turned, b, offset=-offset), count, b)
        case "tied":
            tiled = b.emit(Select(columns=np.tile(np.arange(width), count)), product(x, cholesky.T, b))
            return _norms(centred(tiled, (means @ cholesky).ravel(), b), count, b)
        case "diag":
            precisions = cholesky**2
            cross = product(x, means * precisions, b)
            size = product(elementwise("square", x, b), precisions, b)
            constant = np.sum(means**2 * precisions, axis=1)
        case _:
            precisions = cholesky**2
            cross = b.emit(Affine(factor=precisions), product(x, means, b))
            norm = b.emit(Reduce(function="sum"), elementwise("square", x, b))
            size = b.emit(Affine(factor=precisions), b.emit(Select(columns=np.zeros(count, np.int64)), norm))
            constant = np.sum(means**2, axis=1) * precisions
    return b.emit(Sum(), b.emit(Affine(factor=np.full(count, -2.0), offset=constant), cross), size)


def _norms(x: str, count: int, b: Builder) -> str:
    return b.emit(Reduce(function="sum", groups=count), elementwise("square", x, b))


def _log_det(est: Any) -> Floats:
    """The logarithm of the determinant of each component's Cholesky factor, or of the one of all."""
    cholesky = est.precisions_cholesky_
    match est.covariance_type:
        case "full":
            logs = np.log(np.diagonal(cholesky, axis1=1, axis2=2)).sum(axis=1)
        case "tied":
            logs = np.full(len(est.means_), np.log(np.diagonal(cholesky)).sum())
        case "diag":
            logs = np.log(cholesky).sum(axis=1)
        case _:
            logs = est.n_features_in_ * np.log(cholesky)
    return np.asarray(logs, np.float64)
