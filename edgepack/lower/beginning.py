"""Where gradient boosting begins: at the answer of an estimator that was fitted before the first tree."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import linear_model, preprocessing
from sklearn.pipeline import Pipeline

from edgepack.in_float32 import in_float32
from edgepack.ir.ops import Clip, Reduce, Single
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary, column, elementwise
from edgepack.lower.functions import logit
from edgepack.lower.linear import classifiers, regressors

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch

SCALERS = (
    preprocessing.MaxAbsScaler,
    preprocessing.MinMaxScaler,
    preprocessing.RobustScaler,
    preprocessing.StandardScaler,
)
LINEAR = frozenset({*classifiers.PREDICTORS, *regressors.PREDICTORS}) - {linear_model.RANSACRegressor}
"""What answers sums of its columns; RANSAC may have any regressor inside."""

LEAST = float(np.finfo(np.float64).eps)
"""How near to 0 and 1 a probability is let."""


def beginning(est: Any, table: Table, b: Builder, lower: Dispatch) -> str:
    """`init`'s value, or the link of its probabilities, as raw scores: one for two classes, else one per class."""
    with b.within("init"):
        p = lower.predict(in_float32(est.init_), table, b)
    if p.is_empty:  # it was refused, and has said why
        return b.gather(b.placeholder(est.n_trees_per_iteration_))
    link = type(est._loss.link).__name__
    if p.value is not None and link == "IdentityLink":
        return p.value
    if p.probabilities is None:
        raise Refused("init without probabilities; use the default init or init='zero'")
    return _linked(est, p.probabilities, link, b)


def other_than_sums(init: Any, known: Collection[type] = LINEAR) -> type | None:
    """The kind of the first part of `init` that is neither a linear model nor, before it, a scaler; None if none is.

    What a linear model answers in float32 is what it answers in float64, but for the last digits.
    """
    if type(init) is Pipeline:
        steps = [step for _, step in init.steps]
        found = (other_than_sums(step, known if step is steps[-1] else SCALERS) for step in steps)
        return next(filter(None, found), None)
    return None if init in (None, "passthrough") or type(init) in known else type(init)


def _as_held(est: Any, p: str, b: Builder) -> str:
    """Probabilities as `init` answers them: near 1, float32 leaves few digits of how far from 1 they are."""
    nothing = np.zeros((1, est.n_features_in_), np.float32)
    return b.emit(Single(), p) if est.init_.predict_proba(nothing).dtype == np.float32 else p


def _linked(est: Any, p: str, link: str, b: Builder) -> str:
    """The link's scores of probabilities, of two classes those of the second."""
    if link == "MultinomialLogit":
        logs = elementwise("log", _inside(_as_held(est, p, b), b), b)
        return binary("subtract", logs, affine(b.emit(Reduce(function="sum"), logs), b, factor=1 / b.types[p].width), b)
    if link not in ("LogitLink", "HalfLogitLink"):
        raise Refused(f"init with {link}; use the default init or init='zero'")
    score = logit(_inside(_as_held(est, column(p, 1, b), b), b), b)
    return score if link == "LogitLink" else affine(score, b, factor=0.5)


def _inside(p: str, b: Builder) -> str:
    """Probabilities that are neither 0 nor 1."""
    width = b.types[p].width
    return b.emit(Clip(low=np.full(width, LEAST), high=np.full(width, 1 - LEAST)), p)
