"""Rows at which the rounding of float32 decides what gradient boosting answers that begins with a linear model."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.in_float32 import in_float32
from edgepack.ir.types import Array, Flags, Floats

VALUE, PROBABILITY = 5e-6, 5e-7
"""Half of what parity lets an artifact be off by, beside the larger of 1 and the value."""
ROUNDINGS = 4 * 2.0**-24
"""How far a sum in float32 may be off, beside the size of what it adds: in which order depends on the other rows."""


def of_beginning(boosting: Any, rows: Any) -> Flags:
    """`(rows,)`: where the boosting would answer otherwise, or choose another class, if it asked its `init` in float64.

    It asks in float32, and how a sum of such numbers is rounded is the processor's and the batch's. Probabilities
    are compared as `init` holds them: what of them float32 does not hold is lost on every processor.
    """
    x = np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, np.float64, order="C")
    single, init, exact = x.astype(np.float32), boosting.init_, in_float32(boosting.init_)
    last, given = _last(init, single)
    if not hasattr(last, "coef_"):
        return np.zeros(len(x), np.bool_)
    classifies = hasattr(boosting, "classes_")
    held = init.predict_proba(single) if classifies else init.predict(single)
    said = exact.predict_proba(x).astype(held.dtype) if classifies else exact.predict(x)
    found, right = _scores(boosting, single, held), _scores(boosting, single, said)
    flags = _differ(found, right, VALUE)
    if not classifies:
        return flags
    flags |= _differ(boosting._loss.predict_proba(found), boosting._loss.predict_proba(right), PROBABILITY)
    size = (np.abs(given) @ np.abs(last.coef_).T + np.abs(last.intercept_)).max(axis=1)
    if right.shape[1] == 1:  # near 1, the next probability that float32 has is much further from 1, or much nearer
        size = size + 1 / np.maximum(1 - held[:, 1].astype(np.float64), np.finfo(np.float64).eps)
    return np.asarray(flags | (_margin(right) <= ROUNDINGS * size))


def _last(init: Any, x: Array) -> tuple[Any, Array]:
    """What decides at the end of `init`, and what it is given."""
    while hasattr(init, "steps"):
        x, init = init[:-1].transform(x) if len(init.steps) > 1 else x, init[-1]
    return init, x


def _scores(boosting: Any, x: Array, said: Array) -> Floats:
    """`(rows, scores) float64`: the sums of the trees above what `init` said of rows of float32."""
    from sklearn.ensemble._gb import _init_raw_predictions
    from sklearn.ensemble._gradient_boosting import predict_stages

    scores: Floats = _init_raw_predictions(x, _Said(said), boosting._loss, said.ndim == 2)
    predict_stages(boosting.estimators_, x, boosting.learning_rate, scores)
    return scores


class _Said:
    """An estimator that says what another has said."""

    def __init__(self, answer: Array) -> None:
        self._answer = answer

    def predict(self, _x: Array) -> Array:
        return self._answer

    predict_proba = predict


def _differ(a: Floats, b: Floats, allowed: float) -> Flags:
    """`(rows,)`: where any numbers are further apart than allowed, beside the larger of 1 and their size."""
    near = np.abs(a - b) <= allowed * np.maximum(np.abs(b), 1)
    return np.asarray(~(near | (a == b) | (np.isnan(a) & np.isnan(b))).all(axis=1))


def _margin(scores: Floats) -> Floats:
    """`(rows,)`: how far the best score is above the next; a single one from 0."""
    if scores.shape[1] == 1:
        return np.abs(scores[:, 0])
    best = np.sort(scores, axis=1)[:, -2:]
    return np.asarray(best[:, 1] - best[:, 0])
