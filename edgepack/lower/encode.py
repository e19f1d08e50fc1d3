"""Category encoders: their fitted meaning is read off the encoder itself, one domain value at a time.

A column's domain is finite: its fitted categories, any other value, and missing. The fitted encoder is asked what it
makes of each, so infrequent categories, dropped ones and every `handle_unknown` need no second implementation here.
"""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pandas as pd
from sklearn import preprocessing

from edgepack.ir.ops import Lookup, OneHot
from edgepack.lower.builder import Builder, Column, Misfit, Table

UNSEEN = "\N{REPLACEMENT CHARACTER}unseen"


def one_hot_encoder(est: Any, table: Table, b: Builder) -> Table:
    """A `Lookup` of the hot column (−1 for none) and a `OneHot`, per column."""
    plain = _plain_encoder(est)
    plain.sparse_output = True
    ends = np.cumsum([0, *est._n_features_outs])
    columns: list[Column] = []
    for j, width in enumerate(est._n_features_outs):
        keys, answers = _ask(plain, table, j, b)
        if width == 0:  # its only category is dropped
            continue
        index = np.array([_hot(answer, ends[j], ends[j + 1]) for answer in answers])
        looked_up = b.emit(Lookup(keys=keys, table=index[:, None]), b.gather(table.take([j])))
        columns += b.table(b.emit(OneHot(size=int(width)), looked_up), dtype=np.dtype(est.dtype).name).columns
    return Table(tuple(columns), sparse=est.sparse_output)


def ordinal_encoder(est: Any, table: Table, b: Builder) -> Table:
    """A `Lookup` of the code, per column."""
    plain = _plain_encoder(est)
    columns: list[Column] = []
    for j in range(len(table)):
        keys, answers = _ask(plain, table, j, b)
        codes = np.array([np.nan if a is None else float(a[0, j]) for a in answers])
        looked_up = b.emit(Lookup(keys=keys, table=codes[:, None]), b.gather(table.take([j])))
        columns += b.table(looked_up, dtype=np.dtype(est.dtype).name).columns
    return Table(tuple(columns))


def target_encoder(est: Any, table: Table, b: Builder) -> Table:
    """A `Lookup` of the category's mean target, or of one per class, per column."""
    plain = _plain_encoder(est)
    width = len(est.classes_) if est.target_type_ == "multiclass" else 1
    columns: list[Column] = []
    for j in range(len(table)):
        keys, answers = _ask(plain, table, j, b)
        means = np.array([np.full(width, np.nan) if a is None else a[0, j * width : (j + 1) * width] for a in answers])
        columns += b.table(b.emit(Lookup(keys=keys, table=means), b.gather(table.take([j])))).columns
    return Table(tuple(columns))


TRANSFORMERS = {
    preprocessing.OneHotEncoder: one_hot_encoder,
    preprocessing.OrdinalEncoder: ordinal_encoder,
    preprocessing.TargetEncoder: target_encoder,
}


def _plain_encoder(est: Any) -> Any:
    """A copy that gives arrays. Deep, because `set_output` writes into a dict that a shallow copy would share."""
    return copy.deepcopy(est).set_output(transform="default")


def _hot(answer: Any, start: int, end: int) -> float:
    """Which column of the block is hot; −1 where none is, or where the encoder refuses the value."""
    if answer is None:
        return -1.0
    hot = answer.indices[(answer.indices >= start) & (answer.indices < end)]
    return float(hot[0] - start) if len(hot) else -1.0


def _ask(est: Any, table: Table, j: int, b: Builder) -> tuple[Any, list[Any]]:
    """Column j's keys, and the encoder's output row for each key, an unknown and a missing value (None: refused)."""
    column, categories = table.columns[j], list(est.categories_[j])
    keys = [c.item() if isinstance(c, np.generic) else c for c in categories if not _is_null(c)]
    if any(c is None for c in categories) and column.source is not None:
        b.none_columns.add(b.inputs[column.source].name)
    if column.kind == "string":
        if wrong := [k for k in keys if not isinstance(k, str)]:
            raise Misfit(f"category {wrong[0]!r} in a column of strings; encode strings and numbers apart")
        null: Any = None if any(c is None for c in categories) else np.nan
        asked: list[Any] = [*keys, UNSEEN, null]
    else:
        try:
            keys = [float(k) for k in keys]
        except (TypeError, ValueError):
            raise Misfit(f"category {keys[0]!r} in a column of numbers; pass the column as strings") from None
        asked = [*keys, _unseen_number(keys), np.nan]
    if column.source is not None:
        b.categories[column.source] = tuple(keys)
    dtype = object if column.kind == "string" else np.float64
    try:
        return np.array(keys, dtype), _transform_each(est, j, asked, dtype)
    except TypeError:  # scikit-learn cannot look floats up among objects
        raise Misfit(f"category {keys[0]!r} was fitted as an object; fit on floats or strings") from None


def _transform_each(est: Any, j: int, asked: list[Any], dtype: Any) -> list[Any]:
    """The encoder's output for rows in which column j takes each value and the others their first category."""
    rows: dict[Any, Any] = {}
    names = getattr(est, "feature_names_in_", range(len(est.categories_)))
    for i, (name, categories) in enumerate(zip(names, est.categories_, strict=True)):
        if i == j:
            rows[name] = pd.Series(asked, dtype=dtype)
        else:
            first = next((c for c in categories if not _is_null(c)), categories[0])
            rows[name] = pd.Series([first] * len(asked), dtype=object if categories.dtype.kind in "OUS" else np.float64)
    frame = pd.DataFrame(rows)
    known = frame.iloc[:-2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        output = est.transform(known if hasattr(est, "feature_names_in_") else _plain(known)) if len(known) else None
        answers: list[Any] = [output[[i]] for i in range(len(known))] if output is not None else []
        for i in (len(asked) - 2, len(asked) - 1):
            row = frame.iloc[[i]]
            try:
                answers.append(est.transform(row if hasattr(est, "feature_names_in_") else _plain(row)))
            except ValueError:
                answers.append(None)
    return answers


def _plain(frame: pd.DataFrame) -> Any:
    """A frame without fitted names, as the encoder saw its columns."""
    dtypes = {d.kind for d in frame.dtypes}
    return frame.to_numpy(np.float64 if dtypes == {"f"} else object)


def _is_null(x: Any) -> bool:
    return x is None or x is pd.NA or (isinstance(x, float | np.floating) and bool(np.isnan(x)))


def _unseen_number(keys: list[float]) -> float:
    """A number that is no key and no less representable than they are."""
    candidate = 0.5
    while candidate in keys:
        candidate += 1.0
    return candidate
