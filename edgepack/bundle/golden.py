"""Golden rows: inputs and the server's answers, in a form that a phone reads and checks itself against.

`{"schema_version": 1, "rows": [{"inputs": {"age": 41.0, "city": null}, "answers": {"label": "yes", …}}, …]}`

An input is a number or text; `null` where missing; a list where the input is wider than one. Numbers have every digit
that a double needs. What JSON has no literal for is `{"float": "inf"}`, `{"float": "-inf"}`, `{"float": "nan"}`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from edgepack.bundle.files import MANIFEST, read_small
from edgepack.bundle.strict_json import parse, plain, with_floats
from edgepack.contract import Answers, Columns, Input, Interface
from edgepack.errors import SignatureError, UsageError

_SCHEMA_VERSION = 1

Array = np.ndarray[Any, Any]


def write_golden(path: Path, columns: Columns, answers: Answers, interface: Interface) -> Path:
    """The path of the golden rows written, one row per line.

    Raises:
        UsageError: the columns or answers are not those of the interface.
    """
    names = [i.name for i in interface.inputs]
    if problems := [*_differences(columns, names), *_differences(answers, interface.outputs)]:
        raise UsageError(f"{'; '.join(problems)}; give the interface's inputs and outputs")
    rows = len(next(iter(columns.values())))
    for name, values, shape in (
        *((i.name, columns[i.name], (rows, i.width)) for i in interface.inputs),
        *((o, answers[o], (rows, *_shape(o, interface))) for o in interface.outputs),
    ):
        if values.shape != shape:
            raise UsageError(f"{name}: shape {values.shape}, not {shape}; give one row per answer")
    given = [_cells(columns[i.name], i) for i in interface.inputs]
    answered = [plain(answers[o], o) for o in interface.outputs]
    lines = [
        json.dumps(
            {
                "inputs": {i.name: cells[row] for i, cells in zip(interface.inputs, given, strict=True)},
                "answers": {o: values[row] for o, values in zip(interface.outputs, answered, strict=True)},
            },
            ensure_ascii=False,
            allow_nan=False,
        )
        for row in range(rows)
    ]
    body = ",\n".join(lines)
    path.write_text(f'{{"schema_version": {_SCHEMA_VERSION}, "rows": [\n{body}\n]}}\n', encoding="utf-8")
    return path


def read_golden(path: Path, interface: Interface, *, sha256: str | None = None) -> tuple[Columns, Answers]:
    """The columns and answers of a `golden.json`.

    Args:
        sha256: what its bytes must hash to; the very bytes that were hashed are parsed.

    Round trip: after `write_golden(path, columns, answers, interface)` they come back with the same shapes and bits;
    every missing number is NumPy's NaN, every missing text `None`, labels of text have dtype object.

    Raises:
        SignatureError: not strict JSON, or not rows of this interface; with the path (`rows[3].inputs.age`).
    """
    data = read_small(path.parent, path.name)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise _refused(path.name, f"its sha256 is not the one in {MANIFEST}")
    document = with_floats(parse(data, path.name))
    match document:
        case {"schema_version": 1, "rows": list(rows)} if len(document) == 2:
            pass
        case _:
            raise _refused(path.name, "no rows with schema_version 1")
    try:
        return rows_of(rows, interface)
    except Misfit as misfit:
        raise _refused(path.name, str(misfit)) from misfit


class Misfit(ValueError):
    """Rows that are not of an interface; the text starts with the path."""


def rows_of(rows: list[Any], interface: Interface) -> tuple[Columns, Answers]:
    """The columns and answers of rows as `golden.json` holds them. Raises `Misfit`."""
    inputs = _side(rows, "inputs", [i.name for i in interface.inputs])
    outputs = _side(rows, "answers", interface.outputs)
    columns = {i.name: _column(inputs[i.name], i) for i in interface.inputs}
    return columns, {o: _answer(outputs[o], o, interface) for o in interface.outputs}


def _differences(given: Iterable[str], wanted: Iterable[str]) -> list[str]:
    given, wanted = set(given), set(wanted)
    missing = [f"{name}: missing" for name in sorted(wanted - given)]
    return missing + [f"{name}: not in the interface" for name in sorted(given - wanted)]


def _shape(output: str, interface: Interface) -> tuple[int, ...]:
    """The shape of one row's answer."""
    if output == "probabilities":
        return (len(interface.classes or ()),)
    return (interface.value_width,) if output == "value" and interface.value_width > 1 else ()


