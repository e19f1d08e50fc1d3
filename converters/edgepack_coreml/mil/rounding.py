"""Doubles as float32 and float16."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.types import Array, Floats


def narrowed(numbers: Array, kind: type[np.floating[Any]]) -> Array:
    """float32 or float16; what is larger becomes infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(numbers).astype(kind)


def single(numbers: Array) -> Array:
    """float32; what is larger becomes infinite."""
    return narrowed(numbers, np.float32)


def halves(numbers: Floats) -> tuple[Floats, Floats]:
    """Two float32 numbers each whose sum is the number, to 48 bits."""
    high = single(numbers).astype(np.float64)
    with np.errstate(invalid="ignore"):
        low = single(numbers - high).astype(np.float64)
    return high, np.where(np.isfinite(high), low, 0.0)


def rounded_down(numbers: Floats) -> Floats:
    """The largest float32 not above each number: `x <= t` and `x <= rounded_down(t)` agree for float32 x."""
    below = single(numbers)
    down = np.where(below.astype(np.float64) > numbers, np.nextafter(below, np.float32(-np.inf)), below)
    return np.asarray(down, np.float64)


def rounded_up(numbers: Floats) -> Floats:
    """The smallest float32 not below each number."""
    return -rounded_down(-np.asarray(numbers, np.float64))


def only_float32(numbers: Floats) -> Floats:
    """The numbers that a float32 can equal; NaN, which equals nothing, in the place of all others."""
    return np.where(single(numbers).astype(np.float64) == numbers, numbers, np.nan)
