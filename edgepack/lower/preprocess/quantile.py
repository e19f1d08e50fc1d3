"""Ranks among the fitted quantiles."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from edgepack.ir.ops import Clip, Constant, Piecewise, Where
from edgepack.ir.types import Floats
from edgepack.lower import normal
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary, elementwise, where

BOUND = 1e-7


def quantile_transformer(est: Any, table: Table, b: Builder) -> Table:
    """The mean of the interpolations from below and above, which differ at repeated quantiles; 0 and 1 at the ends."""
    x = b.doubles(table)
    quantiles = np.asarray(est.quantiles_, np.float64)
    if np.any(np.isnan(quantiles)):
        raise Refused("a column that was all missing when fitted; drop it")
    references = np.asarray(est.references_, np.float64)
    from_below = b.emit(interpolation(quantiles.T, references), x)
    from_above = b.emit(interpolation(-quantiles[::-1].T, -references[::-1]), elementwise("negative", x, b))
    rank = affine(binary("subtract", from_below, from_above, b), b, factor=0.5)
    first, last = quantiles[0].copy(), quantiles[-1].copy()
    is_normal = est.output_distribution == "normal"
    if is_normal:
        first, last = -last_within(-first), last_within(last)
    first, last = (b.emit(Constant(row=row), x) for row in (first, last))
    if is_normal:
        is_last, is_first = binary("greater", x, last, b), binary("greater", first, x, b)
    else:
        is_last, is_first = binary("equal", x, last, b), binary("equal", x, first, b)
    result = where(is_first, 0.0, where(is_last, 1.0, rank, b), b)
    if is_normal:
        result = _clipped(normal.ndtri(result, b), b)
    if table.sparse:  # what a sparse matrix does not hold stays 0
        result = b.emit(Where(), x, result, x)
    return b.table(result, sparse=table.sparse)


def last_within(ends: Floats) -> Floats:
    """The largest doubles x of which `x + BOUND <= ends` holds as doubles add: float32 has no such digits to add."""
    about, aside = ends - BOUND, 4 * np.spacing(np.maximum(np.abs(ends), BOUND))
    low, high = about - aside, about + aside
    while np.any((low < (middle := low / 2 + high / 2)) & (middle < high)):
        holds = middle + BOUND <= ends
        low, high = np.where(holds, middle, low), np.where(holds, high, middle)
    return low


def interpolation(x: Floats, y: Floats) -> Piecewise:
    """`np.interp` between the points of each row of x, `(columns, n)`; beyond them the value at the nearer end.

    Args:
        y: the values there, `(columns, n)`, or `(n,)` for all columns.
    """
    y = np.broadcast_to(y, x.shape)
    with np.errstate(all="ignore"):
        slopes = np.nan_to_num(np.diff(y) / np.diff(x), posinf=0.0, neginf=0.0)  # no value falls between equal points
    lines = [[(own[0], 0.0), *zip(own, (*slope, 0.0), strict=True)] for own, slope in zip(y, slopes, strict=True)]
    coef = tuple(np.array(line)[:, None, :] for line in lines)
    origin = tuple(np.array([row[0], *row]) for row in x)
    return Piecewise(edges=tuple(np.ascontiguousarray(row) for row in x), right=True, origin=origin, coef=coef)


def _clipped(x: str, b: Builder) -> str:
    """Within the quantiles of the bound, as the ends are infinite."""
    width = b.types[x].width
    low, high = ndtri(BOUND - np.spacing(1)), ndtri(1 - (BOUND - np.spacing(1)))
    return b.emit(Clip(low=np.full(width, low), high=np.full(width, high)), x)
