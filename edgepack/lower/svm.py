"""Support vector machines of libsvm: sums over the kernels with the support vectors."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import svm

from edgepack.ir.ops import Affine, ArgMax, Clip, Coupling, Linear, Sigmoid, Step
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import elementwise
from edgepack.lower.kernels import kernel
from edgepack.lower.linear.scores import dense, inlier
from edgepack.lower.pairs import shares_of_pairs, votes_of_pairs
from edgepack.lower.predict import Prediction

SURE = 1e-7
"""libsvm takes no pair to be surer than that."""

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The class with the most votes of all pairs; two classes by the sign of one sum, where 0 is class 1."""
    if len(est.classes_) > 2:
        return _of_pairs(est, table, b)
    decision = _sums(est, dense(est.dual_coef_), est.intercept_, table, b)
    label = b.emit(Step(threshold=0.0, strict=False), decision)
    plain = Prediction(label=label, decision=decision, classes=est.classes_)
    return _with_probabilities(est, elementwise("negative", decision, b), plain, b)


def regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """One sum."""
    return Prediction(value=_sums(est, dense(est.dual_coef_), est.intercept_, table, b))


def one_class(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Inlier where the sum is above 0."""
    decision = _sums(est, dense(est.dual_coef_), est.intercept_, table, b)
    return inlier(decision, est.offset_, b, strict=True)


PREDICTORS = {
    svm.NuSVC: classifier,
    svm.NuSVR: regressor,
    svm.OneClassSVM: one_class,
    svm.SVC: classifier,
    svm.SVR: regressor,
}


def _sums(est: Any, coef: Floats, intercept: Any, table: Table, b: Builder) -> str:
    """`kernel(rows, support vectors) @ coef.T + intercept`; libsvm computes in float64, whatever it is given."""
    table, offset = table.held_as("float64"), np.asarray(intercept, np.float64)
    vectors = dense(est.support_vectors_)
    if est.kernel == "linear" or (est.kernel in ("poly", "rbf", "sigmoid") and not len(vectors)):
        folded = coef @ vectors if len(vectors) else np.zeros((len(coef), vectors.shape[1]))
        return b.emit(Linear(coef=folded, intercept=offset), b.numbers(table))
    params = {"gamma": est._gamma, "coef0": est.coef0, "degree": est.degree}
    kernels = kernel(est.kernel, vectors, params, table, b)
    return b.emit(Linear(coef=np.ascontiguousarray(coef), intercept=offset), b.gather(kernels))


def _of_pairs(est: Any, table: Table, b: Builder) -> Prediction:
    """More than two classes. A pair's sum above 0 is a vote for its first class in `predict`, and so is 0 itself in
    the decision function.
    """
    k = len(est.classes_)
    by_shares = est.decision_function_shape == "ovr"
    if est.break_ties and not by_shares:
        raise Refused("break_ties=True with decision_function_shape='ovo' predicts nothing; use 'ovr'")
    sums = _sums(est, _pair_coef(est), est._intercept_, table, b)
    votes = votes_of_pairs(sums, k, b, ties=False)
    shares = shares_of_pairs(sums, sums, k, b) if by_shares else sums
    plain = Prediction(
        label=b.emit(ArgMax(), shares if est.break_ties else votes), decision=shares, classes=est.classes_
    )
    return _with_probabilities(est, sums, plain, b)


def _pair_coef(est: Any) -> Floats:
    """`(pairs, support vectors)`: libsvm keeps a vector's weights against each other class, in order, in a column."""
    dual = dense(est._dual_coef_)
    own = np.repeat(np.arange(len(est.classes_)), est._n_support)
    rows = [
        np.where(own == i, dual[j - 1], np.where(own == j, dual[i], 0.0))
        for i, j in combinations(range(len(est.classes_)), 2)
    ]
    return np.stack(rows)


def _with_probabilities(est: Any, sums: str, plain: Prediction, b: Builder) -> Prediction:
    """Platt's sigmoid of each pair's sum, coupled; where the model was fitted with them."""
    if not hasattr(est, "predict_proba") or not est._probA.size:
        return plain
    pairs = b.emit(Sigmoid(), b.emit(Affine(factor=-est._probA, offset=-est._probB), sums))
    width = len(est._probA)
    pairs = b.emit(Clip(low=np.full(width, SURE), high=np.full(width, 1 - SURE)), pairs)
    return replace(plain, probabilities=b.emit(Coupling(classes=len(est.classes_)), pairs))
