"""Split thresholds that keep scikit-learn's decisions."""

from __future__ import annotations

import numpy as np

from edgepack.ir.types import Floats

MAX32 = float(np.finfo(np.float32).max)
OVERFLOW32 = 2.0**128 - 2.0**103
"""The double halfway between the largest float32 and where the next one would be; it rounds to infinity."""

SMALLEST = int(np.array(-(2.0**-149), np.float32).view(np.int32))
"""The bits of the negative float32 nearest to 0."""
AT_ONCE = 16384
"""Small enough to stay in the cache."""


def rounding_threshold(threshold: Floats) -> Floats:
    """`e` such that `x <= e` holds for a double x just where `float32(x) <= threshold`.

    It is the double halfway between the largest float32 ≤ threshold and its successor; one ulp less where a tie
    rounds up. Rounded to float32 it is that largest float32, so a runtime that narrows x and the threshold to float32
    takes the same branches.
    """
    if len(threshold) > AT_ONCE:
        parts = range(0, len(threshold), AT_ONCE)
        return np.concatenate([rounding_threshold(threshold[start : start + AT_ONCE]) for start in parts])
    with np.errstate(over="ignore", invalid="ignore"):
        below = threshold.astype(np.float32) + np.float32(0)  # +0 for −0
        above_it = below > threshold
        if above_it.any():
            below = np.where(above_it, np.nextafter(below, np.float32(-np.inf)), below) + np.float32(0)
        bits = below.view(np.int32)
        above = (bits + np.where(bits >= 0, np.int32(1), np.int32(-1))).view(np.float32)  # the next float32
        above = np.where(bits == SMALLEST, np.float32(0), above)
        middle = below.astype(np.float64) / 2 + above.astype(np.float64) / 2
        middle = np.where(below == np.float32(MAX32), OVERFLOW32, middle)
        middle = np.where(np.isneginf(below), -OVERFLOW32, middle)
    ties_up = (bits & 1).astype(np.int64)
    encoded = (middle.view(np.int64) - np.where(middle > 0, ties_up, -ties_up)).view(np.float64)
    return np.where(np.isposinf(below), threshold, encoded)
