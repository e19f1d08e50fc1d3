"""What all classifiers share: labels, and the outputs that a description names."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.types import Floats, Integers
from edgepack_coreml.evaluate.values import Dictionaries, Unknown, Value

LABELS = ("stringClassLabels", "int64ClassLabels")


def labels_of(message: Any) -> tuple[int | str, ...]:
    """A classifier's labels in their order: two or more, and distinct."""
    field = message.WhichOneof("ClassLabels")
    labels = tuple(getattr(message, field).vector) if field else ()
    if len(labels) < 2 or len(set(labels)) != len(labels):
        raise Unknown(f"class labels {labels}: needs two or more distinct ones")
    return labels


def checked(model: Any, kind: str) -> None:
    """Raises `Unknown` unless the description names the classifier's outputs, with the labels' type."""
    description = model.description
    text = isinstance(labels_of(getattr(model, kind))[0], str)
    wanted = {description.predictedFeatureName: "stringType" if text else "int64Type"}
    if description.predictedProbabilitiesName:
        wanted[description.predictedProbabilitiesName] = "dictionaryType"
    found = {f.name: f.type.WhichOneof("Type") for f in description.output}
    if found != wanted:
        raise Unknown(f"{kind}: outputs {found}, but its predictions are {wanted}")


def answered(description: Any, labels: tuple[int | str, ...], chosen: Integers, numbers: Floats) -> dict[str, Value]:
    """The label of each row's chosen class and, if the description names it, the dictionary of all classes."""
    kind: Any = object if isinstance(labels[0], str) else np.int64
    answers: dict[str, Value] = {description.predictedFeatureName: np.array(labels, kind)[chosen]}
    if description.predictedProbabilitiesName:
        answers[description.predictedProbabilitiesName] = Dictionaries(labels=labels, numbers=numbers)
    return answers


def sigmoid(x: Floats) -> Floats:
    """`1 / (1 + exp(−x))`; exp overflows to ∞, which gives 0."""
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-x))


def softmax(x: Floats) -> Floats:
    """`exp(x) / Σ exp(x)` along each row."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
