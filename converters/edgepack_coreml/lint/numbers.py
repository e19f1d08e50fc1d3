"""Rules on parameters that are numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from edgepack_coreml.lint.place import Finding, Place

FIELDS = {
    "glmClassifier": ("weights.value", "offset"),
    "glmRegressor": ("weights.value", "offset"),
    "scaler": ("shiftValue", "scaleValue"),
    "supportVectorRegressor": ("coefficients.alpha", "rho", "denseSupportVectors.vectors.values"),
    "treeEnsembleClassifier": ("treeEnsemble.basePredictionValue", "treeEnsemble.nodes.evaluationInfo.evaluationValue"),
}
"""Fields in which NaN or infinity would spoil every answer."""


def finite(place: Place) -> Iterator[Finding]:
    """Weights, offsets, scales, vectors and a classifier's leaves are finite."""
    for field in FIELDS.get(place.kind, ()):
        values = np.fromiter(_all(place.parameters, field.split(".")), np.float64)
        for value in values[~np.isfinite(values)][:1]:
            yield place.finding(field, f"{value} spoils the answers", "look for it in the fitted model")


def _all(message: Any, path: list[str]) -> Iterator[float]:
    """The values, one iterator for all of them: a large forest has millions."""
    found: Iterator[Any] = iter([message])
    for name in path:
        found = chain.from_iterable(map(partial(_items, name), found))
    return found


def _items(name: str, message: Any) -> Iterable[Any]:
    value = getattr(message, name)
    return value if hasattr(value, "__len__") else [value]
