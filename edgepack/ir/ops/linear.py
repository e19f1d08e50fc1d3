"""Weighted sums."""

from __future__ import annotations

from dataclasses import dataclass

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Floats, Type, TypeMismatch, number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Linear:
    """`x @ coef.T + intercept`.

    Attributes:
        coef: `(outputs, features) float64`.
        intercept: `(outputs,) float64`.
    """

    coef: Floats
    intercept: Floats

    def infer(self, *types: Type) -> Type:
        """Numbers, one column per output."""
        one(self, types, "number", self.coef.shape[1])
        if self.intercept.shape != (len(self.coef),):
            raise TypeMismatch(f"Linear: {len(self.coef)} outputs but intercept of shape {self.intercept.shape}")
        return number(len(self.coef))

    def run(self, *values: Array) -> Array:
        """`(rows, outputs) float64`."""
        result: Array = values[0] @ self.coef.T + self.intercept
        return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sum:
    """Tables of one width added, left to right."""

    def infer(self, *types: Type) -> Type:
        """The inputs' common type."""
        if not types or any(t != types[0] or t.kind != "number" for t in types):
            raise TypeMismatch(f"Sum({', '.join(map(str, types))}): takes numbers of one width")
        return types[0]

    def run(self, *values: Array) -> Array:
        """`x0 + x1 + …`."""
        total = values[0]
        for value in values[1:]:
            total = total + value
        return total
