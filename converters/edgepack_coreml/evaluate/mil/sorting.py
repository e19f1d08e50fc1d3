"""Order along an axis. Equal numbers keep their order, and NaN comes last: both inferred."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgepack.ir.types import Array, Integers
from edgepack_coreml.evaluate.mil.op import NUMBERS, SMALL, Op
from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.values import Unknown

INDICES = ("int32", "uint16")


def argsort(x: Tensor, axis: int = -1, ascending: bool = False) -> Tensor:
    """The places of the numbers, from the largest or from the smallest."""
    return Tensor(_order(x.data, x.axis(axis), ascending).astype(np.int32), x.rows)


def topk(
    x: Tensor,
    k: int = 1,
    axis: int = -1,
    ascending: bool = False,
    sort: bool = True,
    return_indices: bool = True,
    output_indices_dtype: str = "int32",
) -> Tensor | tuple[Tensor, ...]:
    """The `k` largest or smallest numbers in order, and their places."""
    along = x.axis(axis)
    if not 1 <= k <= x.shape[along] or not sort or output_indices_dtype not in INDICES:
        raise Unknown(f"{k} of {x.shape[along]}, sort={sort}, places as {output_indices_dtype!r}")
    order = np.take(_order(x.data, along, ascending), np.arange(k), axis=along)
    values = Tensor(np.take_along_axis(x.data, order, axis=along), x.rows)
    return (values, Tensor(order.astype(output_indices_dtype), x.rows)) if return_indices else values


def cumsum(x: Tensor, axis: int = 0, exclusive: bool = False, reverse: bool = False) -> Tensor:
    """Running sums along an axis: without the number itself if exclusive, from the end if in reverse."""
    along = x.axis(axis)
    data = x.data.astype(np.float32) if x.data.dtype == np.float16 else x.data
    data = np.flip(data, along) if reverse else data
    total = np.cumsum(data, axis=along, dtype=data.dtype)
    if exclusive:
        total = np.roll(total, 1, axis=along)
        np.moveaxis(total, along, 0)[0] = 0
    return Tensor((np.flip(total, along) if reverse else total).astype(x.data.dtype), x.rows)


def _order(x: Array, axis: int, ascending: bool) -> Integers:
    if ascending:
        return np.argsort(x, axis=axis, kind="stable")
    return np.argsort(-x if x.dtype.kind == "f" else -x.astype(np.int64), axis=axis, kind="stable")


OPS: Mapping[str, Op] = {
    "argsort": Op(run=argsort, dtypes=NUMBERS),
    "cumsum": Op(run=cumsum, dtypes=NUMBERS),
    "topk": Op(
        run=topk,
        dtypes=NUMBERS,
        later={"sort": 16, "return_indices": 16, "output_indices_dtype": 17},
        more={17: SMALL},
    ),
}
