"""Ops that treat every number by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Floats, Type, TypeMismatch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Affine:
    """`((x − center) / divisor) × factor + offset`; a step that is `None` is not taken, so rounding is scikit-learn's.

    Attributes:
        center, divisor, factor, offset: `(width,) float64` or `None`.
    """

    center: Floats | None = None
    divisor: Floats | None = None
    factor: Floats | None = None
    offset: Floats | None = None

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        result = one(self, types, "number")
        for array in (self.center, self.divisor, self.factor, self.offset):
            if array is not None and array.shape != (result.width,):
                raise TypeMismatch(f"Affine({result}): has parameters of shape {array.shape}")
        return result

    def run(self, *values: Array) -> Array:
        """Each step rounded to float64 by itself; what overflows is ±inf in silence."""
        x = values[0]
        with np.errstate(over="ignore", invalid="ignore"):
            if self.center is not None:
                x = x - self.center
            if self.divisor is not None:
                x = x / self.divisor
            if self.factor is not None:
                x = x * self.factor
            return x if self.offset is None else x + self.offset


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """Numbers limited to `[low, high]`; NaN stays NaN.

    Attributes:
        low, high: `(width,) float64`.
    """

    low: Floats
    high: Floats

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        return one(self, types, "number", len(self.low))

    def run(self, *values: Array) -> Array:
        """`np.clip`."""
        return np.clip(values[0], self.low, self.high)


FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    name: getattr(np, name)
    for name in (
        "absolute",
        "arcsinh",
        "arctan",
        "cbrt",
        "ceil",
        "cos",
        "exp",
        "exp2",
        "expm1",
        "floor",
        "log",
        "log10",
        "log1p",
        "log2",
        "negative",
        "reciprocal",
        "rint",
        "sign",
        "sin",
        "sqrt",
        "square",
        "tanh",
        "trunc",
    )
}
"""The numpy ufuncs that `Elementwise` knows, by numpy's own name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Elementwise:
    """A numpy ufunc of `FUNCTIONS`, on every number."""

    function: str

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        if self.function not in FUNCTIONS:
            raise TypeMismatch(f"Elementwise({self.function}): knows {', '.join(FUNCTIONS)}")
        return one(self, types, "number")

    def run(self, *values: Array) -> Array:
        """numpy's own result; a domain error gives NaN or ±inf in silence, as the caller decides what that means."""
        with np.errstate(all="ignore"):
            return FUNCTIONS[self.function](values[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Single:
    """Numbers rounded to float32, as scikit-learn holds them on the way; what is too large for that becomes ±inf."""

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        return one(self, types, "number")

    def run(self, *values: Array) -> Array:
        """`(rows, width) float64` that float32 holds."""
        with np.errstate(over="ignore"):
            return values[0].astype(np.float32).astype(np.float64)
