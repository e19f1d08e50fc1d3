"""Many small protobuf messages at once, written from numpy arrays: no Python object per message.

A message is laid out as a few words of at most eight bytes. Each word is written whole at the place where its bytes
begin, in order, so that what a word has too many of is overwritten by the next one.

Source: protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]

Pieces = tuple[bytes | memoryview, ...]
"""Bytes that follow each other; joined only where they are written, since a large forest takes a while to copy."""

ROWS_AT_ONCE = 8192
"""Small enough for a block to stay in the cache."""

VARINT, FIXED64, LENGTH = 0, 1, 2
WORD = 8
"""Bytes."""

FEW = 2**14
"""So many values are encoded once and looked up."""


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


def embed(field: int, payload: Pieces) -> Pieces:
    """A field that holds a message, string or packed list."""
    return (tag(field, LENGTH) + varint(sum(len(piece) for piece in payload)), *payload)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Whole:
    """A column of whole numbers, `(messages,)`, written where `where` holds (None: everywhere) and not negative there.

    A 0 is proto3's default and is not written.
    """

    field: int
    values: NDArray[Any]
    where: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Double:
    """A column of doubles, `(messages,)`, written where `where` holds."""

    field: int
    values: NDArray[np.float64]
    where: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tail:
    """Further submessages that follow the columns of a message.

    Attributes:
        field: their field in the message.
        columns: of each, in ascending order of their fields. The last one is a `Double` that is always written: it
            fills a word, so that nothing spills over what follows.
        owner: `(tail messages,)` the row that each belongs to, ascending.
    """

    field: int
    columns: Sequence[Whole | Double]
    owner: Counts

    def __post_init__(self) -> None:
        """Raises `ValueError` for columns whose last word may spill."""
        last = self.columns[-1]
        if not isinstance(last, Double) or not last.where.all():
            raise ValueError("a tail ends with a double that is always written")


@dataclass(frozen=True, slots=True, eq=False)
class _Word:
    """Up to eight bytes of each row.

    Attributes:
        bits: `(rows,)` the bytes, the first one lowest, and 0 above those that are used.
        used: `(rows,)` how many there are.
        most: what `used` never exceeds.
    """

    bits: Counts
    used: Counts
    most: int

    def then(self, other: _Word) -> _Word:
        """Both in one word; `most` of both must fit into it."""
        return _Word(self.bits | other.bits << (self.used << 3), self.used + other.used, self.most + other.most)


def submessages(field: int, columns: Sequence[Whole | Double], tail: Tail | None = None) -> memoryview:
    """One submessage per row of the columns, each as field `field` of the message around it, one after the other.

    Args:
        columns: in ascending order of their fields.
    """
    rows = len(columns[0].values)
    owners = np.zeros(0, np.int64) if tail is None else tail.owner
    out = np.empty(rows * _most(columns) + (0 if tail is None else len(owners) * _most(tail.columns)) + WORD, np.uint8)
    anywhere = np.ndarray(len(out) - WORD + 1, "<i8", out, strides=(1,))
    own_words = [_words(column) for column in columns]
    tail_words = [] if tail is None else [_words(column) for column in tail.columns]
    end = 0
    for start in range(0, rows, ROWS_AT_ONCE):
        at = slice(start, min(start + ROWS_AT_ONCE, rows))
        if tail is None:
            own, own_sizes = _laid(field, own_words, at, 0)
            after = np.cumsum(own_sizes)
            _scatter(anywhere, own, after - own_sizes + end)
        else:
            first, last = np.searchsorted(owners, [at.start, at.stop]).tolist()
            owner = owners[first:last] - start
            tails, tail_sizes = _laid(tail.field, tail_words, slice(first, last), 0)
            added = np.bincount(owner, weights=tail_sizes, minlength=at.stop - start).astype(np.int64)
            own, own_sizes = _laid(field, own_words, at, added)
            after = np.cumsum(own_sizes + added)
            _scatter(anywhere, own, after - (own_sizes + added) + end)
            _scatter(anywhere, tails, np.cumsum(own_sizes)[owner] + np.cumsum(tail_sizes) - tail_sizes + end)
        end += int(after[-1])
    return out[:end].data


def _most(columns: Sequence[Whole | Double]) -> int:
    """No row's submessage is longer."""
    return 16 + sum(2 + (WORD if isinstance(column, Double) else 10) for column in columns)


