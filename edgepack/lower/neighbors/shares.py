"""Distances that are shares: of columns that differ, or of the numbers' own size."""

from __future__ import annotations

import numpy as np

from edgepack.ir.ops import Affine, Binary, Reduce, Select
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder
from edgepack.lower.formula import affine, binary, elementwise, where

SHARES = ("braycurtis", "canberra", "hamming")


def share(metric: str, points: Floats, x: str, b: Builder) -> str:
    """`(rows, points)` distances by a metric of `SHARES`: one run of the columns per point."""
    n, width = points.shape
    tiled = b.emit(Select(columns=np.tile(np.arange(width), n)), x)
    total = Reduce(function="sum", groups=n)
    difference = b.emit(Affine(center=points.ravel()), tiled)
    if metric == "hamming":
        same = b.emit(total, binary("equal", difference, 0.0, b))
        unequal = affine(same, b, factor=-1.0, offset=float(width))
        return b.emit(Affine(divisor=np.full(n, float(width))), unequal)
    difference = elementwise("absolute", difference, b)
    size = b.emit(Affine(offset=np.abs(points).ravel()), elementwise("absolute", tiled, b))
    if metric == "canberra":
        return b.emit(total, _part(difference, size, b))
    return _part(b.emit(total, difference), b.emit(total, size), b)


def _part(difference: str, size: str, b: Builder) -> str:
    """0 where there is nothing to divide by."""
    return where(size, b.emit(Binary(function="divide"), difference, size), 0.0, b)
