"""Rows in whatever form a caller has them, brought to the one form that runners take; and what the server would refuse.

Source: `contract.Columns` is that form.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from edgepack.contract import Input, InputDtype, Interface
from edgepack.errors import UsageError
from edgepack.records import are_records, table_of

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, Any]

TEXT = "text"
"""What the only input of a model is called that takes a list of texts rather than a table."""

_FORMS = "give a DataFrame, a dict of columns or a 2-D array"


class _Wrong(Exception):
    """What is wrong with one column."""


def columns_of(rows: Any, interface: Interface) -> dict[str, Array]:
    """Every input by name, `(rows, width)`: numbers float64, strings object of `str | None`.

    Numbers are rounded to `interface.input_dtype`, because that is what the device passes; one that it cannot hold
    stays as it is, for `domain_errors` to name.

    Args:
        rows: a DataFrame, a list of dicts or a dict of columns (by name; further columns are ignored), or a 2-D array
            (by position). A model with one wide input takes all columns of an array, or of a DataFrame of that width,
            in their order.

    Raises:
        UsageError: missing columns, all at once; or values of another kind, each column with its first one.
    """
    found = _found(rows, interface)
    columns: dict[str, Array] = {}
    problems: list[str] = []
    for declared in interface.inputs:
        try:
            columns[declared.name] = _column(found[declared.name], declared, interface.input_dtype)
        except _Wrong as wrong:
            problems.append(f"{declared.name}: {wrong}")
    if problems:
        raise UsageError("; ".join(problems))
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise UsageError(f"columns of different lengths ({told}); give every column the same number of rows")
    return columns


_ADD_TRUTH = "add a column with the true answers"


def with_truth(rows: Any, name: str | None, interface: Interface) -> tuple[pd.DataFrame, Any]:
    """The rows of a DataFrame without their true answers, and those.

    Args:
        name: the column that holds them; None for the only column that is no input.

    Raises:
        UsageError: no DataFrame, no such column, or it does not show which one is meant.
    """
    import pandas as pd

    if not isinstance(rows, pd.DataFrame):
        raise UsageError("a metric is computed on rows with their true answers; give them with --data FILE")
    inputs = {i.name for i in interface.inputs}
    others = [str(column) for column in rows.columns if column not in inputs]
    wide = _only_wide(interface)
    if name is None and (len(others) != 1 or (wide is not None and wide.name not in rows.columns)):
        told, remedy = ", ".join(others), "say which holds the true answers with --label-column"
        raise UsageError(f"columns beside the inputs: {told or 'none'}; {remedy if others else _ADD_TRUTH}")
    found = others[0] if name is None else name
    if found not in rows.columns:
        remedy = f"--label-column takes one of {', '.join(others)}" if others else _ADD_TRUTH
        raise UsageError(f"{found}: no such column in the data; {remedy}")
    if rows[found].isna().any():
        raise UsageError(f"{found}: a true answer is missing in row {int(rows[found].isna().argmax())}; leave it out")
    return rows.drop(columns=found), rows[found].to_numpy()


def domain_errors(columns: Mapping[str, Array], interface: Interface) -> list[str]:
    """One line for each reason why the server would refuse a row: the input, its first such value, the row."""
    return [
        f"{declared.name}: {reason}"
        for declared in interface.inputs
        for reason in _reasons(columns[declared.name], declared, interface.input_dtype)
    ]


def _found(rows: Any, interface: Interface) -> Mapping[str, Any]:
    """Whatever stands for each input."""
    import pandas as pd

    match rows:
        case pd.DataFrame():
            return _in_frame(rows, interface)
        case Mapping():
            return _chosen(rows, {name: name for name in rows}, interface)
        case list() if are_records(rows):
            return _in_frame(table_of(rows), interface)
        case np.ndarray() | list() | tuple():
            return _by_position(rows, interface)
        case pd.Series() if interface.texts:
            return _by_position(rows.to_numpy(object), interface)
    raise UsageError(f"rows of type {type(rows).__name__}; {_FORMS}")


def _in_frame(frame: pd.DataFrame, interface: Interface) -> Mapping[str, Any]:
    if (wide := _only_wide(interface)) and wide.name not in frame.columns and frame.shape[1] == wide.width:
        return {wide.name: frame}
    names = [str(name) for name in frame.columns]
    if twice := sorted({i.name for i in interface.inputs if names.count(i.name) > 1}):
        raise UsageError(f"columns {', '.join(twice)} are there more than once; keep one of each")
    return _chosen(frame, {str(name): name for name in frame.columns}, interface)


def _chosen(rows: Any, names: Mapping[Any, Any], interface: Interface) -> Mapping[str, Any]:
    if missing := [i.name for i in interface.inputs if i.name not in names]:
        raise UsageError(f"columns {', '.join(missing)} are missing; give them, with None where a value is not known")
    return {i.name: rows[names[i.name]] for i in interface.inputs}


def _by_position(rows: Any, interface: Interface) -> Mapping[str, Any]:
    grid = rows if isinstance(rows, np.ndarray) else _objects(rows)
    wanted = sum(i.width for i in interface.inputs)
    if interface.texts and wanted == 1 and grid.ndim == 1:
        grid = np.array(rows, object).reshape(-1, 1)
    if grid.ndim != 2 or grid.shape[1] != wanted:
        raise UsageError(f"rows of shape {grid.shape}; give (rows, {wanted}), or a DataFrame with the columns' names")
    ends = np.cumsum([i.width for i in interface.inputs])
    return {i.name: grid[:, end - i.width : end] for i, end in zip(interface.inputs, ends, strict=True)}


def _only_wide(interface: Interface) -> Input | None:
    return interface.inputs[0] if len(interface.inputs) == 1 and interface.inputs[0].width > 1 else None


def _column(found: Any, declared: Input, dtype: InputDtype) -> Array:
    parts = list(_parts(found, declared.width))
    if declared.kind == "string":
        column = np.empty((len(parts[0]), declared.width), object)
        for j, part in enumerate(parts):
            column[:, j] = _texts(part)
        return column
    return _narrowed(np.stack([_numbers(part) for part in parts], axis=1), dtype)


def _parts(found: Any, width: int) -> Iterator[pd.Series[Any]]:
    """The input's columns one by one, as pandas takes them."""
    import pandas as pd

    if isinstance(found, pd.DataFrame) and found.shape[1] == width:
        yield from (found.iloc[:, j] for j in range(width))
        return
    if isinstance(found, str | bytes | Mapping) or not hasattr(found, "__len__") or not hasattr(found, "__getitem__"):
        raise _Wrong(f"{found!r:.40} is no column; give a list or an array, a value per row")
    if getattr(found, "ndim", 1) == 1 and width == 1:
        yield pd.Series(found, dtype=object) if isinstance(found, list | tuple) else pd.Series(found)
        return
    grid = found if getattr(found, "ndim", 1) == 2 else _objects(found)
    if grid.ndim != 2 or grid.shape[1] != width:
        raise _Wrong(f"shape {grid.shape}, not (rows, {width}); give {width} values per row")
    grid = np.asarray(grid)
    for j in range(width):
        yield pd.Series(grid[:, j])


