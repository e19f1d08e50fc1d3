"""The operations of an ML Program in the making, for one row: a table of a Program is a vector here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from edgepack.ir.types import Array, Floats
from edgepack_coreml.refused import Refused

Var = Any
"""A coremltools `Var`."""


class Graph:
    """Operations of MIL as methods, by MIL's own names: `g.add(x=a, y=b)`.

    A numpy array of doubles becomes a float32 constant, one of whole numbers int32.
    """

    def __init__(self, mil: Any, ios: int) -> None:
        """Takes coremltools' builder, inside a function of the opset of iOS `ios`."""
        self._mil = mil
        self._ios = ios
        self._step = ""
        self._counts: dict[str, int] = {}

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """An operation. Raises `Refused` when called, if the opset does not have it."""
        return partial(self._add, operation)

    def within(self, step: str) -> None:
        """Names what follows after a step of the Program."""
        self._step = step

    def _add(self, operation: str, **inputs: Any) -> Any:
        name = f"{self._step}_{operation}"
        count = self._counts[name] = self._counts.get(name, 0) + 1
        given = {key: _constant(value) for key, value in inputs.items()}
        try:
            return getattr(self._mil, operation)(**given, name=name if count == 1 else f"{name}_{count}")
        except ValueError as error:
            if "No available version" in str(error):
                raise Refused(
                    f"operation {operation} is not in iOS {self._ios}", "choose a later deployment target"
                ) from error
            raise

    def number(self, flags: Var) -> Var:
        """1.0 and 0.0 for true and false."""
        return self.cast(x=flags, dtype="fp32")

    def less_constant(self, x: Var, constant: Floats) -> Var:
        """`x − constant`, the constant in two float32 parts: exact where the two are near each other."""
        high, low = halves(constant)
        x = self.sub(x=x, y=high) if np.any(high) else x
        return self.sub(x=x, y=low) if np.any(low) else x

    def column(self, x: Var) -> Var:
        """`(n,)` as `(n, 1)`."""
        return self.expand_dims(x=x, axes=[1])

    def row(self, x: Var) -> Var:
        """`(n,)` as `(1, n)`."""
        return self.expand_dims(x=x, axes=[0])

    def wide(self, x: Var, width: int) -> Var:
        """A vector of one number repeated; any other as it is."""
        return self.tile(x=x, reps=[width]) if width != x.shape[0] == 1 else x

    def taken(self, x: Var, places: Sequence[int] | Array) -> Var:
        """The numbers of a vector at constant places."""
        at = np.asarray(places, np.int64)
        if np.array_equal(at, np.arange(x.shape[0])):
            return x
        if len(at) and np.array_equal(at, np.arange(at[0], at[0] + len(at))):
            return self.slice_by_index(x=x, begin=[int(at[0])], end=[int(at[-1]) + 1])
        return self.gather(x=x, indices=at, axis=0)


def single(numbers: Array) -> Array:
    """float32; what is larger becomes infinite."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(numbers).astype(np.float32)


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


def _constant(value: Any) -> Any:
    if isinstance(value, float):
        return single(np.asarray(value))[()]
    if not isinstance(value, np.ndarray):
        return value
    return single(value) if value.dtype.kind == "f" else value.astype(np.int32) if value.dtype.kind in "iu" else value
