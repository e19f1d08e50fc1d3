"""Weighted sums of whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Floats, Integers, Type, TypeMismatch, number

LARGEST_WEIGHT = 64
"""Two products of 255 and 64 fit 16 bits, where x86 without VNNI adds them up; of 255 and 127 they do not."""

LARGEST_CODE = 255
LARGEST_SUM = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class IntegerLinear:
    """A weighted sum of numbers that are rounded to 256 levels first: 8 bits times 7 bits, added up in 32.

    Rounding, sums and the last product are float32's and int32's own, so that every processor gives the same numbers.

    Attributes:
        weights: `(outputs, features) int8`, from −64 to 64.
        bias: `(outputs,) int64` of at most 32 bits, in units of `step × scale`.
        scale: `(outputs,) float32`: what a weight of 1 stands for.
        step: a float32: how far two levels are apart.
        zero: the level that stands for 0, from 0 to 255.
    """

    weights: NDArray[np.int8]
    bias: Integers
    scale: NDArray[np.float32]
    step: float
    zero: int

    @property
    def unit(self) -> NDArray[np.float32]:
        """`(outputs,)`: what a sum of 1 stands for."""
        return np.float32(self.step) * self.scale

    def infer(self, *types: Type) -> Type:
        """Numbers, one column per output."""
        outputs, features = self.weights.shape
        one(self, types, "number", features)
        if self.bias.shape != (outputs,) or self.scale.shape != (outputs,):
            raise TypeMismatch(f"IntegerLinear: {outputs} outputs but bias {self.bias.shape}, scale {self.scale.shape}")
        return number(outputs)

    def levels(self, x: Floats) -> Floats:
        """How many steps each number is from 0, before it is rounded: float32 in float64."""
        with np.errstate(over="ignore"):
            steps: Floats = (x.astype(np.float32) / np.float32(self.step)).astype(np.float64)
        return np.clip(steps, -self.zero, LARGEST_CODE - self.zero)

    def run(self, *values: Array) -> Array:
        """`(rows, outputs)`: float32 in float64."""
        sums = np.rint(self.levels(values[0])) @ self.weights.T.astype(np.float64) + self.bias  # below 2⁵³: exact
        return (sums.astype(np.float32) * self.unit).astype(np.float64)
