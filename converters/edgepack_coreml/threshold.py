"""Split thresholds that keep scikit-learn's decisions."""

from __future__ import annotations

import numpy as np

from edgepack.ir.types import Floats

MAX32 = float(np.finfo(np.float32).max)
OVERFLOW32 = 2.0**128 - 2.0**103
"""The double halfway between the largest float32 and where the next one would be; it rounds to infinity."""


def rounding_threshold(threshold: Floats) -> Floats:
    """`e` such that `x <= e` holds for a double x just where `float32(x) <= threshold`.

    It is the double halfway between the largest float32 ≤ threshold and its successor; one ulp less where a tie
    rounds up. Rounded to float32 it is that largest float32, so a runtime that narrows x and the threshold to float32
    takes the same branches.
    """
    with np.errstate(over="ignore"):
        below = threshold.astype(np.float32)
        below = np.where(below.astype(np.float64) > threshold, np.nextafter(below, np.float32(-np.inf)), below)
        above = np.nextafter(below, np.float32(np.inf))
    middle = below.astype(np.float64) / 2 + above.astype(np.float64) / 2
    middle = np.where(below == np.float32(MAX32), OVERFLOW32, middle)
    middle = np.where(np.isneginf(below), -OVERFLOW32, middle)
    ties_up = below.view(np.uint32) & 1 == 1
    encoded = np.where(ties_up, np.nextafter(middle, -np.inf), middle)
    return np.where(np.isposinf(below), threshold, encoded)
