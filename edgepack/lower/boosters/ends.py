"""From the raw scores of boosted trees to what the estimator answers."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.ops import Affine, ArgMax, Complement, Sigmoid, Softmax, Step
from edgepack.lower.builder import Builder
from edgepack.lower.predict import Prediction


def binary(raw: str, classes: Any, b: Builder, *, factor: float = 1.0) -> Prediction:
    """`p = expit(factor · raw)`; class 1 where p is above ½."""
    probabilities = b.emit(Complement(), b.emit(Sigmoid(), scaled(raw, factor, b)))
    label = b.emit(Step(threshold=0.0, strict=True), raw)
    return Prediction(label=label, probabilities=probabilities, classes=np.asarray(classes))


def multiclass(raw: str, classes: Any, b: Builder, *, one_versus_rest: bool = False, factor: float = 1.0) -> Prediction:
    """The softmax of the scores, or the sigmoid of each (which do not add up to 1); the largest score wins."""
    probabilities = b.emit(Sigmoid(), scaled(raw, factor, b)) if one_versus_rest else b.emit(Softmax(), raw)
    return Prediction(label=b.emit(ArgMax(), probabilities), probabilities=probabilities, classes=np.asarray(classes))


def scaled(raw: str, factor: float, b: Builder) -> str:
    """`factor · raw`."""
    return raw if factor == 1 else b.emit(Affine(factor=np.full(b.types[raw].width, factor)), raw)
