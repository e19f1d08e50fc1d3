"""The inputs of a model, read off sample rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types
from sklearn.ensemble._forest import BaseForest
from sklearn.pipeline import Pipeline

from edgepack.contract import Input, Kind
from edgepack.errors import UsageError
from edgepack.ir.program import Program
from edgepack.lower.encode import UNSEEN
from edgepack.rows import TEXT


def inputs_of(sample: Any, used: Any = None) -> tuple[Input, ...]:
    """One input per column of a DataFrame (`used` names alone, if given); one wide `X` for a plain numeric array."""
    if isinstance(sample, pd.DataFrame):
        names = list(sample.columns) if used is None else list(used)
        if missing := [str(n) for n in names if n not in sample.columns]:
            raise UsageError(f"columns {', '.join(missing)} are not in the sample; give rows with the fitted columns")
        texts = [str(n) for n in sample.columns]
        if twice := sorted({str(n) for n in names if texts.count(str(n)) > 1}):
            raise UsageError(f"columns {', '.join(twice)} are there more than once; give every column its own name")
        return tuple(_column(str(name), sample[name]) for name in names)
    try:
        array = np.asarray(sample)
    except ValueError:
        raise UsageError("sample of rows that differ in length; give rows as a 2-D array or a DataFrame") from None
    if array.ndim == 1 and len(array) and all(isinstance(text, str) for text in array.tolist()):
        return (Input(name=TEXT, kind="string"),)
    if array.ndim != 2:
        raise UsageError(f"sample of shape {array.shape}; give rows as a 2-D array or a DataFrame")
    if array.dtype.kind in "fiub":
        return (Input(name="X", kind="number", width=array.shape[1]),)
    return tuple(_column(f"x{j}", pd.Series(array[:, j])) for j in range(array.shape[1]))


def _column(name: str, values: pd.Series[Any]) -> Input:
    kind = _kind(values)
    if kind is None:
        raise UsageError(f"column {name!r} mixes strings and other values; make it all strings or all numbers")
    return Input(name=name, kind=kind)


def _kind(values: pd.Series[Any]) -> Kind | None:
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = pd.Series(values.cat.categories)
    if types.is_bool_dtype(values.dtype) or types.is_numeric_dtype(values.dtype):
        return "number"
    present = values.dropna()
    if all(isinstance(v, str) for v in present):
        return "string"
    if all(isinstance(v, bool | int | float | np.number | np.bool_) for v in present):
        return "number"
    return None


def with_domains(
    inputs: tuple[Input, ...],
    categories: Mapping[int, tuple[str | float, ...]],
    none_columns: Collection[str],
    answers: Callable[[Any], Any],
    sample: Any,
) -> tuple[Input, ...]:
    """The inputs with what the estimator accepts, found by asking it about missing and unseen values."""
    row = _accepted_row(answers, sample)
    if row is None:
        return tuple(replace(i, categories=categories.get(k)) for k, i in enumerate(inputs))
    missing = {k: None if i.name in none_columns else np.nan for k, i in enumerate(inputs)}
    unseen = {k: UNSEEN if inputs[k].kind == "string" else 1234.5 for k in categories}
    with_missing = _accepted(answers, row, inputs, missing)
    with_unseen = _accepted(answers, row, inputs, unseen)
    return tuple(
        replace(
            i,
            categories=categories.get(k),
            accepts_missing=k in with_missing,
            accepts_unknown=k not in categories or k in with_unseen,
        )
        for k, i in enumerate(inputs)
    )


def with_one_tree(estimator: Any) -> Any:
    """The estimator with the first tree of the forest that ends it: it accepts the same rows, and answers sooner."""
    if type(estimator) is Pipeline:
        *before, (name, last) = estimator.steps
        short = with_one_tree(last)
        return estimator if short is last else Pipeline([*before, (name, short)])
    if not isinstance(estimator, BaseForest):
        return estimator
    short = copy(estimator)
    short.estimators_ = estimator.estimators_[:1]
    return short


def without_unused_inputs(program: Program, unneeded: Callable[[Sequence[str]], bool]) -> Program:
    """The Program without the inputs that no node takes, if the estimator too answers rows without those columns."""
    taken = {name for node in program.nodes for name in node.inputs} | set(program.outputs.values())
    kept = [k for k in range(len(program.interface.inputs)) if f"i{k}" in taken]
    dropped = [i.name for k, i in enumerate(program.interface.inputs) if f"i{k}" not in taken]
    if not dropped or not unneeded(dropped):
        return program
    renamed = {f"i{k}": f"i{new}" for new, k in enumerate(kept)}
    return replace(
        program,
        interface=replace(program.interface, inputs=tuple(program.interface.inputs[k] for k in kept)),
        nodes=tuple(replace(n, inputs=tuple(renamed.get(i, i) for i in n.inputs)) for n in program.nodes),
        outputs={output: renamed.get(name, name) for output, name in program.outputs.items()},
    )


def as_float64(sample: Any, inputs: tuple[Input, ...]) -> Any:
    """The sample with float64 numbers, NaN where missing, as the device's values reach the server."""
    if not isinstance(sample, pd.DataFrame):
        array = np.asarray(sample)
        return array.astype(np.float64) if array.dtype.kind in "fiub" else array
    numbers = {i.name for i in inputs if i.kind == "number"}
    changed = sample.copy()
    for name in [n for n in sample.columns if str(n) in numbers]:
        changed[name] = np.array([np.nan if pd.isna(v) else float(v) for v in sample[name].astype(object)])
    return changed


def _accepted_row(answers: Callable[[Any], Any], sample: Any) -> Any:
    for k in range(min(len(sample), 20)):
        row = sample.iloc[[k]] if isinstance(sample, pd.DataFrame) else np.asarray(sample)[[k]]
        if _answers(answers, row):
            return row
    return None


def _accepted(
    answers: Callable[[Any], Any], row: Any, inputs: tuple[Input, ...], values: Mapping[int, Any]
) -> frozenset[int]:
    """The inputs whose value here is accepted: all of them are tried at once, and where that fails, each half."""
    if not values or _answers(answers, _changed(row, inputs, values)):
        return frozenset(values)
    if len(values) == 1:
        return frozenset()
    items = list(values.items())
    halves = dict(items[: len(items) // 2]), dict(items[len(items) // 2 :])
    return frozenset().union(*(_accepted(answers, row, inputs, half) for half in halves))


def _changed(row: Any, inputs: tuple[Input, ...], values: Mapping[int, Any]) -> Any:
    """The row with these inputs' values."""
    if isinstance(row, pd.DataFrame):
        names = {str(name): name for name in row.columns}
        changed = row.copy()
        for k, value in values.items():
            dtype = object if inputs[k].kind == "string" else np.float64
            changed[names[inputs[k].name]] = pd.Series([value], index=row.index, dtype=dtype)
        return changed
    if row.dtype.kind == "f":  # one numeric matrix
        return np.full_like(row, values[0])
    changed = row.astype(object)
    if row.ndim == 1:  # a list of texts
        changed[0] = values[0]
        return changed
    for k, value in values.items():
        changed[0, k] = value
    return changed


def _answers(answers: Callable[[Any], Any], row: Any) -> bool:
    from joblib import parallel_config  # type: ignore[import-untyped]

    try:
        with parallel_config(backend="sequential"):  # one row: a forest's threads would only wait for each other
            answers(row)
    except Exception:  # scikit-learn's own classes raise ValueError, IndexError, …; a user's transformer anything
        return False
    return True
