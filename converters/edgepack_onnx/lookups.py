"""Category codes: as few nodes as the tables allow.

All `Lookup`s that read one tensor are written together: one LabelEncoder turns its strings (or numbers) into numbers
of a common vocabulary, and one GatherElements finds each column's answer in a table of words by columns. Where all
columns agree on every string, missing and unknown included, the LabelEncoder gives the answer itself. Answers that are
added up come as a stack instead, by Add and Gather, one for each width; those that a forest compares may be of any
widths, and float32 where the numbers are, to be cast with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgepack.contract import Interface
from edgepack.ir import Node
from edgepack.ir.ops import Lookup
from edgepack.ir.types import Array, Floats, Integers
from edgepack_onnx.emitter import Emitter
from edgepack_onnx.graph import Graph
from edgepack_onnx.proto import DOUBLE, Attribute
from edgepack_onnx.table import Part, Table, Tensor, are_float32
from edgepack_onnx.wire import Message

SPARE_ROWS = 4096  # a common table may have this many rows, or four times those that the columns have by themselves


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One `Lookup` and the column that it reads."""

    value: str
    column: int
    op: Lookup


def emit_lookups(nodes: Iterable[Node], e: Emitter) -> None:
    """Writes these `Lookup`s, whose inputs are written; those that read one tensor share nodes."""
    groups: dict[tuple[str, int | None], tuple[Tensor, list[Slot]]] = {}
    for node in nodes:
        op = node.op
        if not isinstance(op, Lookup):
            raise TypeError(f"{type(op).__name__} is no Lookup")
        (part,) = e.table(node.inputs[0]).parts
        slot = Slot(value=node.name, column=int(part.columns[0]), op=op)
        key = (part.tensor.name, None if node.name in e.codes else op.table.shape[1])
        groups.setdefault(key, (part.tensor, []))[1].append(slot)
    for tensor, slots in groups.values():
        slots.sort(key=lambda slot: slot.column)
        vocabulary = _vocabulary(tensor, slots)
        rows, own_rows = len(slots) * (len(vocabulary) + 1), sum(len(slot.op.table) for slot in slots)
        if rows <= max(SPARE_ROWS, 4 * own_rows):
            _emit_group(tensor, slots, vocabulary, e)
            continue
        for slot in slots:
            _emit_group(tensor, [slot], _vocabulary(tensor, [slot]), e)


def _vocabulary(tensor: Tensor, slots: Sequence[Slot]) -> Array:
    """The distinct keys of all slots and what stands for missing."""
    if tensor.element == "string":
        words = {key: None for slot in slots for key in slot.op.keys}
        words |= {token: None for slot in slots if (token := tensor.tokens[slot.column]) is not None}
        return np.array([*words] or [""], object)
    return np.append(np.unique(np.concatenate([slot.op.keys for slot in slots])), np.nan)


def _rows(tensor: Tensor, slot: Slot, vocabulary: Array) -> Integers:
    """The slot's table row for each word of the vocabulary, then for any other."""
    if tensor.element != "string":
        return np.append(slot.op.rows_of(vocabulary), len(slot.op.keys))
    row = {tensor.tokens[slot.column]: len(slot.op.keys) + 1}
    row |= {key: k for k, key in enumerate(slot.op.keys)}
    return np.array([*(row.get(word, len(slot.op.keys)) for word in vocabulary), len(slot.op.keys)])


def _emit_group(tensor: Tensor, slots: Sequence[Slot], vocabulary: Array, e: Emitter) -> None:
    tables = [slot.op.table[_rows(tensor, slot, vocabulary)] for slot in slots]
    columns = np.array([slot.column for slot in slots])
    widths = [table.shape[1] for table in tables]
    if slots[0].value not in e.codes and widths[0] > 1:
        result = _stacked(_read(tensor, columns, e), vocabulary, np.stack(tables), e)
    elif set(widths) == {1} and e.features.float64_codes and _agree(tables):
        name = _encoded(_read(tensor, columns, e).name, vocabulary, tables[0][:, 0], e.graph)
        result = Tensor(name=name, width=len(slots), float32=are_float32(tables[0]))
    else:
        distinct, slot_of = np.unique(columns, return_inverse=True)
        places = _places(_read(tensor, distinct, e), vocabulary, e)
        single = slots[0].value in e.codes and _has_float32_numbers(e.program.interface)
        result = _side_by_side(places, np.repeat(slot_of, widths), np.concatenate(tables, axis=1), single=single, e=e)
    if result.element == "double" and set(widths) == {1}:
        e.stacks[result.name] = (result.name, len(slots))
    for slot, width, end in zip(slots, widths, np.cumsum(widths), strict=True):
        e.values[slot.value] = Table((Part(result, np.arange(end - width, end)),))


