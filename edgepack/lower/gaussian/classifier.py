"""Gaussian process classifiers by Laplace's approximation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.linalg import solve_triangular
from sklearn import gaussian_process
from sklearn.gaussian_process._gpc import COEFS, LAMBDAS

from edgepack.ir.ops import Affine, ArgMax, Binary, Complement, Concat, Elementwise, Normalize, Reduce, Select, Step
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary
from edgepack.lower.gaussian.covariance import Combination, covariance, variance
from edgepack.lower.normal import erf
from edgepack.lower.pairs import shares_of_pairs
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import doubles, product

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Two classes: the second where the latent mean is above 0. More: one process per class, or per pair of classes."""
    x = b.doubles(table)
    if est.n_classes_ == 2:
        base = est.base_estimator_
        mean, combination = _latent(base, x, b)
        label = b.emit(Step(threshold=0.0, strict=True), mean)
        probabilities = b.emit(Complement(), _probability(base, mean, combination, x, b))
        return Prediction(label=label, probabilities=probabilities, classes=est.classes_)
    bases = est.base_estimator_.estimators_
    latent = [_latent(base, x, b) for base in bases]
    ones = b.emit(Concat(), *(_probability(base, *found, x, b) for base, found in zip(bases, latent, strict=True)))
    if est.multi_class == "one_vs_rest":
        label = b.emit(ArgMax(), ones)
        return Prediction(label=label, probabilities=b.emit(Normalize(), ones), classes=est.classes_)
    means = b.emit(Concat(), *(mean for mean, _ in latent))
    # a pair's second class wins where its mean is above 0: the first one where the mean's opposite reaches 0
    first = b.emit(Elementwise(function="negative"), means)
    scores = shares_of_pairs(first, affine(ones, b, factor=-1.0), est.n_classes_, b)
    return Prediction(label=b.emit(ArgMax(), scores), classes=est.classes_)


PREDICTORS = {gaussian_process.GaussianProcessClassifier: classifier}


def _latent(base: Any, x: str, b: Builder) -> tuple[str, Combination]:
    """The mean of a process, and its covariance with the fitted rows."""
    combination = covariance(base.kernel_, doubles(base.X_train_), x, b)
    if not combination.terms:
        raise Refused("a kernel without any row in it says the same of all; add a kernel such as RBF")
    return combination.product((base.y_train_ - base.pi_)[None], b), combination


def _probability(base: Any, mean: str, combination: Combination, x: str, b: Builder) -> str:
    """Of the process being above 0: five error functions stand for the logistic one (Williams and Barber 1998)."""
    weights = solve_triangular(base.L_, np.diag(base.W_sr_), lower=True, check_finite=False)
    explained = combination.product(weights, b)
    known = b.emit(Reduce(function="sum"), b.emit(Elementwise(function="square"), explained))
    left = _minus(variance(base.kernel_, x, b), known, b)
    lambdas, coefs = LAMBDAS.ravel(), COEFS.ravel()
    five = Select(columns=np.zeros(len(lambdas), np.int64))
    spread = b.emit(Affine(factor=2 * lambdas**2, offset=np.ones(len(lambdas))), b.emit(five, left))
    scaled = b.emit(Affine(factor=lambdas), b.emit(five, mean))
    bent = b.emit(Binary(function="divide"), scaled, b.emit(Elementwise(function="sqrt"), spread))
    return product(erf(bent, b), 0.5 * coefs[None], b, offset=0.5 * coefs.sum())


def _minus(prior: Combination, known: str, b: Builder) -> str:
    if not prior.terms:
        return affine(known, b, factor=-1.0, offset=prior.constant)
    return binary("subtract", prior.value(b), known, b)
