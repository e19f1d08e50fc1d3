"""ONNX's messages: attributes, tensors and value types, as wire `Message`s.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers and enum values)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from edgepack.ir.types import Array
from edgepack_onnx.wire import Message

FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE = 1, 2, 3, 6, 7, 8, 9, 10, 11

ELEMENTS: Mapping[str, int] = MappingProxyType(
    {"f2": FLOAT16, "f4": FLOAT, "f8": DOUBLE, "i1": INT8, "i4": INT32, "i8": INT64, "u1": UINT8}
)
"""TensorProto.DataType by numpy's kind and size."""

Attribute = int | str | tuple[str, ...] | Array
"""INT, STRING, STRINGS; an int64 array is INTS, any other array a TENSOR."""


def attribute(name: str, value: Attribute) -> Message:
    """An AttributeProto."""
    message = Message().text(1, name)
    match value:
        case int():
            return message.integer(3, value).integer(20, 2)
        case str():
            return message.text(4, value).integer(20, 3)
        case tuple():
            return message.text(9, *value).integer(20, 8)
    if value.dtype == np.int64:
        return message.packed(8, value).integer(20, 7)
    return message.message(5, tensor("", value)).integer(20, 4)


def graph_attribute(name: str, graph: Message) -> Message:
    """A GRAPH AttributeProto."""
    return Message().text(1, name).message(6, graph).integer(20, 5)


def strings_attribute(name: str, codes: Array, alphabet: tuple[str, ...]) -> Message:
    """A STRINGS AttributeProto of `alphabet[code]` for each code, without a Python object per string."""
    pieces = [bytes(Message().text(9, word)) for word in alphabet]
    words = np.zeros((len(pieces), max(map(len, pieces))), np.uint8)
    used = np.zeros(words.shape, np.bool_)
    for k, piece in enumerate(pieces):
        words[k, : len(piece)] = np.frombuffer(piece, np.uint8)
        used[k, : len(piece)] = True
    message = Message().text(1, name)
    for start in range(0, len(codes), 1 << 18):
        part = codes[start : start + (1 << 18)]
        piece = words[part][used[part]].tobytes()
        message.buffers.append(piece)
        message.size += len(piece)
    return message.integer(20, 8)


def tensor(name: str, array: Array) -> Message:
    """A TensorProto: numbers as raw little-endian bytes, objects as strings."""
    message = Message()
    for length in array.shape:
        message.integer(1, length)
    if array.dtype == object:
        message.integer(2, STRING).text(6, *array.ravel())
    else:
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        message.integer(2, ELEMENTS[array.dtype.str[1:]]).data(9, little.tobytes())
    return message.text(8, name) if name else message


def value_info(name: str, element: int, shape: tuple[int | str, ...], description: str = "") -> Message:
    """A ValueInfoProto; a dimension given by name is dynamic."""
    dimensions = Message()
    for length in shape:
        dimension = Message().text(2, length) if isinstance(length, str) else Message().integer(1, length)
        dimensions.message(1, dimension)
    kind = Message().message(1, Message().integer(1, element).message(2, dimensions))
    message = Message().text(1, name).message(2, kind)
    return message.text(3, description) if description else message
