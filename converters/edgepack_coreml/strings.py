"""Steps on columns of strings: imputer, categoricalMapping, oneHotEncoder."""

from __future__ import annotations

import numpy as np

from edgepack.ir.ops import Impute, Indicate, Lookup
from edgepack.ir.types import Array, Floats, Integers
from edgepack_coreml import ensemble
from edgepack_coreml.builder import Builder
from edgepack_coreml.feature import Feature
from edgepack_coreml.proto import messages
from edgepack_coreml.refused import Refused
from edgepack_coreml.source import Looked, Numbers, Text, Texts, columns_of

YES = np.ones(1, np.bool_)
LARGEST_WHOLE = 2.0**53


def impute(b: Builder, op: Impute, texts: Texts) -> Texts:
    """Every missing string replaced; what stood for missing then means nothing any more."""
    return tuple(_imputed(b, text, str(fill), op.sentinel) for text, fill in zip(texts, op.fill, strict=True))


def indicate(b: Builder, op: Indicate, texts: Texts) -> Numbers:
    """1 where a string is missing: a mapping of that one text."""
    columns: list[Feature] = []
    for text in texts:
        shown = text.missing if op.sentinel is None else _apart(text, str(op.sentinel))
        columns.append(_mapped(b, text, "missing", {} if shown is None else {shown: 1}, 0, YES))
    return tuple(column for feature in columns for column in columns_of(feature))


def lookup(op: Lookup, texts: Texts) -> Numbers:
    """The lookup itself, to be written when it is known what takes it."""
    for key in op.keys:
        _apart(texts[0], str(key))
    return columns_of(Looked(of=texts[0], op=op))


def write(b: Builder, looked: Looked, text: Text) -> Feature:
    """The stages of a lookup whose table has one column, or that is a one-hot encoding.

    Whole numbers are one mapping; hot columns an encoder, behind a mapping where several strings share a column; any
    other table is a mapping to the number of its value, and a tree with a leaf per value.
    """
    if looked.one_hot is not None:
        return _encoded(b, looked, text, looked.one_hot)
    values = looked.op.table[:, 0]
    if is_whole(values):
        return _mapped_rows(b, looked, text, "code", values.astype(np.int64), looked.float32)
    steps, index = np.unique(values, return_inverse=True)
    code = _mapped_rows(b, looked, text, "row", index, YES)
    growing = ensemble.Growing()
    growing.stairs(0, np.arange(0.5, len(steps) - 1), steps)
    out = b.feature(f"{text.feature.name}_value", "double", YES, looked.float32)
    b.add("treeEnsembleRegressor", [code], [out], ensemble.regressor_body(growing.grown()), predicted=out.name)
    return out


def is_whole(values: Floats) -> bool:
    """Whether all numbers are integers that an int64 and a double both hold."""
    return bool(np.all(np.abs(values) < LARGEST_WHOLE) and np.all(values == np.rint(values)))


def _imputed(b: Builder, text: Text, fill: str, sentinel: float | str | None) -> Text:
    if sentinel is None and text.missing is None:
        return text
    replaced = text.missing if sentinel is None else _apart(text, str(sentinel))
    left = None if sentinel is None else text.missing
    if left is not None and fill == left:
        raise Refused(f"fills with {fill!r}, which stands for missing", "choose another missing_token")
    out = b.feature(f"{text.feature.name}_imputed", "string", YES, YES)
    message = messages().Model()
    message.imputer.imputedStringValue = fill
    message.imputer.replaceStringValue = replaced
    b.add("imputer", [text.feature], [out], message)
    return Text(feature=out, missing=left)


def _apart(text: Text, value: str) -> str:
    if value == text.missing:
        raise Refused(f"category {value!r} is the text that stands for missing", "choose another missing_token")
    return value


def _encoded(b: Builder, looked: Looked, text: Text, size: int) -> Feature:
    index = looked.op.table[:, 0]
    hot = np.where((index >= 0) & (index < size) & (index == np.rint(index)), index, -1.0).astype(np.int64)
    keys, missing = hot[:-2], hot[-1]
    if text.missing is not None:
        keys = np.append(keys, missing)
    names = [*looked.op.keys, *([] if text.missing is None else [text.missing])]
    shown = keys >= 0
    out = b.feature(f"{text.feature.name}_onehot", "array", looked.exact, looked.float32)
    message = messages().Model()
    message.oneHotEncoder.handleUnknown = message.oneHotEncoder.IgnoreUnknown
    if hot[-2] < 0 and np.array_equal(np.sort(keys[shown]), np.arange(size)):
        source = text.feature
        by_column = dict(zip(keys[shown].tolist(), np.array(names, object)[shown], strict=True))
        message.oneHotEncoder.stringCategories.vector.extend(by_column[k] for k in range(size))
    else:
        source = _mapped_rows(b, looked, text, "code", hot, YES)
        message.oneHotEncoder.int64Categories.vector.extend(range(size))
    b.add("oneHotEncoder", [source], [out], message)
    return out


def _mapped_rows(b: Builder, looked: Looked, text: Text, wish: str, numbers: Integers, float32: Array) -> Feature:
    """A whole number for each row of a lookup's table."""
    known = dict(zip((str(key) for key in looked.op.keys), numbers[:-2].tolist(), strict=True))
    if text.missing is not None:
        known[text.missing] = int(numbers[-1])
    return _mapped(b, text, wish, known, int(numbers[-2]), float32)


def _mapped(b: Builder, text: Text, wish: str, known: dict[str, int], unknown: int, float32: Array) -> Feature:
    out = b.feature(f"{text.feature.name.removesuffix('_imputed')}_{wish}", "int64", YES, float32)
    message = messages().Model()
    message.categoricalMapping.stringToInt64Map.SetInParent()
    message.categoricalMapping.stringToInt64Map.map.update(known)
    message.categoricalMapping.int64Value = unknown
    b.add("categoricalMapping", [text.feature], [out], message)
    return out
