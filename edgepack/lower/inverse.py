"""Target transformers, backwards: what a TransformedTargetRegressor does to its regressor's value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn import pipeline, preprocessing

from edgepack.ir.ops import Affine, Constant, Power, Where
from edgepack.ir.types import Flags, Floats
from edgepack.lower import normal
from edgepack.lower.builder import Builder, Refused
from edgepack.lower.formula import affine, binary, constant, elementwise, where
from edgepack.lower.functions import meaning_of
from edgepack.lower.preprocess.power import YEO_JOHNSON_IS_LOG
from edgepack.lower.preprocess.quantile import BOUND, interpolation


def inverse(transformer: Any, value: str, b: Builder) -> str:
    """`transformer.inverse_transform(value)`."""
    if lowering := INVERSES.get(type(transformer)):  # a subclass may mean something else
        return lowering(transformer, value, b)
    name = type(transformer).__name__
    raise Refused(
        f"target transformer {name}; use a scaler, PowerTransformer, QuantileTransformer, "
        "a FunctionTransformer of a numpy ufunc, or a Pipeline of these"
    )


def _pipeline(est: Any, value: str, b: Builder) -> str:
    for _, step in reversed(est.steps):
        value = value if step in (None, "passthrough") else inverse(step, value, b)
    return value


def _function(est: Any, value: str, b: Builder) -> str:
    return value if est.inverse_func is None else meaning_of(est.inverse_func, est.inv_kw_args)(value, b)


def _min_max(est: Any, value: str, b: Builder) -> str:
    return b.emit(Affine(center=_floats(est.min_), divisor=_floats(est.scale_)), value)


def _max_abs(est: Any, value: str, b: Builder) -> str:
    return _scaled(value, est.scale_, None, b)


def _standard(est: Any, value: str, b: Builder) -> str:
    return _scaled(value, est.scale_ if est.with_std else None, est.mean_ if est.with_mean else None, b)


def _robust(est: Any, value: str, b: Builder) -> str:
    factor, offset = est.scale_ if est.with_scaling else None, est.center_ if est.with_centering else None
    return _scaled(value, factor, offset, b)


def _scaled(value: str, factor: Any, offset: Any, b: Builder) -> str:
    return b.emit(Affine(factor=_floats(factor), offset=_floats(offset)), value)


def _power(est: Any, x: str, b: Builder) -> str:
    """Yeo-Johnson is mirrored below 0, with 2 − lambda for lambda; NaN where no number has that power."""
    if est.standardize:
        x = inverse(est._scaler, x, b)
    lambdas = np.asarray(est.lambdas_, np.float64)
    if est.method == "box-cox":  # exp(log1p(lambda · x) / lambda), as SciPy computes it
        is_log = lambdas == 0
        divisor = np.where(is_log, 1.0, lambdas)
        log = b.emit(Affine(divisor=divisor), elementwise("log1p", b.emit(Affine(factor=divisor), x), b))
        return elementwise("exp", _chosen(is_log, x, log, b), b)
    above = affine(_root(x, lambdas, np.abs(lambdas) < YEO_JOHNSON_IS_LOG, b), b, offset=-1.0)
    mirrored = elementwise("negative", x, b)
    below = _root(mirrored, 2 - lambdas, np.abs(lambdas - 2) <= YEO_JOHNSON_IS_LOG, b)
    below = affine(below, b, factor=-1.0, offset=1.0)
    return where(binary("greater_equal", x, 0.0, b), above, below, b)


def _root(x: str, exponent: Floats, is_log: Flags, b: Builder) -> str:
    """`(x · exponent + 1) ** (1 / exponent)`; `exp(x)` where the exponent is about 0."""
    divisor = np.where(is_log, 1.0, exponent)
    grown = b.emit(Affine(factor=divisor, offset=np.ones(len(divisor))), x)
    root = b.emit(Power(exponent=1 / divisor), grown)
    return _chosen(is_log, elementwise("exp", x, b), root, b) if np.any(is_log) else root


def _chosen(which: Flags, chosen: str, other: str, b: Builder) -> str:
    """The columns of one value where `which` is set, else those of the other."""
    if not np.any(which):
        return other
    return b.emit(Where(), b.emit(Constant(row=which.astype(np.float64)), chosen), chosen, other)


def _quantiles(est: Any, x: str, b: Builder) -> str:
    """The fitted quantile at a rank; a normal output's ends within the bound are the ends themselves."""
    quantiles = np.asarray(est.quantiles_, np.float64)
    is_normal = est.output_distribution == "normal"
    rank = normal.ndtr(x, b) if is_normal else x
    references = np.tile(np.asarray(est.references_, np.float64), (quantiles.shape[1], 1))
    result = b.emit(interpolation(references, quantiles.T), rank)
    if not is_normal:
        return result
    first, last = (b.emit(Constant(row=quantiles[end].copy()), x) for end in (0, -1))
    result = where(binary("greater", affine(rank, b, offset=BOUND), 1.0, b), last, result, b)
    is_first = binary("greater", constant(0.0, x, b), affine(rank, b, offset=-BOUND), b)
    return where(is_first, first, result, b)


def _floats(x: Any) -> Any:
    return None if x is None else np.asarray(x, np.float64)


INVERSES: Mapping[type, Callable[[Any, str, Builder], str]] = MappingProxyType(
    {
        pipeline.Pipeline: _pipeline,
        preprocessing.FunctionTransformer: _function,
        preprocessing.MaxAbsScaler: _max_abs,
        preprocessing.MinMaxScaler: _min_max,
        preprocessing.PowerTransformer: _power,
        preprocessing.QuantileTransformer: _quantiles,
        preprocessing.RobustScaler: _robust,
        preprocessing.StandardScaler: _standard,
    }
)
"""By the transformer's class: its `inverse_transform` of a value."""
