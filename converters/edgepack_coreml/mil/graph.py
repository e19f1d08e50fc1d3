"""The operations of an ML Program in the making, for one row: a table of a Program is a vector here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from edgepack.ir.types import Array, Floats
from edgepack_coreml.mil.packing import unpacked
from edgepack_coreml.mil.rounding import halves, narrowed
from edgepack_coreml.refused import Refused

Var = Any
"""A coremltools `Var`."""


class Graph:
    """Operations of MIL as methods, by MIL's own names: `g.add(x=a, y=b)`.

    A numpy array of doubles becomes a float32 constant, inside `halves` a float16 one; one of whole numbers int32.
    """

    def __init__(self, mil: Any, ios: int, *, packs: bool = False) -> None:
        """Takes coremltools' builder, inside a function of the opset of iOS `ios`; `packs`: constants in few bytes."""
        self._mil = mil
        self._ios = ios
        self.packs = packs
        self._kind: type[np.floating[Any]] = np.float32
        self._step = ""
        self._counts: dict[str, int] = {}

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        """An operation. Raises `Refused` when called, if the opset does not have it."""
        return partial(self._add, operation)

    def within(self, step: str) -> None:
        """Names what follows after a step of the Program."""
        self._step = step

    @contextmanager
    def halves(self) -> Iterator[None]:
        """Constants are float16 inside."""
        self._kind = np.float16
        try:
            yield
        finally:
            self._kind = np.float32

    def _add(self, operation: str, **inputs: Any) -> Any:
        name = f"_{operation[:2]}" if self.packs else f"{self._step}_{operation}"
        count = self._counts[name] = self._counts.get(name, 0) + 1
        given = {}
        for key, value in inputs.items():
            small = None if operation == "const" else self._unpacked(key, value)
            given[key] = _constant(value, self._kind) if small is None else small
        try:
            return getattr(self._mil, operation)(**given, name=name if count == 1 else f"{name}_{count}")
        except ValueError as error:
            if "No available version" in str(error):
                raise Refused(
                    f"operation {operation} is not in iOS {self._ios}", "choose a later deployment target"
                ) from error
            raise

    def const(self, val: Any) -> Var:
        """A constant by itself."""
        small = self._unpacked("const", val)
        return self._add("const", val=val) if small is None else small

    def _unpacked(self, of: str, value: Any) -> Var | None:
        """A numpy array of doubles from fewer bytes than its numbers take, where that gives the same numbers."""
        if not self.packs or not isinstance(value, np.ndarray) or value.dtype != np.float64:
            return None
        count = self._counts["packed"] = self._counts.get("packed", 0) + 1
        return unpacked(value, self._mil, f"{self._step}_{of}_packed_{count}", self._kind)

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


def _constant(value: Any, kind: type[np.floating[Any]]) -> Any:
    if isinstance(value, float):
        return narrowed(np.asarray(value), kind)[()]
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.kind == "f":
        return narrowed(value, kind)
    return value.astype(np.int32) if value.dtype.kind in "iu" else value
