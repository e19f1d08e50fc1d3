"""From scores to a class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Type, TypeMismatch, number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """Class 1 where one score is above `threshold` (or equal to it, unless `strict`), else class 0."""

    threshold: float
    strict: bool

    def infer(self, *types: Type) -> Type:
        """One column of class indices."""
        one(self, types, "number", 1)
        return number(1)

    def run(self, *values: Array) -> Array:
        """`(rows, 1) float64` of 0 and 1."""
        above = values[0] > self.threshold if self.strict else values[0] >= self.threshold
        return above.astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ArgMax:
    """The column of the largest score; the first of equals."""

    def infer(self, *types: Type) -> Type:
        """One column of class indices."""
        one(self, types, "number")
        return number(1)

    def run(self, *values: Array) -> Array:
        """`(rows, 1) float64`."""
        return values[0].argmax(axis=1).astype(np.float64)[:, None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Label:
    """The class's own label for each class index.

    Attributes:
        classes: `(k,)` labels as fitted (`classes_`): int, bool, float or str.
    """

    classes: Array

    def infer(self, *types: Type) -> Type:
        """`label`."""
        if types != (number(1),):
            raise TypeMismatch(f"Label({', '.join(map(str, types))}): takes (number[1])")
        return Type("label")

    def run(self, *values: Array) -> Array:
        """`(rows,)` of the labels' own dtype."""
        return self.classes[values[0][:, 0].astype(np.int64)]
