"""Discriminant analysis: classes as normal distributions, of one covariance or of one each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import discriminant_analysis

from edgepack.ir.ops import Affine, ArgMax, Binary, Complement, Concat, Reduce, Select, Sigmoid, Softmax
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import elementwise
from edgepack.lower.linear.scores import label_of, scores_of
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import centred, product

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def linear(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """A linear classifier: expit of one score for two classes, else softmax of one score each."""
    scores = scores_of(est, table, b)
    if len(est.classes_) == 2:
        probabilities = b.emit(Complement(), b.emit(Sigmoid(), scores))
    else:
        probabilities = b.emit(Softmax(), scores)
    return Prediction(label=label_of(scores, b), probabilities=probabilities, decision=scores, classes=est.classes_)


def linear_transform(est: Any, table: Table, b: Builder) -> Table:
    """The row along the directions that tell the classes apart; centred first by the solver `svd`."""
    x = b.doubles(table)
    if est.solver == "lsqr":
        raise Refused("solver='lsqr' transforms nothing; use 'svd' or 'eigen'")
    x = centred(x, est.xbar_, b) if est.solver == "svd" else x
    return b.table(product(x, est.scalings_[:, : est._max_components].T, b))


def quadratic(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`−½ (|(x − mean) R S^−½|² + Σ log S) + log P(c)` per class."""
    x = b.doubles(table)
    norms = []
    for mean, rotation, scaling in zip(est.means_, est.rotations_, est.scalings_, strict=True):
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = (rotation * scaling ** (-0.5)).T
        if not np.isfinite(weights).all():
            raise Refused("a class has no spread in some direction, so its scores are infinite; fit with reg_param > 0")
        turned = product(centred(x, mean, b), weights, b)
        norms.append(b.emit(Reduce(function="sum"), elementwise("square", turned, b)))
    with np.errstate(divide="ignore"):  # a prior of 0 is allowed
        logs = np.log(est.priors_)
    spread = np.array([np.sum(np.log(scaling)) for scaling in est.scalings_])
    half = np.full(len(norms), -0.5)
    scores = b.emit(Affine(center=-spread, factor=half, offset=logs), b.emit(Concat(), *norms))
    decision = scores
    if len(norms) == 2:
        first, second = (b.emit(Select(columns=np.array([j])), scores) for j in (0, 1))
        decision = b.emit(Binary(function="subtract"), second, first)
    return Prediction(
        label=b.emit(ArgMax(), scores),
        probabilities=b.emit(Softmax(), scores),
        decision=decision,
        classes=est.classes_,
    )


TRANSFORMERS = {discriminant_analysis.LinearDiscriminantAnalysis: linear_transform}
PREDICTORS = {
    discriminant_analysis.LinearDiscriminantAnalysis: linear,
    discriminant_analysis.QuadraticDiscriminantAnalysis: quadratic,
}
