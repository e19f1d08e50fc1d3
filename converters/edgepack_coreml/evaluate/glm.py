"""Generalized linear models."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.types import Floats
from edgepack_coreml.evaluate.classify import LABELS, answered, labels_of, sigmoid, softmax
from edgepack_coreml.evaluate.values import Evaluate, Unknown, Value, Values, only, vectorized


def regressor(model: Any) -> Evaluate:
    """`weights · x + offset`: one number, as Core ML's own validator wants it."""
    only(model.glmRegressor, "weights", "offset", "postEvaluationTransform")
    weights, offset = _rows(model.glmRegressor)
    if len(weights) != 1 or model.glmRegressor.postEvaluationTransform not in (0, 1):
        raise Unknown("glmRegressor: knows one row of weights, as it is or with the logit link")
    logit = model.glmRegressor.postEvaluationTransform == 1
    names = [f.name for f in model.description.input]
    output = model.description.predictedFeatureName

    def evaluate(values: Values) -> dict[str, Value]:
        z = _scores(names, values, weights, offset)[:, 0]
        return {output: sigmoid(z) if logit else z}

    return evaluate


def classifier(model: Any) -> Evaluate:
    """Scores, and from them the probabilities of the classes; the label is the first of the largest scores.

    `ReferenceClass` has a row for every class but the first, whose score is 0: inferred from the proto's "first class
    is the reference class" and the validator's row count. `OneVsRest` is a sigmoid per class divided by their sum;
    inferred: where all of them are 0 they stay 0. In both, two classes have one row, the log-odds of the second;
    inferred: a score of 0 is the first class.
    """
    message = model.glmClassifier
    only(message, "weights", "offset", "postEvaluationTransform", "classEncoding", *LABELS)
    weights, offset = _rows(message)
    labels = labels_of(message)
    if message.postEvaluationTransform != message.Logit:
        raise Unknown("glmClassifier: a probit link; knows logit")
    one_versus_rest = message.classEncoding == message.OneVsRest and len(labels) > 2
    if len(weights) != len(labels) - (not one_versus_rest):
        raise Unknown(f"glmClassifier: {len(weights)} rows of weights for {len(labels)} classes")
    names = [f.name for f in model.description.input]

    def evaluate(values: Values) -> dict[str, Value]:
        z = _scores(names, values, weights, offset)
        if one_versus_rest:
            p = sigmoid(z)
            total = p.sum(axis=1, keepdims=True)
            return answered(model.description, labels, z.argmax(axis=1), p / np.where(total == 0, 1.0, total))
        z = np.concatenate([np.zeros((len(z), 1)), z], axis=1)
        if len(labels) == 2:
            p1 = sigmoid(z[:, 1])
            return answered(model.description, labels, z.argmax(axis=1), np.stack([1 - p1, p1], axis=1))
        return answered(model.description, labels, z.argmax(axis=1), softmax(z))

    return evaluate


def _rows(message: Any) -> tuple[Floats, Floats]:
    lengths = {len(row.value) for row in message.weights}
    if len(lengths) != 1 or 0 in lengths or len(message.offset) != len(message.weights):
        raise Unknown(f"linear model: rows of {sorted(lengths)} weights, {len(message.offset)} offsets")
    return np.array([list(row.value) for row in message.weights]), np.array(message.offset)


def _scores(names: list[str], values: Values, weights: Floats, offset: Floats) -> Floats:
    x = vectorized(names, values)
    if x.shape[1] != weights.shape[1]:
        raise Unknown(f"linear model: {weights.shape[1]} weights for {x.shape[1]} numbers")
    with np.errstate(over="ignore", invalid="ignore"):  # infinities add up, or are NaN
        scores: Floats = x @ weights.T + offset
    return scores
