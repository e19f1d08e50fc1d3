"""The weighted sums behind every linear model, and the labels that they decide."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.ops import Affine, ArgMax, Constant, Linear, Normalize, Reduce, Select, Step, Where
from edgepack.lower.builder import Builder, Table
from edgepack.lower.predict import Prediction


def dense(x: Any) -> Any:
    """Fitted weights as an array, also where they are held sparsely."""
    return x.toarray() if hasattr(x, "toarray") else x


def weighted_sums(coef: Any, intercept: Any) -> Linear:
    """`x @ coef.T + intercept`: one column per row of the weights; one intercept may serve them all."""
    coef = np.atleast_2d(np.asarray(dense(coef), np.float64))
    return Linear(coef=coef, intercept=np.broadcast_to(np.ravel(np.asarray(intercept, np.float64)), len(coef)).copy())


def scores_of(est: Any, table: Table, b: Builder) -> str:
    """A linear model's own sums."""
    return b.emit(weighted_sums(est.coef_, est.intercept_), b.doubles(table))


def label_of(scores: str, b: Builder) -> str:
    """Class 1 where a single score is above 0; else the class of the largest score."""
    if b.types[scores].width == 1:
        return b.emit(Step(threshold=0.0, strict=True), scores)
    return b.emit(ArgMax(), scores)


def each_label(scores: str, threshold: float, b: Builder) -> tuple[str, ...]:
    """Per column, 1 where the score is above the threshold, else 0: the labels of a multilabel classifier."""
    columns = [b.emit(Select(columns=np.array([j])), scores) for j in range(b.types[scores].width)]
    return tuple(b.emit(Step(threshold=threshold, strict=True), column) for column in columns)


def shares(p: str, b: Builder) -> str:
    """Each row divided by its sum; where every class has 0, all have the same."""
    width = b.types[p].width
    total = b.emit(Reduce(function="sum"), p)
    return b.emit(Where(), total, b.emit(Normalize(), p), b.emit(Constant(row=np.full(width, 1 / width)), p))


def inlier(decision: str, offset: Any, b: Builder, *, strict: bool) -> Prediction:
    """An outlier detector's −1 and 1, by the sign of its decision; its scores lie `offset` above that."""
    label = b.emit(Step(threshold=0.0, strict=strict), decision)
    scores = b.emit(Affine(offset=np.ravel(np.asarray(offset, np.float64))), decision)
    return Prediction(label=label, decision=decision, scores=scores, classes=np.array([-1, 1]))