def _objects(rows: Iterable[Any]) -> Array:
    """The rows as an array of objects: nothing is converted, so that a wrong value can be named as it was given."""
    rows = list(rows)
    widths = {len(row) if isinstance(row, list | tuple | np.ndarray) else -1 for row in rows}
    if len(widths) != 1 or -1 in widths:
        return np.empty(len(rows), object)
    grid = np.empty((len(rows), widths.pop()), object)
    for i, row in enumerate(rows):
        grid[i, :] = row
    return grid


def _numbers(values: pd.Series[Any]) -> Array:
    """float64 `(rows,)`, NaN where missing."""
    from pandas.api import types

    dtype: Any = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "fiub":
        return values.to_numpy(np.float64)
    if types.is_extension_array_dtype(dtype) and getattr(dtype, "kind", "O") in "fiub":
        return values.to_numpy(np.float64, na_value=np.nan)
    return np.array([_number(value, row) for row, value in enumerate(values.astype(object))], np.float64)


def _number(value: Any, row: int) -> float:
    if _is_missing(value):
        return np.nan
    if isinstance(value, numbers.Real | Decimal | np.bool_):
        try:
            return float(value)
        except OverflowError:
            raise _Wrong(f"{str(value)[:20]}… (row {row}) does not fit a double; give a smaller number") from None
    raise _Wrong(f"{value!r:.40} (row {row}) is not a number; give numbers, and None where missing")


def _texts(values: pd.Series[Any]) -> list[str | None]:
    return [_text(value, row) for row, value in enumerate(values.astype(object))]


def _text(value: Any, row: int) -> str | None:
    if _is_missing(value):
        return None
    if isinstance(value, str):
        return str(value)
    raise _Wrong(f"{value!r:.40} (row {row}) is not text; give strings, and None where missing")


def _is_missing(value: Any) -> bool:
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT:
        return True
    return isinstance(value, float | np.floating | Decimal) and value != value


def _narrowed(values: Array, dtype: InputDtype) -> Array:
    if dtype == "float64":
        return values
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32).astype(np.float64)
    return np.where(np.isinf(narrow), values, narrow)


def _reasons(column: Array, declared: Input, dtype: InputDtype) -> Iterator[str]:
    missing = np.isnan(column) if declared.kind == "number" else _flags(column, lambda value: value is None)
    if not declared.accepts_missing and (row := _first(missing)) is not None:
        yield f"missing (row {row}); the model needs a value here"
    if declared.kind == "number":
        infinite = np.isinf(column)
        if (row := _first(infinite)) is not None:
            yield f"{_value(column, infinite)} (row {row}) is not finite; give a number or leave it out"
        large = np.isfinite(column) & (np.abs(column) > np.finfo(np.float32).max)
        if dtype == "float32" and (row := _first(large)) is not None:
            yield f"{_value(column, large)} (row {row}) is beyond float32; give a smaller number"
    elif declared.accepts_missing:
        token = _flags(column, lambda value: value == declared.missing_token)
        if (row := _first(token)) is not None:
            yield f"{declared.missing_token!r} (row {row}) is the word for missing in an artifact; give None instead"
    if declared.categories is not None and not declared.accepts_unknown:
        known = set(declared.categories)
        unknown = ~missing & _flags(column, lambda value: value not in known)
        if (row := _first(unknown)) is not None:
            yield f"{_value(column, unknown)!r} (row {row}) is not one of the {len(known)} fitted categories; give one"


def _flags(column: Array, test: Callable[[Any], bool]) -> Array:
    return np.vectorize(test, otypes=[bool])(column)


def _first(flags: Array) -> int | None:
    rows = flags.any(axis=1)
    return int(rows.argmax()) if rows.any() else None


def _value(column: Array, flags: Array) -> Any:
    value = column[flags][0]
    return value.item() if isinstance(value, np.generic) else value
