"""The values that flow through a model, and the features that they must fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.errors import EdgepackError
from edgepack.ir.types import Array, Floats

DOUBLE_ARRAY = 65600


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
"""`(rows,)` float64, int64 or object (str); `(rows, width) float64`; or dictionaries."""

Values = Mapping[str, Value]
Evaluate = Callable[[Values], dict[str, Value]]


class Unknown(EdgepackError):
    """A model that the reference evaluator does not know, or that contradicts itself."""

    exit_code = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A feature's declared type: `double`, `int64`, `string`, `array` (with its width), `int64 keys`, `string keys`."""

    kind: str
    width: int = 1

    def __str__(self) -> str:
        """`double`, `array[3]`."""
        return f"array[{self.width}]" if self.kind == "array" else self.kind


def shape_of(feature: Any) -> Shape:
    """What a FeatureDescription declares. Raises `Unknown` for types that no classic stage has."""
    only(feature, "name", "shortDescription", "type")
    kind = feature.type.WhichOneof("Type")
    where = f"feature {feature.name!r}"
    only(feature.type, str(kind))
    match kind:
        case "doubleType" | "int64Type" | "stringType":
            return Shape(kind=kind.removesuffix("Type"))
        case "multiArrayType":
            array = feature.type.multiArrayType
            only(array, "shape", "dataType")
            if len(array.shape) != 1 or array.shape[0] < 1 or array.dataType != DOUBLE_ARRAY:
                raise Unknown(f"{where}: an array of shape {list(array.shape)}; knows one dimension of doubles")
            return Shape(kind="array", width=int(array.shape[0]))
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
    elif value.ndim == 2:
        given = Shape(kind="array", width=value.shape[1])
    else:
        given = Shape(kind={"f": "double", "i": "int64", "O": "string"}.get(value.dtype.kind, str(value.dtype)))
    if given != shape:
        raise Unknown(f"feature {name!r}: declared {shape}, but the value is {given}")
    return value


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
