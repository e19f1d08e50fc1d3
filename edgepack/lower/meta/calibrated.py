"""Calibrated probabilities: a curve over each score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV

from edgepack.ir.ops import Affine, ArgMax, Clip, Complement, Sigmoid, Softmax
from edgepack.lower import isotonic
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, column, elementwise
from edgepack.lower.linear.scores import shares
from edgepack.lower.meta import members
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch

LEAST = 1e-12
"""What scikit-learn adds to a probability before it takes the logarithm."""


def classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The mean over all pairs of a fitted classifier and its curves; the largest probability wins."""
    pairs = est.calibrated_classifiers_
    found = members.predictions([pair.estimator for pair in pairs], table, b, lower)
    p = members.mean([_calibrated(pair, f, b) for pair, f in zip(pairs, found, strict=True)], b)
    return Prediction(label=b.emit(ArgMax(), p), probabilities=p, classes=est.classes_)


PREDICTORS = {CalibratedClassifierCV: classifier}


def _calibrated(pair: Any, p: Prediction, b: Builder) -> str:
    count = len(pair.classes)
    if count < 2:
        raise Refused("a single class; train on at least two")
    own = len(pair.estimator.classes_)
    has_decision = hasattr(pair.estimator, "decision_function")
    if has_decision:
        scores = members.decision_of(p, b, 1 if own == 2 else own)
    else:
        scores = members.probabilities_of(p, b, own)
        scores = column(scores, 1, b) if own == 2 else scores
    if pair.method == "temperature":
        return _sharpened(pair, scores, b, has_decision=has_decision)
    at = np.searchsorted(pair.classes, pair.estimator.classes_)
    curves = [_curve(c, column(scores, j, b), b) for j, c in enumerate(pair.calibrators)]
    if count == 2:
        return b.emit(Complement(), curves[0])
    whole = shares(members.placed(members.beside(curves, b), at, count, b), b)
    return b.emit(Clip(low=np.full(count, -np.inf), high=np.ones(count)), whole)


def _curve(calibrator: Any, score: str, b: Builder) -> str:
    """expit of a line, or isotonic regression."""
    if hasattr(calibrator, "a_"):
        return b.emit(Sigmoid(), affine(score, b, factor=-float(calibrator.a_), offset=-float(calibrator.b_)))
    return b.gather(isotonic.curve(calibrator, b.table(score), b))


def _sharpened(pair: Any, scores: str, b: Builder, *, has_decision: bool) -> str:
    """softmax of the logits times a factor."""
    if not has_decision:
        both = b.emit(Complement(), scores) if b.types[scores].width == 1 else scores
        logits = elementwise("log", affine(both, b, offset=LEAST), b)
    elif b.types[scores].width == 1:
        logits = members.beside([elementwise("negative", scores, b), scores], b)
    else:
        logits = scores
    factor = np.full(b.types[logits].width, float(np.ravel(pair.calibrators[0].beta_)[0]))
    return b.emit(Softmax(), b.emit(Affine(factor=factor), logits))
