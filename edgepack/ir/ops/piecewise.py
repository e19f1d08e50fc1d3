"""Functions of one number that change from interval to interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Floats, Type, TypeMismatch, number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bucket:
    """The number of each column's edges that lie below its value; NaN stays NaN.

    Attributes:
        edges: per column, `(k,) float64`, ascending; columns may have different k.
        right: whether an edge that equals the value counts as below it (`np.searchsorted`, side `right`).
    """

    edges: tuple[Floats, ...]
    right: bool

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        if any(np.any(np.isnan(edges)) or np.any(np.diff(edges) < 0) for edges in self.edges):
            raise TypeMismatch("Bucket: has edges that do not ascend")
        return one(self, types, "number", len(self.edges))

    def run(self, *values: Array) -> Array:
        """`(rows, width) float64` of whole numbers from 0 to k."""
        side = "right" if self.right else "left"
        found = [np.searchsorted(e, x, side=side) for e, x in zip(self.edges, values[0].T, strict=True)]  # type: ignore[call-overload]
        return np.where(np.isnan(values[0]), np.nan, np.stack(found, axis=1).astype(np.float64))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piecewise:
    """Polynomials of each column's value, others in each interval between its edges; NaN stays NaN.

    In interval i (the column's `Bucket`), with `t = x − origin[i]`, output o is
    `(… (coef[i, o, d] · t + coef[i, o, d − 1]) · t + …) · t + coef[i, o, 0]`. Degree 1 is `np.interp`, to the last bit.

    Attributes:
        edges: per column, `(k,) float64`, ascending.
        right: as in `Bucket`.
        origin: per column, `(k + 1,) float64`.
        coef: per column, `(k + 1, outputs, degree + 1) float64`; all columns have one number of outputs, one degree.
    """

    edges: tuple[Floats, ...]
    right: bool
    origin: tuple[Floats, ...]
    coef: tuple[Floats, ...]

    @property
    def outputs(self) -> int:
        """How many numbers each column becomes."""
        return self.coef[0].shape[1]

    def infer(self, *types: Type) -> Type:
        """Numbers: the first column's outputs, then the second's, …"""
        Bucket(edges=self.edges, right=self.right).infer(*types)
        for edges, origin, coef in zip(self.edges, self.origin, self.coef, strict=True):
            if origin.shape != (len(edges) + 1,) or coef.shape != (len(edges) + 1, *self.coef[0].shape[1:]):
                raise TypeMismatch(f"Piecewise: {len(edges)} edges, but origin {origin.shape}, coef {coef.shape}")
        return number(len(self.edges) * self.outputs)

    def run(self, *values: Array) -> Array:
        """`(rows, columns × outputs) float64`."""
        x = values[0]
        bucket = Bucket(edges=self.edges, right=self.right).run(x)
        parts = []
        for j, (origin, coef) in enumerate(zip(self.origin, self.coef, strict=True)):
            i = np.nan_to_num(bucket[:, j]).astype(np.int64)
            with np.errstate(all="ignore"):
                t = (x[:, j] - origin[i])[:, None]
                y = coef[i, :, -1]
                for power in range(coef.shape[2] - 2, -1, -1):
                    y = y * t + coef[i, :, power]
            parts.append(np.where(np.isnan(x[:, [j]]), np.nan, y))
        return np.concatenate(parts, axis=1)