def _cells(column: Array, declared: Input) -> list[Any]:
    """A column's rows as JSON has them: `null` for NaN, a list per row where the input is wide."""
    if declared.kind == "number":
        values = np.asarray(column, np.float64)
        column = values.astype(object)
        column[np.isnan(values)] = None
    rows: list[Any] = plain(column, declared.name)
    return rows if declared.width > 1 else [row[0] for row in rows]


def _side(rows: list[Any], side: str, names: Iterable[str]) -> dict[str, list[Any]]:
    """The cells by name of all rows' inputs or answers."""
    wanted = list(names)
    for k, row in enumerate(rows):
        if not isinstance(row, dict) or set(row) != {"inputs", "answers"} or not isinstance(row[side], dict):
            raise Misfit(f"rows[{k}]: not one of inputs and answers")
        if problems := _differences(row[side], wanted):
            raise Misfit(f"rows[{k}].{side}.{'; '.join(problems)}")
    return {name: [row[side][name] for row in rows] for name in wanted}


def _column(cells: list[Any], declared: Input) -> Array:
    at = f"inputs.{declared.name}"
    if declared.kind == "number":
        return _numbers(cells, at, (declared.width,), scalar=declared.width == 1, missing=True)
    column = np.empty((len(cells), declared.width), object)
    for k, row in enumerate(_grid(cells, at, declared.width, declared.width == 1, _is_text, "text")):
        column[k, :] = row
    return column


def _answer(cells: list[Any], output: str, interface: Interface) -> Array:
    if output == "label":
        return _labels(cells, interface)
    shape = _shape(output, interface)
    numbers = _numbers(cells, f"answers.{output}", shape or (1,), scalar=not shape, missing=False)
    return numbers if shape else numbers[:, 0]


def _numbers(cells: list[Any], at: str, shape: tuple[int, ...], *, scalar: bool, missing: bool) -> Array:
    def is_number(value: Any) -> bool:
        return (isinstance(value, int | float) and not isinstance(value, bool)) or (missing and value is None)

    grid = _grid(cells, at, shape[0], scalar, is_number, "a number")
    filled = [[math.nan if value is None else float(value) for value in row] for row in grid]
    return np.array(filled, np.float64).reshape(len(cells), *shape)


def _grid(
    cells: list[Any], at: str, width: int, scalar: bool, fits: Callable[[Any], bool], what: str
) -> list[list[Any]]:
    """The cells as rows of `width` values that all fit."""
    grid = [[cell] for cell in cells] if scalar else cells
    for k, row in enumerate(grid):
        where = f"rows[{k}].{at}"
        if not isinstance(row, list) or len(row) != width:
            raise Misfit(f"{where}: not a list of {width}")
        if wrong := [value for value in row if not fits(value)]:
            raise Misfit(f"{where}: {wrong[0]!r:.40} is not {what}")
    return grid


def _is_text(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _labels(cells: list[Any], interface: Interface) -> Array:
    kinds = {type(cell) for cell in cells} or {type(label) for label in interface.classes or ()}
    for k, cell in enumerate(cells):
        if not isinstance(cell, str | int | float):
            raise Misfit(f"rows[{k}].answers.label: {cell!r:.40} is not a label")
        if interface.classes is not None and cell not in interface.classes:
            raise Misfit(f"rows[{k}].answers.label: {cell!r:.40} is not one of the classes")
    if len(kinds) == 1 and (kind := kinds.pop()) in (bool, int, float):
        return np.array(cells, {bool: np.bool_, int: np.int64, float: np.float64}[kind])
    labels = np.empty(len(cells), object)
    labels[:] = cells
    return labels


def _refused(name: str, reason: str) -> SignatureError:
    return SignatureError(f"{name}: {reason}; get the bundle again")
