"""Ops that only move columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.types import Array, Integers, Type, TypeMismatch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Select:
    """The columns `columns` (any order, repeats allowed) of a table."""

    columns: Integers

    def infer(self, *types: Type) -> Type:
        """Same kind, `len(columns)` wide."""
        if len(types) != 1 or types[0].kind == "label":
            raise TypeMismatch(f"Select({', '.join(map(str, types))}): takes one table")
        if len(wrong := self.columns[(self.columns < 0) | (self.columns >= types[0].width)]):
            raise TypeMismatch(f"Select({types[0]}): column {wrong[0]} is not in the table")
        return Type(types[0].kind, len(self.columns))

    def run(self, *values: Array) -> Array:
        """`x[:, columns]`."""
        return values[0][:, self.columns]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Concat:
    """Tables of one kind, side by side."""

    def infer(self, *types: Type) -> Type:
        """Same kind, as wide as all inputs together."""
        if not types or types[0].kind == "label" or any(t.kind != types[0].kind for t in types):
            raise TypeMismatch(f"Concat({', '.join(map(str, types))}): takes tables of one kind")
        return Type(types[0].kind, sum(t.width for t in types))

    def run(self, *values: Array) -> Array:
        """`np.hstack`."""
        return np.concatenate(values, axis=1)
