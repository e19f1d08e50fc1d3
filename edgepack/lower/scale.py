"""Scalers and plain functions of numbers."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn import preprocessing
from sklearn.utils.validation import check_array

from edgepack.ir.ops import Affine, Clip
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.functions import meaning_of, name_of


def standard_scaler(est: Any, table: Table, b: Builder) -> Table:
    """`(x − mean) / scale`."""
    return _affine(table, b, center=est.mean_ if est.with_mean else None, scale=est.scale_ if est.with_std else None)


def robust_scaler(est: Any, table: Table, b: Builder) -> Table:
    """`(x − median) / range`."""
    center = est.center_ if est.with_centering else None
    return _affine(table, b, center=center, scale=est.scale_ if est.with_scaling else None)


def max_abs_scaler(est: Any, table: Table, b: Builder) -> Table:
    """`x / max|x|`, clipped to ±1 if asked."""
    result = _affine(table, b, center=None, scale=est.scale_)
    return _clip(result, b, -1.0, 1.0) if est.clip else result


def min_max_scaler(est: Any, table: Table, b: Builder) -> Table:
    """`x × scale + min`, clipped to the feature range if asked."""
    x = b.doubles(table)
    scaled = b.table(b.emit(Affine(factor=_floats(est.scale_), offset=_floats(est.min_)), x))
    return _clip(scaled, b, *est.feature_range) if est.clip else scaled


def function_transformer(est: Any, table: Table, b: Builder) -> Table:
    """A function of each number that edgepack knows, or nothing at all."""
    if est.func is None or _only_checks(est.func):
        return table
    function = meaning_of(est.func, est.kw_args)
    x = b.numbers(table)
    if wrong := {c.dtype for c in table.columns} - {"float64"}:
        raise Refused(f"{name_of(est.func)} of {min(wrong)}; let the step before it give float64")
    return b.table(function(x, b), sparse=table.sparse)


TRANSFORMERS = {
    preprocessing.FunctionTransformer: function_transformer,
    preprocessing.MaxAbsScaler: max_abs_scaler,
    preprocessing.MinMaxScaler: min_max_scaler,
    preprocessing.RobustScaler: robust_scaler,
    preprocessing.StandardScaler: standard_scaler,
}


def weigh(table: Table, weight: float, b: Builder) -> Table:
    """A transformer's output times its `transformer_weights` entry."""
    if (dtype := table.dtype) not in ("float64", "int64", "bool"):
        raise Refused(f"a weight on {dtype}; give the encoder dtype=np.float64")
    x = b.numbers(table)
    weighed = np.result_type(dtype, type(weight)).name
    return b.table(b.emit(Affine(factor=np.full(len(table), float(weight))), x), sparse=table.sparse, dtype=weighed)


def _affine(table: Table, b: Builder, *, center: Any, scale: Any) -> Table:
    x = b.doubles(table)
    if center is None and scale is None:
        return table.held_as("float64")
    # scale may be float32: its reciprocal is rounded to that, as scikit-learn's is
    op = (
        Affine(factor=_array(1 / np.asarray(scale)))
        if table.sparse
        else Affine(center=_floats(center), divisor=_floats(scale))
    )
    return b.table(b.emit(op, x), sparse=table.sparse)


def _clip(table: Table, b: Builder, low: float, high: float) -> Table:
    width = len(table)
    op = Clip(low=np.full(width, float(low)), high=np.full(width, float(high)))
    return b.table(b.emit(op, b.numbers(table)), sparse=table.sparse)


def _only_checks(function: Any) -> bool:
    """Whether this is the check that a histogram-boosted model puts in front of its numbers."""
    if not isinstance(function, partial) or function.func is not check_array or function.args:
        return False
    return function.keywords == {"dtype": [np.float64], "ensure_all_finite": False}


def _array(x: Any) -> Any:
    return np.asarray(x, np.float64)


def _floats(x: Any) -> Any:
    return None if x is None else _array(x)
