"""Transformers that are a few ops: row norms, thresholds, bins, centred kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.ops import Affine, Binary, Bucket, Constant, Elementwise, Linear, OneHot, Reduce, Where
from edgepack.ir.ops.neighbors import NO_LENGTH
from edgepack.lower.builder import Builder, Column, Refused, Table


def normalizer(est: Any, table: Table, b: Builder) -> Table:
    """Each row divided by its norm; by 1 where that is 0, or, in a dense array, below 10 times the machine epsilon."""
    x = b.doubles(table)
    if est.norm == "l2":
        norm = b.emit(Elementwise(function="sqrt"), b.emit(Reduce(function="sum"), b.emit(_square(), x)))
    else:
        size = b.emit(Elementwise(function="absolute"), x)
        norm = b.emit(Reduce(function="max" if est.norm == "max" else "sum"), size)
    if table.sparse:
        is_small = b.emit(Binary(function="equal"), norm, b.emit(Constant(row=np.zeros(1)), x))
    else:
        smallest = b.emit(Constant(row=np.array([NO_LENGTH])), x)
        is_small = b.emit(Binary(function="greater"), smallest, norm)
    divisor = b.emit(Where(), is_small, b.emit(Constant(row=np.ones(1)), x), norm)
    return b.table(b.emit(Binary(function="divide"), x, divisor), sparse=table.sparse)


def binarizer(est: Any, table: Table, b: Builder) -> Table:
    """1 above the threshold, else 0."""
    x = b.doubles(table)
    threshold = b.emit(Constant(row=np.array([float(est.threshold)])), x)
    dtype = table.dtype
    return b.table(b.emit(Binary(function="greater"), x, threshold), sparse=table.sparse, dtype=dtype)


def k_bins_discretizer(est: Any, table: Table, b: Builder) -> Table:
    """The number of inner edges at or below a value, or one column per bin."""
    if est.dtype is not None and np.dtype(est.dtype) != np.float64:
        raise Refused(f"dtype={np.dtype(est.dtype).name} rounds the values first; use dtype=None")
    inner = tuple(np.asarray(edges[1:-1], np.float64) for edges in est.bin_edges_)
    bins = b.emit(Bucket(edges=inner, right=True), b.doubles(table))
    found = b.table(bins)
    if est.encode == "ordinal":
        return found
    columns: list[Column] = []
    for j, size in enumerate(est.n_bins_):
        columns += b.table(b.emit(OneHot(size=int(size)), b.gather(found.take([j])))).columns
    return Table(tuple(columns), sparse=est.encode == "onehot")


def kernel_centerer(est: Any, table: Table, b: Builder) -> Table:
    """`K − column means − the row's own mean + mean of all`."""
    k = b.doubles(table)
    own = b.emit(Linear(coef=np.ones((1, len(table))), intercept=np.zeros(1)), k)
    mean = b.emit(Affine(divisor=np.array([float(len(est.K_fit_rows_))])), own)
    centred = b.emit(Binary(function="subtract"), b.emit(Affine(center=_floats(est.K_fit_rows_)), k), mean)
    return b.table(b.emit(Affine(offset=np.full(len(table), float(est.K_fit_all_))), centred))


def _square() -> Elementwise:
    return Elementwise(function="square")


def _floats(x: Any) -> Any:
    return np.asarray(x, np.float64)
