"""Numbers from places, and to places. A place that a tensor does not have is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgepack.ir.types import Array, Integers
from edgepack_coreml.evaluate.mil.op import INT32, INTEGERS, NUMBERS, SMALL, Const, Op, Result
from edgepack_coreml.evaluate.mil.tensor import Tensor, alike
from edgepack_coreml.evaluate.values import Unknown

MODES: Mapping[str, np.ufunc] = {
    "add": np.add,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
    "mul": np.multiply,
    "sub": np.subtract,
}


def gather(
    x: Tensor, indices: Tensor, ios: int, axis: int = 0, batch_dims: int = 0, validate_indices: bool = False
) -> Tensor:
    """For each index the slice of `x` there, in the place of the axis; batch axes go along."""
    along = x.axis(axis)
    before = x.rank + along
    if not 0 <= batch_dims <= min(before, indices.rank) or x.shape[:batch_dims] != indices.shape[:batch_dims]:
        raise Unknown(f"batch_dims {batch_dims} of x {list(x.shape)} and indices {list(indices.shape)}")
    at = _places(indices, x.shape[along], ios)
    if not batch_dims and not at.rows:
        return Tensor(np.take(x.data, at.data, axis=along), x.rows)
    if not batch_dims and not x.rows:
        return Tensor(np.moveaxis(np.take(x.data, at.data, axis=along), before, 0), True)
    (source, places), rows = alike(x, at)
    lead = source.shape[: batch_dims + rows]
    middle, after = x.shape[batch_dims:before], x.shape[before + 1 :]
    count, inner = int(np.prod(lead)), indices.shape[batch_dims:]
    flat = source.reshape(count, int(np.prod(middle)), x.shape[along], int(np.prod(after)))
    taken = np.take_along_axis(flat, places.reshape(count, 1, int(np.prod(inner)), 1), axis=2)
    return Tensor(taken.reshape(*lead, *middle, *inner, *after), rows)


def gather_along_axis(x: Tensor, indices: Tensor, ios: int, axis: int = 0, validate_indices: bool = False) -> Tensor:
    """For each index the number of `x` there along the axis, all other places being the index's own."""
    along = x.axis(axis)
    _same_but(x, indices, along)
    (source, places), rows = alike(x, _places(indices, x.shape[along], ios))
    return Tensor(np.take_along_axis(source, places, axis=along), rows)


def gather_nd(x: Tensor, indices: Tensor, ios: int, batch_dims: int = 0, validate_indices: bool = False) -> Tensor:
    """For each vector of indices the slice of `x` there. Knows no batch axes."""
    if batch_dims or not indices.rank or not 1 <= indices.shape[-1] <= x.rank:
        raise Unknown(f"batch_dims {batch_dims} of x {list(x.shape)} and indices {list(indices.shape)}")
    flat, at = _flat(x, indices, ios)
    return gather(flat, at, ios)


def scatter(
    data: Tensor, indices: Tensor, updates: Tensor, ios: int, mode: str, axis: int = 0, validate_indices: bool = False
) -> Tensor:
    """`data` with slices changed at the indices along an axis."""
    along = data.axis(axis)
    before = data.rank + along
    wanted = (*data.shape[:before], *indices.shape, *data.shape[before + 1 :])
    if indices.rank != 1 or updates.shape != wanted:
        raise Unknown(f"updates {list(updates.shape)} at {list(indices.shape)} of {list(data.shape)}")
    spread = indices.reshaped((*(1,) * before, *indices.shape, *(1,) * (-along - 1)))
    places = np.broadcast_to(spread.data, spread.lead + wanted)
    return scatter_along_axis(data, Tensor(places, spread.rows), updates, ios, mode, axis)


def scatter_along_axis(
    data: Tensor, indices: Tensor, updates: Tensor, ios: int, mode: str, axis: int = 0, validate_indices: bool = False
) -> Tensor:
    """`data` with numbers changed at the indices along an axis. The documents differ on the mode by default."""
    along = data.axis(axis)
    _same_but(data, indices, along)
    if updates.shape != indices.shape:
        raise Unknown(f"updates {list(updates.shape)} at indices {list(indices.shape)}")
    (old, places, new), rows = alike(data, _places(indices, data.shape[along], ios), updates)
    result = old.copy()
    if mode == "update":
        ordered = np.sort(places, axis=along)
        if np.any(np.diff(ordered, axis=along) == 0):
            raise Unknown("updates one place twice")
        np.put_along_axis(result, places, new, axis=along)
    elif mode in MODES:
        grid = list(np.ogrid[tuple(slice(n) for n in places.shape)])
        grid[along] = places
        MODES[mode].at(result, tuple(grid), new)
    else:
        raise Unknown(f"mode {mode!r}; knows update, {', '.join(MODES)}")
    return Tensor(result, rows)


