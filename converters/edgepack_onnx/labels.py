"""The labels that an artifact can hold: int64 or strings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgepack.ir.types import Array


def artifact_labels(classes: Sequence[object]) -> Array:
    """`(classes,)` what stands for each class: int64 for bool, int and integral floats, else strings (object)."""
    if all(isinstance(c, str) for c in classes):
        return np.array(classes, object)
    if all(isinstance(c, bool | int | np.bool_ | np.integer) for c in classes):
        return np.array([int(str(int(c))) for c in classes], np.int64)  # type: ignore[call-overload]
    if all(isinstance(c, float | np.floating) and float(c).is_integer() for c in classes):
        return np.array([float(c) for c in classes], np.float64).astype(np.int64)  # type: ignore[arg-type]
    return np.array([str(c) for c in classes], object)


def are_positions(labels: Array) -> bool:
    """Whether the labels are 0, 1, 2, …: then a class's position already is its label."""
    return labels.dtype == np.int64 and np.array_equal(labels, np.arange(len(labels)))
