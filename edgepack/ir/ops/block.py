"""An estimator that edgepack does not lower itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.ir.types import Array, Type, TypeMismatch, number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnnxBlock:
    """One estimator as an ONNX model, mostly skl2onnx's: opaque, inlined by the ONNX target, refused by the others.

    Attributes:
        model: the serialized ONNX model: one input `(rows, features)`, plain tensor outputs.
        output: which of the model's outputs this op gives.
        width: how many columns that output has.
        estimator: the fitted estimator itself; its method `method` is the op's meaning.
        is_own: whether the model was logged as ONNX, and no converter made it.
    """

    model: bytes
    output: str
    width: int
    estimator: Any
    method: str
    is_own: bool = False

    def infer(self, *types: Type) -> Type:
        """Numbers, `width` wide."""
        if len(types) != 1 or types[0].kind != "number":
            raise TypeMismatch(f"OnnxBlock({', '.join(map(str, types))}): takes one table of numbers")
        return number(self.width)

    def run(self, *values: Array) -> Array:
        """The estimator's own answer, `(rows, width) float64`."""
        answer = getattr(self.estimator, self.method)(values[0])
        if self.method == "predict" and hasattr(self.estimator, "classes_"):
            answer = np.searchsorted(self.estimator.classes_, answer)
        return np.asarray(answer, np.float64).reshape(len(values[0]), -1)
