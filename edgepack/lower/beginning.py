"""Where gradient boosting begins: at the answer of an estimator that was fitted before the first tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgepack.ir.ops import Clip, Reduce, Select
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary, elementwise
from edgepack.lower.functions import logit
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch

LEAST = float(np.finfo(np.float64).eps)
"""How near to 0 and 1 a probability is let."""


def beginning(est: Any, table: Table, b: Builder, lower: Dispatch) -> str:
    """`init`'s value, or the link of its probabilities, as raw scores: one for two classes, else one per class."""
    with b.within("init"):
        p = lower.predict(est.init_, table, b)
    if p.is_empty:  # it was refused, and has said why
        return b.gather(b.placeholder(est.n_trees_per_iteration_))
    link = type(est._loss.link).__name__
    if p.value is not None and link == "IdentityLink":
        return p.value
    return _linked(p, link, b)


def _linked(p: Prediction, link: str, b: Builder) -> str:
    if p.probabilities is None:
        raise Refused("init without probabilities; use the default init or init='zero'")
    width = b.types[p.probabilities].width
    near = Clip(low=np.full(width, LEAST), high=np.full(width, 1 - LEAST))
    shares = b.emit(near, p.probabilities)
    match link:
        case "MultinomialLogit":
            logs = elementwise("log", shares, b)
            return binary("subtract", logs, affine(b.emit(Reduce(function="sum"), logs), b, factor=1 / width), b)
        case "LogitLink":
            return logit(b.emit(Select(columns=np.array([1])), shares), b)
        case "HalfLogitLink":
            return affine(logit(b.emit(Select(columns=np.array([1])), shares), b), b, factor=0.5)
    raise Refused(f"init with {link}; use the default init or init='zero'")
