"""Floating-point numbers in order: neighbours, and bisection over all of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgepack.contract import InputDtype
from edgepack.ir.types import Flags, Floats, Integers


def to_order(x: Floats, dtype: InputDtype) -> Integers:
    """The place of each number among all of its dtype: an int64 that grows with x, 0 for both zeros."""
    signed, magnitude = (np.int32, 0x7FFFFFFF) if dtype == "float32" else (np.int64, 0x7FFFFFFFFFFFFFFF)
    bits = np.asarray(x, dtype).view(signed).astype(np.int64)
    return np.where(bits >= 0, bits, -(bits & magnitude))


def from_order(order: Integers, dtype: InputDtype) -> Floats:
    """The number at each place, as float64: `from_order(to_order(x)) == x`."""
    unsigned = np.uint32 if dtype == "float32" else np.uint64
    magnitude = np.abs(order).astype(unsigned).view(dtype).astype(np.float64)
    return np.where(order < 0, -magnitude, magnitude)


def neighbours(x: Floats, dtype: InputDtype) -> Floats:
    """Every finite number of `x` rounded to the dtype, the one below it and the one above it."""
    infinity = np.array(np.inf, dtype)
    with np.errstate(over="ignore"):
        x = np.asarray(x, np.float64).astype(dtype)
        x = x[np.isfinite(x)]
        three = np.concatenate([np.nextafter(x, -infinity), x, np.nextafter(x, infinity)])
    return three[np.isfinite(three)].astype(np.float64)


def boundaries(below: Callable[[Floats], Flags], count: int, dtype: InputDtype) -> tuple[Integers, Floats, Floats]:
    """Where `count` predicates change, side by side.

    Looks between the lowest finite number and 0, and between 0 and the highest: a monotone predicate's only change is
    found, and of any other one change in each half that has different ends.

    Args:
        below: takes `(count,)` numbers, one for each predicate, and gives `(count,)` truth values.

    Returns:
        The predicates' numbers, and the two neighbouring numbers between which each changes.
    """
    top = np.full(count, to_order(np.array([np.finfo(dtype).max]), dtype)[0])
    zero = np.zeros(count, np.int64)
    found = [_bisect(below, start, end, dtype) for start, end in ((-top, zero), (zero, top))]
    which, lower, upper = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return which, lower, upper


def _bisect(
    below: Callable[[Floats], Flags], low: Integers, high: Integers, dtype: InputDtype
) -> tuple[Integers, Floats, Floats]:
    at_low = below(from_order(low, dtype))
    which = np.flatnonzero(at_low != below(from_order(high, dtype)))
    while True:
        middle = low + (high - low) // 2
        if not np.any((middle != low)[which]):
            return which, from_order(low[which], dtype), from_order(high[which], dtype)
        same = below(from_order(middle, dtype)) == at_low
        low, high = np.where(same, middle, low), np.where(same, high, middle)
