"""Missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn import impute

from edgepack.ir.ops import Impute, Indicate
from edgepack.lower.builder import Builder, Column, Misfit, Refused, Table


def simple_imputer(est: Any, table: Table, b: Builder) -> Table:
    """Every strategy is a fitted fill value per column; indicator columns come behind."""
    empty = np.array([f is not None and f != f for f in est.statistics_]) & (not est.keep_empty_features)
    kept = np.flatnonzero(~empty)
    # scikit-learn fills with values of the type that it was fitted on: a float32 mean is rounded once more
    fill = np.asarray(est.statistics_)[kept].astype(est._fill_dtype).astype(object)
    _note_null(est.missing_values, table, b)
    dtype = _held_as(est, table)
    columns = _by_kind(table.take(kept), b, lambda kind, part, at: _impute(est, kind, part, fill[at], b))
    imputed = Table(columns, table.sparse).held_as(dtype)
    if not est.add_indicator:
        return imputed
    shown = missing_indicator(est.indicator_, table, b)
    both = Table(imputed.columns + shown.columns, table.sparse)
    return both.held_as(both.dtype) if len(shown) else imputed


def _held_as(est: Any, table: Table) -> str:
    """The type of the imputer's output: what arrives, objects if fitted on objects, floats for a mean or median."""
    if est._fit_dtype.kind == "O":
        return "object"
    dtype = table.dtype
    return dtype if est.strategy in ("constant", "most_frequent") or dtype.startswith("float") else "float64"


def missing_indicator(est: Any, table: Table, b: Builder) -> Table:
    """1.0 where a value is missing, for the columns that the indicator was fitted to show."""
    _note_null(est.missing_values, table, b)
    shown = table.take(est.features_)
    if not len(shown):
        return shown
    if wrong := [b.inputs[c.source].name for c in shown.columns if c.source is not None and _is_none(est, c, b)]:
        raise Refused(f"missing_values=nan, but None is what {wrong[0]!r} holds; use missing_values=None")
    columns = _by_kind(shown, b, lambda kind, part, at: _indicate(est, kind, part, b))
    return Table(columns, table.sparse if est.sparse == "auto" else bool(est.sparse))


TRANSFORMERS = {
    impute.MissingIndicator: missing_indicator,
    impute.SimpleImputer: simple_imputer,
}


def _indicate(est: Any, kind: str, part: Table, b: Builder) -> Table:
    return b.table(b.emit(Indicate(sentinel=_sentinel(est, kind)), b.gather(part)), dtype="bool")


def _impute(est: Any, kind: str, part: Table, fill: Any, b: Builder) -> Table:
    if kind == "string":
        none = [_is_none(est, c, b) for c in part.columns]
        if all(none):
            return part  # NaN alone is filled, and a missing value is None here
        if any(none):
            return _side_by_side([_impute(est, kind, part.take([j]), fill[[j]], b) for j in range(len(part))])
        if wrong := [f for f in fill if not isinstance(f, str)]:
            raise Misfit(f"fill value {wrong[0]!r} in a column of strings; fill with a string")
        op = Impute(fill=fill, sentinel=_sentinel(est, kind))
    else:
        try:
            op = Impute(fill=fill.astype(np.float64), sentinel=_sentinel(est, kind))
        except (TypeError, ValueError):
            wrong = [f for f in fill if isinstance(f, str)]
            raise Misfit(f"fill value {wrong[0]!r} in a column of numbers; fill with a number") from None
    return b.table(b.emit(op, b.gather(part)), part.columns)


def _sentinel(est: Any, kind: str) -> float | str | None:
    missing = est.missing_values
    is_null = missing is None or _is_nan(missing)
    if kind == "string":
        if not is_null and not isinstance(missing, str):
            raise Misfit(f"missing_values={missing!r} in a column of strings; use np.nan, None or a string")
        return None if is_null else missing
    if isinstance(missing, str):
        raise Misfit(f"missing_values={missing!r} in a column of numbers; use np.nan or a number")
    return float("nan") if is_null else float(missing)


def _note_null(missing: Any, table: Table, b: Builder) -> None:
    """An imputer for `None` means that the server's missing strings are `None`, not NaN."""
    names = {b.inputs[c.source].name for c in table.columns if c.source is not None and c.kind == "string"}
    if missing is None:
        b.none_columns.update(names)
    elif _is_nan(missing):
        b.nan_imputed.update(names)


def _is_none(est: Any, column: Column, b: Builder) -> bool:
    """Whether a missing value is None in this column, and the step looks for NaN only (pandas' NA means both)."""
    is_none = column.kind == "string" and column.source is not None and b.inputs[column.source].name in b.none_columns
    return is_none and isinstance(est.missing_values, float) and _is_nan(est.missing_values)


def _is_nan(missing: Any) -> bool:
    return missing is pd.NA or (isinstance(missing, float) and missing != missing)


def _side_by_side(parts: list[Table]) -> Table:
    return Table(tuple(c for part in parts for c in part.columns))


def _by_kind(table: Table, b: Builder, lower: Any) -> tuple[Column, ...]:
    """Lowers the number columns and the string columns apart, and puts the results back in order."""
    placed: dict[int, Column] = {}
    for kind in ("number", "string"):
        at = [i for i, c in enumerate(table.columns) if c.kind == kind]
        if at:
            placed.update(zip(at, lower(kind, table.take(at), np.array(at)).columns, strict=True))
    return tuple(placed[i] for i in range(len(table)))
