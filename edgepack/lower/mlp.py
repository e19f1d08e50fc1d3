"""Multi-layer perceptrons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import neural_network

from edgepack.ir.ops import ArgMax, Clip, Complement, Elementwise, Linear, Select, Sigmoid, Softmax, Step
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.linear.scores import each_label
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def mlp_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The label is decided by the probabilities: above 0.5, or the largest."""
    p = _forward(est, table, b)
    if est._label_binarizer.y_type_.startswith("multilabel"):
        return _several(p, b)
    if len(est.classes_) < 2:
        raise Refused("one class; fit on two classes or more")
    if est.out_activation_ == "softmax":
        return Prediction(label=b.emit(ArgMax(), p), probabilities=p, classes=est.classes_)
    label = b.emit(Step(threshold=0.5, strict=True), p)
    return Prediction(label=label, probabilities=b.emit(Complement(), p), classes=est.classes_)


def mlp_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The last layer, one column per target."""
    return Prediction(value=_forward(est, table, b))


PREDICTORS = {
    neural_network.MLPClassifier: mlp_classifier,
    neural_network.MLPRegressor: mlp_regressor,
}


def _forward(est: Any, table: Table, b: Builder) -> str:
    x = b.doubles(table)
    layers = list(zip(est.coefs_, est.intercepts_, strict=True))
    for k, (coef, intercept) in enumerate(layers):
        op = Linear(coef=np.array(coef.T, np.float64), intercept=np.array(intercept, np.float64))
        x = _activated(est.activation if k < len(layers) - 1 else est.out_activation_, b.emit(op, x), b)
    return x


def _activated(name: str, x: str, b: Builder) -> str:
    match name:
        case "identity":
            return x
        case "relu":
            width = b.types[x].width
            return b.emit(Clip(low=np.zeros(width), high=np.full(width, np.inf)), x)
        case "tanh" | "exp":
            return b.emit(Elementwise(function=name), x)
        case "logistic":
            return b.emit(Sigmoid(), x)
        case "softmax":
            return b.emit(Softmax(), x)
    raise Refused(f"activation {name!r}; use relu, tanh, logistic or identity")


def _several(p: str, b: Builder) -> Prediction:
    """Each label is given where its own probability is above 0.5."""
    targets = []
    for j, label in enumerate(each_label(p, 0.5, b)):
        both = b.emit(Complement(), b.emit(Select(columns=np.array([j])), p))
        targets.append(Prediction(label=label, probabilities=both, classes=np.array([0, 1])))
    return Prediction(targets=tuple(targets), multilabel=True)
