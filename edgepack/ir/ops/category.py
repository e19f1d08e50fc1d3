"""Ops about categories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Floats, Integers, Type, TypeMismatch, number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lookup:
    """A table's row for each value of one column.

    Attributes:
        keys: `(k,)` distinct values: object holding `str`, or float64 without NaN.
        table: `(k + 2, width) float64`: a row per key, then the row of an unknown value, then of a missing one.
    """

    keys: Array
    table: Floats

    @property
    def unknown(self) -> Floats:
        """The `(width,)` row for values that are not among the keys."""
        return self.table[-2]

    @property
    def missing(self) -> Floats:
        """The `(width,)` row for NaN or `None`."""
        return self.table[-1]

    def infer(self, *types: Type) -> Type:
        """Numbers as wide as the table."""
        kind = "string" if self.keys.dtype == object else "number"
        one(self, types, kind, 1)
        if self.table.ndim != 2 or len(self.table) != len(self.keys) + 2:
            raise TypeMismatch(f"Lookup({kind}[1]): {len(self.keys)} keys need {len(self.keys) + 2} rows")
        return number(self.table.shape[1])

    def rows_of(self, x: Array) -> Integers:
        """The table's row for each of the values `x (rows,)`: `k` for unknown, `k + 1` for missing."""
        k = len(self.keys)
        if x.dtype == object:
            index = {key: i for i, key in enumerate(self.keys)}
            index[None] = k + 1
            values, inverse = _factorize(x)
            return np.fromiter((index.get(v, k) for v in values), np.int64, len(values))[inverse]
        order = np.argsort(self.keys, kind="stable")
        at = np.clip(np.searchsorted(self.keys, x, sorter=order), 0, max(k - 1, 0))
        if k == 0:
            return np.where(np.isnan(x), 1, 0)
        found = order[at]
        return np.where(np.isnan(x), k + 1, np.where(self.keys[found] == x, found, k))

    def run(self, *values: Array) -> Array:
        """`(rows, width) float64`."""
        return self.table[self.rows_of(values[0][:, 0])]


def _factorize(x: Array) -> tuple[list[str | None], Integers]:
    """The distinct objects of `x` and where each row's stands among them."""
    seen: dict[str | None, int] = {}
    inverse = np.fromiter((seen.setdefault(v, len(seen)) for v in x), np.int64, len(x))
    return list(seen), inverse


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OneHot:
    """`size` columns, 1.0 in the one that an index names; any other index, or NaN, gives zeros."""

    size: int

    def infer(self, *types: Type) -> Type:
        """Numbers, `size` wide."""
        one(self, types, "number", 1)
        return number(self.size)

    def run(self, *values: Array) -> Array:
        """`(rows, size) float64`."""
        return (values[0] == np.arange(self.size, dtype=np.float64)).astype(np.float64)
