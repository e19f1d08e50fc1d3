"""Power transforms: Yeo-Johnson and Box-Cox, by log1p and expm1 as SciPy computes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.ops import Affine, Constant, Where
from edgepack.ir.types import Flags, Floats
from edgepack.lower.builder import Builder, Table
from edgepack.lower.formula import binary, elementwise, where

BOX_COX_IS_LOG = 1e-19
YEO_JOHNSON_IS_LOG = np.finfo(np.float64).eps


def power_transformer(est: Any, table: Table, b: Builder) -> Table:
    """The transform with each column's own lambda, then standardized if asked."""
    x = b.doubles(table)
    lambdas = np.asarray(est.lambdas_, np.float64)
    if est.method == "box-cox":
        result = _power(elementwise("log", x, b), lambdas, np.abs(lambdas) < BOX_COX_IS_LOG, b)
    else:
        result = _yeo_johnson(x, lambdas, b)
    if est.standardize:
        scaler = est._scaler
        result = b.emit(Affine(center=np.asarray(scaler.mean_), divisor=np.asarray(scaler.scale_)), result)
    return b.table(result)


def _yeo_johnson(x: str, lambdas: Floats, b: Builder) -> str:
    """Below 0 it is mirrored, with 2 − lambda for lambda."""
    size = elementwise("log1p", elementwise("absolute", x, b), b)
    above = _power(size, lambdas, np.abs(lambdas) < YEO_JOHNSON_IS_LOG, b)
    below = _power(size, 2 - lambdas, np.abs(lambdas - 2) <= YEO_JOHNSON_IS_LOG, b)
    return where(binary("greater_equal", x, 0.0, b), above, elementwise("negative", below, b), b)


def _power(log: str, exponent: Floats, is_log: Flags, b: Builder) -> str:
    """`(exp(exponent × log) − 1) / exponent`; the logarithm itself where the exponent is about 0."""
    if np.all(is_log):
        return log
    divisor = np.where(is_log, 1.0, exponent)
    grown = elementwise("expm1", b.emit(Affine(factor=divisor), log), b)
    result = b.emit(Affine(divisor=divisor), grown)
    if not np.any(is_log):
        return result
    return b.emit(Where(), b.emit(Constant(row=is_log.astype(np.float64)), log), log, result)