def _scatter(anywhere: Counts, words: Sequence[_Word], at: Counts) -> None:
    """Writes each row's words, the first one at `at`; numpy assigns them in order."""
    begins, bits = np.empty((2, len(at), len(words)), np.int64)
    for k, word in enumerate(words):
        begins[:, k], bits[:, k] = at, word.bits
        if k + 1 < len(words):
            at = at + word.used
    anywhere[begins.ravel()] = bits.ravel()


def _laid(
    field: int, columns: Sequence[Callable[[slice], list[_Word]]], at: slice, further: Counts | int
) -> tuple[list[_Word], Counts]:
    """Some rows' submessages in as few words as hold them, and how many bytes each has.

    Args:
        further: `(rows,)` bytes that belong to the submessage and follow the columns.
    """
    words = [word for column in columns for word in column(at)]
    body = words[0].used
    for word in words[1:]:
        body = body + word.used
    packed = _varint(tag(field, LENGTH), body + further, zero=True)
    for word in packed:
        body = body + word.used
    for word in words:
        if packed[-1].most + word.most <= WORD:
            packed[-1] = packed[-1].then(word)
        else:
            packed.append(word)
    return packed, body


def _words(column: Whole | Double) -> Callable[[slice], list[_Word]]:
    """What gives some rows of a field with its key; nothing where it is not written."""
    if isinstance(column, Double):
        return partial(_doubles, column, tag(column.field, FIXED64))
    key = tag(column.field, VARINT)
    top = int(column.values.max(initial=0))
    table = _varint(key, np.arange(top + 1), zero=False) if top < FEW else []
    return partial(_wholes, column, key, table)


def _doubles(column: Double, key: bytes, at: slice) -> list[_Word]:
    written = column.where[at].astype(np.int64)
    bits = np.ascontiguousarray(column.values[at], "<f8").view("<i8") * written
    return [_Word(written * _number(key), written * len(key), len(key)), _Word(bits, written << 3, WORD)]


def _wholes(column: Whole, key: bytes, table: list[_Word], at: slice) -> list[_Word]:
    """Read off a table of all values where there is one."""
    values = column.values[at] if column.where is None else column.values[at] * column.where[at]
    values = values.astype(np.int64, copy=False)
    if table:
        return [_Word(word.bits.take(values), word.used.take(values), word.most) for word in table]
    return _varint(key, values, zero=False)


def _varint(key: bytes, values: Counts, *, zero: bool) -> list[_Word]:
    """Base-128 varints behind their key, in as few words as hold them; a 0 is written only if `zero`."""
    written = np.ones(len(values), np.int64) if zero else (values != 0).astype(np.int64)
    width = max(1, -(-int(values.max(initial=0)).bit_length() // 7))
    if len(key) + width > WORD:
        return [_Word(written * _number(key), written * len(key), len(key)), *_long_varint(values, written)]
    bits, used = _sevens(values, width, written * (len(key) + 1))
    return [_Word(bits << 8 * len(key) | written * _number(key), used, len(key) + width)]


def _long_varint(values: Counts, written: Counts) -> list[_Word]:
    """Seven bytes, and what is left."""
    rest = values >> 49
    goes_on = (rest != 0).astype(np.int64)
    bits, used = _sevens(values, 7, written)
    more, more_used = _sevens(rest, 2, goes_on)
    return [_Word(bits | goes_on << 55, used, 7), _Word(more, more_used, 2)]


def _sevens(values: Counts, width: int, used: Counts) -> tuple[Counts, Counts]:
    """The lowest `width` groups of seven bits, one a byte, each but the last marked as continued; `used` grows."""
    bits = values & 0x7F
    for k in range(1, width):
        more = values >> 7 * k
        goes_on = (more != 0).astype(np.int64)
        bits |= (more & 0x7F) << 8 * k | goes_on << 8 * k - 1
        used = used + goes_on
    return bits, used


def _number(key: bytes) -> int:
    return int.from_bytes(key, "little")