def scatter_nd(
    data: Tensor, indices: Tensor, updates: Tensor, ios: int, mode: str, validate_indices: bool = False
) -> Tensor:
    """`data` with slices changed at vectors of indices."""
    depth = indices.shape[-1] if indices.rank else 0
    if not 1 <= depth <= data.rank or updates.shape != (*indices.shape[:-1], *data.shape[depth:]):
        raise Unknown(f"updates {list(updates.shape)} at {list(indices.shape)} of {list(data.shape)}")
    flat, at = _flat(data, indices, ios)
    changes = updates.reshaped((int(np.prod(at.shape)), *data.shape[depth:]))
    changed = scatter(flat, at.reshaped((int(np.prod(at.shape)),)), changes, ios, mode)
    return changed.reshaped(data.shape)


def one_hot(
    indices: Tensor,
    one_hot_vector_size: int,
    axis: int = -1,
    on_value: Const | None = None,
    off_value: Const | None = None,
) -> Tensor:
    """One value in an index's place along a new axis, another elsewhere."""
    along = indices.axis(axis, more=1)
    if np.any((indices.data < 0) | (indices.data >= one_hot_vector_size)):
        raise Unknown(f"an index that is not in 0 to {one_hot_vector_size - 1}")
    on = np.int32(1) if on_value is None else on_value.data
    off = np.int32(0) if off_value is None else off_value.data
    at = np.expand_dims(indices.data, along)
    places = np.arange(one_hot_vector_size).reshape(-1, *(1,) * (-along - 1))
    return Tensor(np.where(at == places, on, off), indices.rows)


def _places(indices: Tensor, size: int, ios: int) -> Tensor:
    """Indices counted from the start; before iOS 17, negative ones count from the end."""
    at: Integers = indices.data.astype(np.int64)
    if at.size:
        least, most = int(at.min()), int(at.max())
        if most >= size or least < (0 if ios >= 17 else -size):
            raise Unknown(f"index {most if most >= size else least} of {size}")
        if least < 0:
            at = np.where(at < 0, at + size, at)
    return Tensor(at, indices.rows)


def _flat(x: Tensor, indices: Tensor, ios: int) -> tuple[Tensor, Tensor]:
    """The first axes of `x` as one, and vectors of indices as single ones."""
    depth = indices.shape[-1]
    at: Array = np.zeros(indices.data.shape[:-1], np.int64)
    for k in range(depth):
        at = at * x.shape[k] + _places(Tensor(indices.data[..., k], indices.rows), x.shape[k], ios).data
    return x.reshaped((int(np.prod(x.shape[:depth])), *x.shape[depth:])), Tensor(at, indices.rows)


def _same_but(x: Tensor, indices: Tensor, along: int) -> None:
    at = x.rank + along
    if x.rank != indices.rank or any(x.shape[k] != indices.shape[k] for k in range(x.rank) if k != at):
        raise Unknown(f"indices {list(indices.shape)} of {list(x.shape)} along axis {at}")


LATER = {"batch_dims": 16, "validate_indices": 17}


def reads(run: Callable[..., Result]) -> Op:
    """An operation that takes numbers from places."""
    return Op(run=run, dtypes=NUMBERS, apart={"indices": INTEGERS}, later=LATER, more={17: SMALL})


def writes(run: Callable[..., Result]) -> Op:
    """An operation that puts numbers in places."""
    return Op(run=run, dtypes=NUMBERS, apart={"indices": INT32}, later=LATER)


OPS: Mapping[str, Op] = {
    "gather": reads(gather),
    "gather_along_axis": reads(gather_along_axis),
    "gather_nd": reads(gather_nd),
    "one_hot": Op(run=one_hot, apart={"indices": INT32}),
    "scatter": writes(scatter),
    "scatter_along_axis": writes(scatter_along_axis),
    "scatter_nd": writes(scatter_nd),
}
