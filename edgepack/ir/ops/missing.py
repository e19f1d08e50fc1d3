"""Ops about missing values: NaN among numbers, `None` among strings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.types import Array, Flags, Type, TypeMismatch, number


def is_missing(x: Array, sentinel: float | str | None) -> Flags:
    """Where a table equals the sentinel: NaN means NaN, `None` means a missing string."""
    if sentinel is None or sentinel != sentinel:
        return np.asarray(x == None) if x.dtype == object else np.isnan(x)  # noqa: E711  (elementwise)
    return np.asarray(x == sentinel)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Impute:
    """Missing values replaced, column by column.

    Attributes:
        fill: `(width,)` float64, or object holding `str`.
        sentinel: what stands for missing: NaN (numbers), `None` (strings), or a value.
    """

    fill: Array
    sentinel: float | str | None

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        if len(types) != 1 or types[0].width != len(self.fill):
            raise TypeMismatch(f"Impute({', '.join(map(str, types))}): has {len(self.fill)} fill values")
        if types[0].kind != ("string" if self.fill.dtype == object else "number"):
            raise TypeMismatch(f"Impute({types[0]}): has fill values of another kind")
        return types[0]

    def run(self, *values: Array) -> Array:
        """`where(missing, fill, x)`."""
        return np.where(is_missing(values[0], self.sentinel), self.fill, values[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Indicate:
    """1.0 where a value is missing, else 0.0."""

    sentinel: float | str | None

    def infer(self, *types: Type) -> Type:
        """Numbers as wide as the input."""
        if len(types) != 1 or types[0].kind == "label":
            raise TypeMismatch(f"Indicate({', '.join(map(str, types))}): takes one table")
        return number(types[0].width)

    def run(self, *values: Array) -> Array:
        """`(rows, width) float64` of 0 and 1."""
        return is_missing(values[0], self.sentinel).astype(np.float64)
