"""MIL's types, and the numpy arrays that hold their values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.values import Unknown, only

NAMES = {
    1: "bool", 2: "string", 10: "fp16", 11: "fp32", 21: "int8", 22: "int16", 23: "int32", 24: "int64", 25: "int4",
    31: "uint8", 32: "uint16", 33: "uint32", 35: "uint4", 36: "uint2", 37: "uint1", 38: "uint6", 39: "uint3",
}  # fmt: skip
NUMPY = {
    "bool": "bool", "string": "object", "fp16": "float16", "fp32": "float32", "int64": "int64",
    "int8": "int8", "int16": "int16", "int32": "int32", "uint8": "uint8", "uint16": "uint16", "uint32": "uint32",
}  # fmt: skip
BITS = {"int4": 4, "uint1": 1, "uint2": 2, "uint3": 3, "uint4": 4, "uint6": 6}
"""Types of less than a byte: constants hold them in int8 and uint8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A tensor's type: MIL's name of its numbers, and its fixed shape."""

    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        """`fp32[3, 4]`."""
        return f"{self.dtype}{list(self.shape)}"

    @property
    def numpy(self) -> str:
        """The name of the numpy type that holds a value."""
        return NUMPY.get(self.dtype, "int8" if self.dtype == "int4" else "uint8")

    @property
    def size_bytes(self) -> int:
        """Size in a file: values of less than a byte lie side by side."""
        bits = BITS.get(self.dtype) or 8 * np.dtype(self.numpy).itemsize
        return -(-math.prod(self.shape) * bits // 8)


def tensor_type(message: Any) -> Declared:
    """A `ValueType` message's tensor. Raises `Unknown` for other types and for unknown sizes."""
    only(message, "tensorType")
    tensor = message.tensorType
    only(tensor, "dataType", "rank", "dimensions")
    name = NAMES.get(tensor.dataType)
    if name is None or message.WhichOneof("type") != "tensorType":
        raise Unknown(f"type {message.WhichOneof('type')} of data type {tensor.dataType}: is not known")
    for size in tensor.dimensions:
        if size.WhichOneof("dimension") != "constant":
            raise Unknown(f"a tensor of {name} with a flexible shape; knows fixed shapes")
    shape = tuple(int(size.constant.size) for size in tensor.dimensions)
    if tensor.rank != len(shape):
        raise Unknown(f"a tensor of rank {tensor.rank} with {len(shape)} sizes")
    return Declared(dtype=name, shape=shape)


def unpacked(data: Array, declared: Declared) -> Array:
    """Little-endian bytes as values; those of less than a byte start at the least significant bit."""
    if declared.dtype in BITS:
        return unpacked_bits(data, BITS[declared.dtype], declared.shape, signed=declared.dtype == "int4")
    if declared.dtype == "string":
        raise Unknown("strings in bytes")
    if data.nbytes != declared.size_bytes:
        raise Unknown(f"{data.nbytes} bytes for {declared}, which takes {declared.size_bytes}")
    return data.view(np.dtype(declared.numpy).newbyteorder("<")).reshape(declared.shape)


def unpacked_bits(data: Array, bits: int, shape: tuple[int, ...], signed: bool = False) -> Array:
    """Numbers of a few bits each, lowest bit first, packed without gaps."""
    count = math.prod(shape)
    if len(data) != -(-count * bits // 8):
        raise Unknown(f"{len(data)} bytes for {count} numbers of {bits} bits")
    each = np.unpackbits(np.asarray(data, np.uint8), bitorder="little")[: count * bits].reshape(count, bits)
    numbers = each @ (1 << np.arange(bits))
    if signed:
        return np.where(numbers >= 1 << (bits - 1), numbers - (1 << bits), numbers).astype(np.int8).reshape(shape)
    return numbers.astype(np.uint8).reshape(shape)
