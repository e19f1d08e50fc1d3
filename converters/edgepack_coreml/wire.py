"""Many small protobuf messages at once, written from numpy arrays: no Python object per message.

Blocks of rows are laid out column by column as if every field had its most bytes; what is not used is then left out.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Counts = NDArray[np.int64]
Flags = NDArray[np.bool_]

ROWS_AT_ONCE = 8192
"""Small enough for a block to stay in the cache."""

VARINT, FIXED64, LENGTH = 0, 1, 2


def varint(number: int) -> bytes:
    """A number as a base-128 varint."""
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def tag(field: int, wire_type: int) -> bytes:
    """The key in front of a field."""
    return varint(field << 3 | wire_type)


def embed(field: int, payload: bytes) -> bytes:
    """A field that holds a message, string or packed list."""
    return b"".join((tag(field, LENGTH), varint(len(payload)), payload))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole:
    """A column of whole numbers, `(messages,)` and not negative; a 0 is proto3's default and is not written."""

    field: int
    values: NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Double:
    """A column of doubles, `(messages,)`, written where `where` holds."""

    field: int
    values: NDArray[np.float64]
    where: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Messages:
    """Encoded submessages, each with its key and length in front.

    Attributes:
        data: all of them, one after the other.
        sizes: `(messages,)` bytes of each.
    """

    data: Bytes
    sizes: Counts

    def by_owner(self, owner: Counts, owners: int) -> Counts:
        """`(owners,)` bytes that belong to each owner; `owner (messages,)` ascends."""
        return np.bincount(owner, weights=self.sizes, minlength=owners).astype(np.int64)


def submessages(field: int, columns: Sequence[Whole | Double], tail: tuple[Messages, Counts] | None = None) -> Messages:
    """One submessage per row of the columns, each as field `field` of the message around it.

    Args:
        columns: in ascending order of their fields.
        tail: further submessages that follow the columns, and `(tail messages,)` the row that each belongs to.
    """
    rows = len(columns[0].values)
    tails = np.zeros(rows, np.int64) if tail is None else tail[0].by_owner(tail[1], rows)
    key = tag(field, LENGTH)
    ends = np.cumsum(tails)
    pieces, sizes = [], []
    for start in range(0, max(rows, 1), ROWS_AT_ONCE):
        at = slice(start, start + ROWS_AT_ONCE)
        data, own = _block(key, columns, at, tails)
        if tail is not None and len(own):
            data = _interleaved(data, own, tail[0].data[ends[start] - tails[start] : ends[at][-1]], tails[at])
        pieces.append(data)
        sizes.append(own)
    return Messages(data=np.concatenate(pieces), sizes=np.concatenate(sizes) + tails)


def _interleaved(data: Bytes, own: Counts, tail: Bytes, tails: Counts) -> Bytes:
    """Each row's bytes, and then its tail's."""
    follows = np.repeat(np.tile([False, True], len(own)), np.stack([own, tails], axis=1).ravel())
    out = np.empty(len(follows), np.uint8)
    out[~follows], out[follows] = data, tail
    return out


def _block(key: bytes, columns: Sequence[Whole | Double], at: slice, tails: Counts) -> tuple[Bytes, Counts]:
    """Some rows' submessages without their tails, and how many bytes each has.

    Every row is laid out with room for all bytes that any has; the bytes that are used are then taken out in order.
    """
    laid = [_laid(column, at) for column in columns]
    body = np.concatenate([data for data, _ in laid], axis=1)
    used = np.concatenate([where for _, where in laid], axis=1)
    length, length_used = _varints((used.sum(axis=1) + tails[at]).astype(np.uint64))
    length_used[:, 0] = True  # a length of 0 is written
    before = np.broadcast_to(np.frombuffer(key, np.uint8), (len(body), len(key)))
    data = np.concatenate([before, length, body], axis=1)
    used = np.concatenate([np.ones(before.shape, np.bool_), length_used, used], axis=1)
    return data[used], used.sum(axis=1)


def _laid(column: Whole | Double, at: slice) -> tuple[Bytes, Flags]:
    """`(rows, most bytes)` a field with its key, and which of the bytes are written."""
    values = column.values[at]
    if isinstance(column, Whole):
        key, (data, used) = tag(column.field, VARINT), _varints(values.astype(np.uint64))
        written = used[:, :1]
    else:
        key, data = tag(column.field, FIXED64), np.ascontiguousarray(values, "<f8").view(np.uint8).reshape(-1, 8)
        written = column.where[at, None]
        used = np.broadcast_to(written, data.shape)
    before = np.broadcast_to(np.frombuffer(key, np.uint8), (len(data), len(key)))
    return np.concatenate([before, data], axis=1), np.concatenate(
        [np.broadcast_to(written, before.shape), used], axis=1
    )


def _varints(values: NDArray[np.uint64]) -> tuple[Bytes, Flags]:
    """`(rows, most bytes)` base-128 varints, and which of the bytes they have; a 0 has none."""
    width = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    data, used = np.empty((len(values), width), np.uint8), np.empty((len(values), width), np.bool_)
    for k in range(width):
        rest = values >> np.uint64(7)
        used[:, k] = values != 0
        data[:, k] = (values & np.uint64(0x7F)).astype(np.uint8) | (rest != 0).astype(np.uint8) << 7
        values = rest
    return data, used
