"""From scores to probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Type, number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sigmoid:
    """`1 / (1 + exp(−x))`, without overflow."""

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        return one(self, types, "number")

    def run(self, *values: Array) -> Array:
        """`scipy.special.expit`."""
        from scipy.special import expit

        result: Array = expit(values[0])
        return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Softmax:
    """`exp(x) / Σ exp(x)` along each row, shifted by the row's maximum."""

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        return one(self, types, "number")

    def run(self, *values: Array) -> Array:
        """`(rows, width) float64`; rows add up to 1."""
        e = np.exp(values[0] - values[0].max(axis=1, keepdims=True))
        result: Array = e / e.sum(axis=1, keepdims=True)
        return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Normalize:
    """Each row divided by its sum (one-versus-rest probabilities); a row of zeros stays as it is."""

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        return one(self, types, "number")

    def run(self, *values: Array) -> Array:
        """`x / Σ x`."""
        total = values[0].sum(axis=1, keepdims=True)
        result: Array = values[0] / np.where(total == 0, 1.0, total)
        return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Complement:
    """`[1 − p, p]` from one column of probabilities."""

    def infer(self, *types: Type) -> Type:
        """Two columns of numbers."""
        one(self, types, "number", 1)
        return number(2)

    def run(self, *values: Array) -> Array:
        """`(rows, 2) float64`."""
        return np.concatenate([1 - values[0], values[0]], axis=1)
