"""Naive Bayes: the joint log likelihood of row and class, per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import naive_bayes

from edgepack.ir.ops import Affine, ArgMax, Bucket, Elementwise, Linear, Lookup, Reduce, Select, Softmax, Sum
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def gaussian(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`log P(c) − ½ Σ log(2π var) − ½ Σ (x − mean)² / var`: one run of the columns per class."""
    count, features = est.theta_.shape
    x = b.emit(Select(columns=np.tile(np.arange(features), count)), b.doubles(table))
    centred = b.emit(Affine(center=np.asarray(est.theta_, np.float64).ravel()), x)
    square = b.emit(Elementwise(function="square"), centred)
    terms = b.emit(Affine(divisor=np.asarray(est.var_, np.float64).ravel()), square)
    with np.errstate(divide="ignore"):  # a prior of 0 is allowed
        offset = np.log(est.class_prior_) - 0.5 * np.sum(np.log(2.0 * np.pi * est.var_), axis=1)
    total = b.emit(Reduce(function="sum", groups=count), terms)
    return _decided(est, b.emit(Affine(factor=np.full(count, -0.5), offset=_floats(offset)), total), b)


def multinomial(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`x @ log P(feature | c) + log P(c)`."""
    return _weighed(est, b.doubles(table), est.feature_log_prob_, est.class_log_prior_, b)


def complement(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`x @ weights`, their sign turned by scikit-learn so that the largest wins; one class alone has its prior."""
    count = len(est.classes_)
    return _weighed(
        est, b.doubles(table), est.feature_log_prob_, est.class_log_prior_ if count == 1 else np.zeros(count), b
    )


def bernoulli(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Columns above `binarize` are 1, others 0; each adds `log P(1 | c)` or `log P(0 | c)`."""
    x = b.doubles(table)
    if est.binarize is not None:
        x = b.emit(Bucket(edges=(np.array([float(est.binarize)]),) * len(table), right=False), x)
    with np.errstate(divide="ignore", invalid="ignore"):
        nots = np.log(1 - np.exp(est.feature_log_prob_))
        return _weighed(est, x, est.feature_log_prob_ - nots, est.class_log_prior_ + nots.sum(axis=1), b)


def categorical(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Each column cut to a whole number, which adds its category's row of `log P(category | c)`."""
    x = b.emit(Elementwise(function="trunc"), b.doubles(table))
    terms = []
    for j, logs in enumerate(est.feature_log_prob_):
        count, categories = logs.shape
        keys = np.arange(categories, dtype=np.float64)
        rows = np.concatenate([_floats(logs).T, np.full((2, count), np.nan)])  # the server refuses any other
        terms.append(b.emit(Lookup(keys=keys, table=rows), b.emit(Select(columns=np.array([j])), x)))
        if (source := table.columns[j].source) is not None:
            b.categories[source] = tuple(keys.tolist())
    total = terms[0] if len(terms) == 1 else b.emit(Sum(), *terms)
    return _decided(est, b.emit(Affine(offset=_floats(est.class_log_prior_)), total), b)


PREDICTORS = {
    naive_bayes.BernoulliNB: bernoulli,
    naive_bayes.CategoricalNB: categorical,
    naive_bayes.ComplementNB: complement,
    naive_bayes.GaussianNB: gaussian,
    naive_bayes.MultinomialNB: multinomial,
}


def _weighed(est: Any, x: str, coef: Any, intercept: Any, b: Builder) -> Prediction:
    if not np.isfinite(coef).all():
        raise Refused(f"alpha={est.alpha!r} leaves a probability of 0, whose logarithm is infinite; fit with alpha > 0")
    return _decided(est, b.emit(Linear(coef=_floats(coef), intercept=_floats(intercept)), x), b)


def _decided(est: Any, likelihood: str, b: Builder) -> Prediction:
    """The largest joint log likelihood wins; its softmax are the probabilities."""
    return Prediction(
        label=b.emit(ArgMax(), likelihood), probabilities=b.emit(Softmax(), likelihood), classes=est.classes_
    )


def _floats(x: Any) -> Any:
    return np.array(x, np.float64)
