"""Rules on parameters that are numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

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
        for value in _all(place.parameters, field.split(".")):
            if not math.isfinite(value):
                yield place.finding(field, f"{value} spoils the answers", "look for it in the fitted model")
                break


def _all(message: Any, path: list[str]) -> Iterator[float]:
    value = getattr(message, path[0])
    for item in value if hasattr(value, "__len__") else [value]:
        if len(path) == 1:
            yield item
        else:
            yield from _all(item, path[1:])
