"""Many small protobuf messages at once, written from numpy arrays: no Python object per message.

Every length is computed first; then each field is scattered to its place in one buffer, column by column.

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
    written = [_Written.of(column) for column in columns]
    body = np.zeros(rows, np.int64)
    for part in written:
        body[part.rows] += part.sizes
    tails = np.zeros(rows, np.int64) if tail is None else tail[0].by_owner(tail[1], rows)
    length = (body + tails).astype(np.uint64)
    key = tag(field, LENGTH)
    head = len(key) + _varint_sizes(length)
    sizes = head + body + tails
    out = np.empty(int(sizes.sum()), np.uint8)
    at = np.cumsum(sizes) - sizes
    _put_bytes(out, at, key)
    _put_varints(out, at + len(key), length)
    at += head
    for part in written:
        part.put(out, at)
    if tail is not None:
        out[np.repeat(np.tile([False, True], rows), np.stack([head + body, tails], axis=1).ravel())] = tail[0].data
    return Messages(data=out, sizes=sizes)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Written:
    """What one column puts into the messages: which rows, how many bytes each."""

    key: bytes
    values: NDArray[Any]
    rows: Counts
    sizes: Counts

    @classmethod
    def of(cls, column: Whole | Double) -> _Written:
        if isinstance(column, Whole):
            key, rows = tag(column.field, VARINT), np.flatnonzero(column.values)
            values: NDArray[Any] = column.values[rows].astype(np.uint64)
            return cls(key=key, values=values, rows=rows, sizes=len(key) + _varint_sizes(values))
        key, rows = tag(column.field, FIXED64), np.flatnonzero(column.where)
        values = column.values[rows].astype("<f8")
        return cls(key=key, values=values, rows=rows, sizes=np.full(len(rows), len(key) + 8, np.int64))

    def put(self, out: Bytes, at: Counts) -> None:
        """Writes at the rows' cursors and moves them on."""
        start = at[self.rows]
        _put_bytes(out, start, self.key)
        if self.values.dtype == np.uint64:
            _put_varints(out, start + len(self.key), self.values)
        else:
            for k, column in enumerate(self.values.view(np.uint8).reshape(-1, 8).T):
                out[start + (len(self.key) + k)] = column
        at[self.rows] = start + self.sizes


def _varint_sizes(values: NDArray[np.uint64]) -> Counts:
    sizes = np.ones(len(values), np.int64)
    largest = int(values.max(initial=0))
    for shift in range(7, max(largest.bit_length(), 1), 7):
        sizes += values >> np.uint64(shift) != 0
    return sizes


def _put_varints(out: Bytes, at: Counts, values: NDArray[np.uint64]) -> None:
    while len(values):
        rest = values >> np.uint64(7)
        more = rest != 0
        out[at] = (values & np.uint64(0x7F)).astype(np.uint8) | more.astype(np.uint8) << 7
        at, values = at[more] + 1, rest[more]


def _put_bytes(out: Bytes, at: Counts, what: bytes) -> None:
    for k, byte in enumerate(what):
        out[at + k] = byte
