"""Protobuf's wire format, written straight from numpy arrays.

A forest of a million nodes is ten arrays; `onnx.helper` would make ten million Python objects of them. A `Message`
holds its bytes as a list of buffers, so nesting one in another writes a header and copies nothing.

Source: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgepack.ir.types import Array

VARINT, LENGTH_DELIMITED = 0, 2
ROWS_AT_ONCE = 1 << 18  # packed varints need about 40 bytes of scratch memory per number


@dataclass(slots=True)
class Message:
    """One protobuf message under construction; every method adds a field and gives the message back."""

    buffers: list[bytes] = field(default_factory=list)
    size: int = 0

    def integer(self, number: int, value: int) -> Message:
        """A varint field; a negative value takes ten bytes, as int64 does."""
        return self._add(varint(number << 3 | VARINT) + varint(value & (1 << 64) - 1))

    def data(self, number: int, *buffers: bytes) -> Message:
        """A field of raw bytes."""
        return self._nested(number, sum(map(len, buffers)), buffers)

    def text(self, number: int, *values: str) -> Message:
        """A string field, once per value."""
        for value in values:
            self.data(number, value.encode())
        return self

    def message(self, number: int, *messages: Message) -> Message:
        """A nested message, once per message."""
        for message in messages:
            self._nested(number, message.size, message.buffers)
        return self

    def packed(self, number: int, values: Array) -> Message:
        """A packed field of varints from an array of non-negative integers."""
        return self.data(number, *varints(values))

    def __bytes__(self) -> bytes:
        """The whole message in one piece."""
        return b"".join(self.buffers)

    def _nested(self, number: int, size: int, buffers: Iterable[bytes]) -> Message:
        self._add(varint(number << 3 | LENGTH_DELIMITED) + varint(size))
        self.buffers.extend(buffers)
        self.size += size
        return self

    def _add(self, piece: bytes) -> Message:
        self.buffers.append(piece)
        self.size += len(piece)
        return self


def varint(value: int) -> bytes:
    """A non-negative integer in base 128, lowest digit first, the high bit set on all but the last byte."""
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def varints(values: Array) -> Iterator[bytes]:
    """The varints of non-negative integers, one after another, in buffers."""
    for start in range(0, len(values), ROWS_AT_ONCE):
        yield _varints(values[start : start + ROWS_AT_ONCE])


def _varints(values: Array) -> bytes:
    top = int(values.max())
    if top < 128:
        return values.astype(np.uint8).tobytes()
    rest: NDArray[np.uint64] = values.astype(np.uint64)
    places = (top.bit_length() + 6) // 7
    digits = np.empty((len(values), places), np.uint8)
    used = np.empty((len(values), places), np.bool_)
    for place in range(places):
        used[:, place] = rest > 0
        digits[:, place] = rest & 127
        rest >>= 7
    used[:, 0] = True  # zero is one byte
    digits[:, :-1] |= used[:, 1:].view(np.uint8) << 7
    return digits[used].tobytes()
