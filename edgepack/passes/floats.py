"""Ordered floating-point numbers, and the exact point at which a monotone predicate turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from edgepack.contract import InputDtype
from edgepack.ir.types import Array, Flags, Floats, Integers


def ordinal(x: Array, dtype: InputDtype) -> Integers:
    """Each float's place in the order of all floats of its type, 0 for ±0."""
    bits = np.asarray(x, dtype).view(np.int32 if dtype == "float32" else np.int64).astype(np.int64)
    sign = np.int64(0x7FFFFFFF if dtype == "float32" else 0x7FFFFFFFFFFFFFFF)
    return np.where(bits >= 0, bits, -(bits & sign))


def from_ordinal(n: Integers, dtype: InputDtype) -> Floats:
    """The float at each place, as float64. Inverse of `ordinal` (−0 comes back as 0)."""
    magnitude = np.abs(n)
    if dtype == "float32":
        x: Array = magnitude.astype(np.uint32).view(np.float32).astype(np.float64)
    else:
        x = magnitude.view(np.float64)
    return np.where(n < 0, -x, x)


def successor(x: Array, dtype: InputDtype) -> Floats:
    """The next larger float of the type, as float64."""
    return np.nextafter(np.asarray(x, dtype), np.array(np.inf, dtype)).astype(np.float64)


def at_or_below(x: Floats, dtype: InputDtype) -> Floats:
    """For each number the last float of the type that is not above it, as `last_true` finds it for `f <= x`."""
    largest = float(np.finfo(dtype).max)
    with np.errstate(over="ignore"):
        rounded = x.astype(dtype)
        below = np.where(rounded.astype(np.float64) > x, np.nextafter(rounded, np.array(-np.inf, dtype)), rounded)
    return np.where(x >= largest, np.inf, np.where(x < -largest, -np.inf, below.astype(np.float64)))


def last_true(predicate: Callable[[Floats], Flags], count: int, dtype: InputDtype) -> Floats:
    """For each of `count` predicates that hold up to some float and never beyond: the last float at which it holds.

    Args:
        predicate: takes `(count,)` values, one per predicate, gives `(count,)` flags.
        count: how many predicates are searched at once.
        dtype: the type of float that is searched.

    Returns:
        `(count,) float64`: finite; −inf where the predicate never holds, +inf where it holds for every finite float.
    """
    top = int(ordinal(np.array([np.finfo(dtype).max]), dtype)[0])
    low, high = np.full(count, -top, np.int64), np.full(count, top, np.int64)
    never, always = ~predicate(from_ordinal(low, dtype)), predicate(from_ordinal(high, dtype))
    while np.any(active := high - low > 1) if dtype == "float32" else np.any(active := high // 2 - low // 2 > 0):
        middle = low // 2 + high // 2 + ((low & 1) + (high & 1)) // 2
        middle = np.where(middle == low, low + 1, middle)
        active &= middle < high
        if not active.any():
            break
        holds = predicate(from_ordinal(middle, dtype))
        low, high = np.where(active & holds, middle, low), np.where(active & ~holds, middle, high)
    result: Any = from_ordinal(low, dtype)
    return np.where(always, np.inf, np.where(never, -np.inf, result))
