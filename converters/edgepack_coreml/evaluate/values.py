"""The values that flow through a model, and the features that they must fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgepack.errors import EdgepackError
from edgepack.ir.types import Array, Floats

ARRAYS = {65600: "float64", 65568: "float32", 65552: "float16", 131104: "int32"}
"""Multiarray data types, and the numpy types of their values."""
MOST_AXES = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dictionaries:
    """A dictionary from label to number for every row.

    Attributes:
        labels: all int or all str.
        numbers: `(rows, labels) float64`.
    """

    labels: tuple[int | str, ...]
    numbers: Floats


Value = Array | Dictionaries
"""`(rows,)` float64, int64 or object (str); an array's `(rows, *shape)` in its own type; or dictionaries."""

Values = Mapping[str, Value]
Evaluate = Callable[[Values], dict[str, Value]]


class Unknown(EdgepackError):
    """A model that the reference evaluator does not know, or that contradicts itself."""

    exit_code = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A feature's declared type.

    Attributes:
        kind: `double`, `int64`, `string`, `array`, `int64 keys` or `string keys`.
        dims: an array's shape for one row.
        dtype: an array's numpy type.
        optional: whether a caller may leave it out.
    """

    kind: str
    dims: tuple[int, ...] = ()
    dtype: str = "float64"
    optional: bool = False

    @property
    def width(self) -> int:
        """How many numbers it is."""
        return math.prod(self.dims)

    def __str__(self) -> str:
        """`double`, `optional double`, `array[3]`, `float32 array[3, 4]`."""
        if self.kind != "array":
            return f"optional {self.kind}" if self.optional else self.kind
        return f"{'' if self.dtype == 'float64' else self.dtype + ' '}array{list(self.dims)}"


def shape_of(feature: Any) -> Shape:
    """What a FeatureDescription declares. Raises `Unknown` for types that no stage has, and flexible shapes."""
    only(feature, "name", "shortDescription", "type")
    kind = feature.type.WhichOneof("Type")
    where = f"feature {feature.name!r}"
    only(feature.type, str(kind), "isOptional")
    if feature.type.isOptional and kind != "doubleType":
        raise Unknown(f"{where}: an optional {str(kind).removesuffix('Type')}; knows optional doubles")
    match kind:
        case "doubleType" | "int64Type" | "stringType":
            return Shape(kind=kind.removesuffix("Type"), optional=feature.type.isOptional)
        case "multiArrayType":
            array = feature.type.multiArrayType
            only(array, "shape", "dataType")
            if len(array.shape) > MOST_AXES or min(array.shape, default=1) < 1 or array.dataType not in ARRAYS:
                raise Unknown(f"{where}: an array of type {array.dataType} and shape {list(array.shape)}")
            return Shape(kind="array", dims=tuple(int(n) for n in array.shape), dtype=ARRAYS[array.dataType])
        case "dictionaryType":
            only(feature.type.dictionaryType, "int64KeyType", "stringKeyType")
            key = feature.type.dictionaryType.WhichOneof("KeyType")
            if key is not None:
                return Shape(kind=f"{key.removesuffix('KeyType')} keys")
    raise Unknown(f"{where}: type {kind}; knows numbers, strings, arrays and dictionaries")


def fitted(name: str, shape: Shape, value: Value) -> Value:
    """The value, if it is what the feature declares. Raises `Unknown` otherwise."""
    if isinstance(value, Dictionaries):
        kind = "string keys" if isinstance(value.labels[0], str) else "int64 keys"
        given = Shape(kind=kind)
    elif shape.kind == "array" or value.ndim > 1:
        given = Shape(kind="array", dims=value.shape[1:], dtype=str(value.dtype))
    else:
        given = Shape(kind={"f": "double", "i": "int64", "O": "string"}.get(value.dtype.kind, str(value.dtype)))
    if given != replace(shape, optional=False):
        raise Unknown(f"feature {name!r}: declared {shape}, but the value is {given}")
    return value


def row_count(value: Value) -> int:
    """How many rows a value is for."""
    return len(value.numbers) if isinstance(value, Dictionaries) else len(value)


def vectorized(names: list[str], values: Values) -> Floats:
    """The named features side by side, `(rows, numbers) float64`: what every model of numbers takes.

    Inferred: whole numbers count as doubles, and features stand in the order of the description.
    """
    parts = []
    for name in names:
        value = values[name]
        if isinstance(value, Dictionaries) or value.dtype == object:
            raise Unknown(f"feature {name!r}: is not made of numbers")
        parts.append(value.astype(np.float64).reshape(len(value), -1))
    return np.concatenate(parts, axis=1)


def only(message: Any, *known: str) -> None:
    """Raises `Unknown` if a message has a field set that is not among the known ones."""
    for field, _ in message.ListFields():
        if field.name not in known:
            raise Unknown(f"{message.DESCRIPTOR.name}.{field.name}: is not known to the reference evaluator")
