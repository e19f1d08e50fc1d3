"""Products of matrices."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.mil.op import NUMBERS, Const, Op
from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.values import Unknown


def linear(x: Tensor, weight: Const, bias: Const | None = None) -> Tensor:
    """`x · weightᵀ + bias` along the last axis."""
    if weight.rank != 2 or not 1 <= x.rank <= 3 or (bias is not None and bias.shape != weight.shape[:1]):
        raise Unknown(f"x {list(x.shape)}, weight {list(weight.shape)}, bias {bias and list(bias.shape)}")
    product = matmul(x, weight, transpose_y=True)
    return product if bias is None else Tensor(product.data + bias.data, product.rows)


def matmul(x: Tensor, y: Tensor, transpose_x: bool = False, transpose_y: bool = False) -> Tensor:
    """The product over `x`'s last axis and `y`'s second to last; more axes broadcast.

    A vector counts as a row on the left, as a column on the right, and leaves no axis behind.
    """
    if not x.rank or not y.rank or (x.rank == 1 and transpose_x):
        raise Unknown(f"x {list(x.shape)}, y {list(y.shape)}: cannot be multiplied")
    left = x.reshaped((1, *x.shape)) if x.rank == 1 else _transposed(x, transpose_x)
    right = y.reshaped((*y.shape, 1)) if y.rank == 1 else _transposed(y, transpose_y)
    if left.shape[-1] != right.shape[-2]:
        raise Unknown(f"x {list(x.shape)}, y {list(y.shape)}: cannot be multiplied")
    product = _product(left, right)
    shape = product.shape
    if x.rank == 1:
        shape = (*shape[:-2], shape[-1])
    if y.rank == 1:
        shape = shape[:-1]
    return product.reshaped(shape)


def _transposed(x: Tensor, wanted: bool) -> Tensor:
    return Tensor(x.data.swapaxes(-1, -2), x.rows) if wanted else x


def _product(left: Tensor, right: Tensor) -> Tensor:
    if right.rank == 2 and not right.rows:  # one product for all rows
        flat = _multiplied(left.data.reshape(int(np.prod(left.data.shape[:-1])), left.shape[-1]), right.data)
        return Tensor(flat.reshape((*left.data.shape[:-1], right.shape[-1])), left.rows)
    rank = max(left.rank, right.rank)
    a, b = (t.reshaped((1,) * (rank - t.rank) + t.shape) for t in (left, right))
    if any(n != m and 1 not in (n, m) for n, m in zip(a.shape[:-2], b.shape[:-2], strict=True)):
        raise Unknown(f"matrices {list(left.shape)} and {list(right.shape)}: do not fit")
    return Tensor(_multiplied(a.data, b.data), a.rows or b.rows)


def _multiplied(a: Array, b: Array) -> Array:
    """Half precision adds up in single and rounds once."""
    if a.dtype == np.float16:
        return np.matmul(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    return np.asarray(np.matmul(a, b))


OPS: Mapping[str, Op] = {"linear": Op(run=linear, dtypes=NUMBERS), "matmul": Op(run=matmul, dtypes=NUMBERS)}
