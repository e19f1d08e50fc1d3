"""Many numbers to one: along axes, or along one axis for a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.mil.op import FLOATS, NUMBERS, Op
from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.values import Unknown


def reduction(function: Callable[..., Any], dtypes: frozenset[str] = NUMBERS) -> Op:
    """A function along axes, all of them where none is named. Half precision adds up in single and rounds once."""

    def run(x: Tensor, axes: tuple[int, ...] | None = None, keep_dims: bool = False) -> Tensor:
        if not x.rank:
            raise Unknown("reduces a scalar")
        along = tuple(x.axis(a) for a in (range(x.rank) if axes is None else axes))
        if len(set(along)) != len(along):
            raise Unknown(f"axes {axes}: name one twice")
        wide = x.data.astype(np.float32) if x.data.dtype == np.float16 else x.data
        return Tensor(np.asarray(function(wide, axis=along, keepdims=keep_dims)).astype(x.data.dtype), x.rows)

    return Op(run=run, dtypes=dtypes)


def place(function: Callable[..., Any]) -> Op:
    """Where the largest or smallest number is, the first of equal ones (inferred)."""

    def run(x: Tensor, axis: int = -1, keep_dims: bool = False, output_dtype: str = "int32") -> Tensor:
        if output_dtype not in ("int32", "uint16"):
            raise Unknown(f"places as {output_dtype!r}; knows int32 and uint16")
        found = function(x.data, axis=x.axis(axis), keepdims=keep_dims)
        return Tensor(np.asarray(found, output_dtype), x.rows)

    return Op(run=run, dtypes=NUMBERS, later={"output_dtype": 17})


def log_sum_exp(x: Array, axis: tuple[int, ...], keepdims: bool) -> Array:
    """`max + log Σ exp(x − max)`; an infinite maximum is not subtracted."""
    top = x.max(axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, np.zeros_like(top))
    total = np.log(np.sum(np.exp(x - top), axis=axis, keepdims=True)) + top
    return np.asarray(total if keepdims else total.squeeze(axis))


OPS: Mapping[str, Op] = {
    "reduce_argmax": place(np.argmax),
    "reduce_argmin": place(np.argmin),
    "reduce_l1_norm": reduction(lambda x, **k: np.sum(np.abs(x), **k)),
    "reduce_l2_norm": reduction(lambda x, **k: np.sqrt(np.sum(np.square(x), **k)), FLOATS),
    "reduce_log_sum": reduction(lambda x, **k: np.log(np.sum(x, **k)), FLOATS),
    "reduce_log_sum_exp": reduction(log_sum_exp, FLOATS),
    "reduce_max": reduction(np.max),
    "reduce_mean": reduction(np.mean, FLOATS),
    "reduce_min": reduction(np.min),
    "reduce_prod": reduction(np.prod),
    "reduce_sum": reduction(np.sum),
    "reduce_sum_square": reduction(lambda x, **k: np.sum(np.square(x), **k)),
}
