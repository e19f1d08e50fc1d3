"""What flows between the stages of a Core ML model: named features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from edgepack.ir.types import Flags

Kind = Literal["double", "int64", "string", "array", "array float32", "labels int64", "labels string"]

DOUBLE_ARRAY, FLOAT32_ARRAY = 65600, 65568
"""`DOUBLE` and `FLOAT32` of `ArrayFeatureType.ArrayDataType`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Feature:
    """A named value of a Core ML model.

    Attributes:
        name: unique in the model.
        kind: a scalar, a string, a one-dimensional array of doubles, or a classifier's dictionary by label.
        exact: `(width,)`: where the device's value is the Program's to the last bit, so that it may be compared.
        float32: `(width,)`: where the values are float32 numbers, or are rounded to float32 before anything else.
        optional: whether a caller may leave it out.
    """

    name: str
    kind: Kind
    exact: Flags
    float32: Flags
    optional: bool = False

    @property
    def width(self) -> int:
        """How many numbers a row has here."""
        return len(self.exact)

    def describe(self, description: Any, sentence: str = "") -> None:
        """Fills a `FeatureDescription` message."""
        description.name = self.name
        description.shortDescription = sentence
        description.type.isOptional = self.optional
        match self.kind:
            case "double":
                description.type.doubleType.SetInParent()
            case "int64":
                description.type.int64Type.SetInParent()
            case "string":
                description.type.stringType.SetInParent()
            case "array" | "array float32" as array:
                description.type.multiArrayType.shape.append(self.width)
                description.type.multiArrayType.dataType = DOUBLE_ARRAY if array == "array" else FLOAT32_ARRAY
            case "labels int64":
                description.type.dictionaryType.int64KeyType.SetInParent()
            case "labels string":
                description.type.dictionaryType.stringKeyType.SetInParent()


def output_feature(name: str, kind: Kind, width: int = 1) -> Feature:
    """A model's own output."""
    inexact = np.zeros(width, np.bool_)
    return Feature(name=name, kind=kind, exact=inexact, float32=inexact)