def _read(tensor: Tensor, columns: Integers, e: Emitter) -> Tensor:
    return e.tensor(Table((Part(tensor, columns),)))


def _stacked(x: Tensor, vocabulary: Array, tables: Floats, e: Emitter) -> Tensor:
    """Answers `(rows, slots × width)` that the emitter also knows as `(rows, slots, width)`."""
    count, size, width = tables.shape
    start = e.graph.constant(np.arange(count) * size)
    row = e.graph.node("Add", _places(x, vocabulary, e), start) if count > 1 else _places(x, vocabulary, e)
    stack = e.graph.node("Gather", e.graph.constant(tables.reshape(-1, width)), row, axis=0)
    name = e.graph.node("Reshape", stack, e.graph.constant(np.array([-1, count * width])))
    e.stacks[name] = (stack, count)
    return Tensor(name=name, width=count * width, float32=are_float32(tables))


def _side_by_side(places: str, place_of: Integers, by_word: Floats, *, single: bool, e: Emitter) -> Tensor:
    """One column of answers for each column of the table: its row at one of the places.

    Args:
        places: `(rows, n) int64` rows of the table.
        place_of: `(columns,)` which of the n each column goes by.
        by_word: `(words, columns)` the table.
        single: whether to answer in float32 if that changes no number.
        e: takes the nodes.
    """
    exact = are_float32(by_word)
    if not np.array_equal(place_of, np.arange(place_of[-1] + 1)):
        places = e.graph.node("Gather", places, e.graph.constant(place_of), axis=1)
    table = e.graph.constant(by_word.astype(np.float32) if single and exact else np.ascontiguousarray(by_word))
    name = e.graph.node("GatherElements", table, places, axis=0)
    element: Literal["float", "double"] = "float" if single and exact else "double"
    return Tensor(name=name, width=len(place_of), element=element, float32=exact)


def _agree(tables: Sequence[Floats]) -> bool:
    """Whether all columns have the same answers."""
    return all(np.array_equal(table, tables[0], equal_nan=True) for table in tables[1:])


def _has_float32_numbers(interface: Interface) -> bool:
    return interface.input_dtype == "float32" and any(i.kind == "number" for i in interface.inputs)


def _places(x: Tensor, vocabulary: Array, e: Emitter) -> str:
    """`(rows, slots) int64`: each value's place in the vocabulary, its length for any other value."""
    numbers = np.arange(len(vocabulary) + 1)
    if x.element == "string" or e.features.float64_codes:
        return _encoded(x.name, vocabulary, numbers, e.graph)
    # without a LabelEncoder for float64: compare with every key; the last word of the vocabulary is NaN
    g, keys = e.graph, vocabulary[:-1]
    column = g.node("Unsqueeze", x.name, g.constant(np.array([2])))
    equal = g.node("Cast", g.node("Equal", column, g.constant(keys)), to=DOUBLE)
    nan = g.node("Cast", g.node("IsNaN", column), to=DOUBLE)
    half = g.node("Add", g.node("Mul", nan, g.double(0.0)), g.double(0.5))  # wins where neither key nor NaN matches
    return g.node("ArgMax", g.node("Concat", equal, nan, half, axis=2), axis=2, keepdims=0)


def _encoded(x: str, vocabulary: Array, values: Integers | Floats, graph: Graph) -> str:
    """A LabelEncoder from the vocabulary to values; the last of the values is for anything else."""
    strings = vocabulary.dtype == object
    attributes: dict[str, Attribute | Message] = {}
    if strings:
        attributes["keys_strings"] = tuple(vocabulary)
    else:
        attributes["keys_tensor"] = vocabulary
    if values.dtype == np.int64:
        attributes |= {"values_int64s": values[:-1], "default_int64": int(values[-1])}
    else:
        attributes |= {"values_tensor": values[:-1], "default_tensor": values[-1:]}
    version = 2 if strings and values.dtype == np.int64 else 4
    return graph.ml("LabelEncoder", version, x, attributes)[0]
