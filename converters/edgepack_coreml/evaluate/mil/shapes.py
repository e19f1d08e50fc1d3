"""Operations that move numbers and change none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgepack_coreml.evaluate.mil.op import ANY, FLOATS, INT32, SMALL, Const, Op
from edgepack_coreml.evaluate.mil.tensor import Tensor, alike
from edgepack_coreml.evaluate.values import Unknown

MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge"}


def reshape(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Another shape: 0 keeps an axis of the same place, −1 takes what is left."""
    if 0 in shape and len(shape) != x.rank:
        raise Unknown(f"shape {shape} of a tensor of rank {x.rank}: 0 keeps no axis")
    sizes = [n or x.shape[k] for k, n in enumerate(shape)]
    volume = int(np.prod(x.shape))
    if sizes.count(-1) == 1:
        rest = -int(np.prod(sizes))
        sizes[sizes.index(-1)] = volume // rest if rest else 0
    if min(sizes, default=1) < 0 or int(np.prod(sizes)) != volume:
        raise Unknown(f"shape {list(shape)} of {list(x.shape)}")
    return x.reshaped(sizes)


def expand_dims(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """New axes of one, at their places in the result."""
    places = sorted(x.axis(a, more=len(axes)) + x.rank + len(axes) for a in axes)
    shape = list(x.shape)
    for place in places:
        shape.insert(place, 1)
    if len(set(places)) != len(places):
        raise Unknown(f"axes {axes}: name one twice")
    return x.reshaped(shape)


def squeeze(x: Tensor, axes: tuple[int, ...] | None = None) -> Tensor:
    """Without the axes, each of one; all such axes where none is named."""
    gone = {x.axis(a) + x.rank for a in (axes if axes is not None else [k for k, n in enumerate(x.shape) if n == 1])}
    if any(x.shape[k] != 1 for k in gone):
        raise Unknown(f"axes {axes} of {list(x.shape)}: are not of one")
    return x.reshaped([n for k, n in enumerate(x.shape) if k not in gone])


def transpose(x: Tensor, perm: tuple[int, ...]) -> Tensor:
    """Axis `k` of the result is axis `perm[k]`."""
    axes = [x.axis(p) + x.rank for p in perm]
    if sorted(axes) != list(range(x.rank)):
        raise Unknown(f"perm {perm} of a tensor of rank {x.rank}")
    return Tensor(x.data.transpose([0, *(a + 1 for a in axes)] if x.rows else axes), x.rows)


def concat(values: list[Tensor], axis: int, interleave: bool = False) -> Tensor:
    """One after the other along an axis; interleaved, one number of each in turn. Scalars make a vector."""
    values = [v if v.rank else v.reshaped((1,)) for v in values]
    along = values[0].axis(axis)
    rests = {(*v.shape[:along], 0, *v.shape[v.rank + along + 1 :]) for v in values}
    if len(rests) != 1 or (interleave and len({v.shape for v in values}) != 1):
        raise Unknown(f"shapes {[list(v.shape) for v in values]}: do not join along axis {axis}")
    arrays, rows = alike(*values)
    if not interleave:
        return Tensor(np.concatenate(arrays, axis=along), rows)
    shape = list(values[0].shape)
    shape[along] *= len(values)
    return Tensor(np.stack(arrays, axis=along + arrays[0].ndim + 1), rows).reshaped(shape)


def stack(values: list[Tensor], axis: int) -> Tensor:
    """Along a new axis."""
    if len({v.shape for v in values}) != 1:
        raise Unknown(f"shapes {[list(v.shape) for v in values]}: do not stack")
    along = values[0].axis(axis, more=1)
    arrays, rows = alike(*values)
    return Tensor(np.stack(arrays, axis=along), rows)


def split(
    x: Tensor, axis: int, num_splits: int | None = None, split_sizes: tuple[int, ...] | None = None
) -> tuple[Tensor, ...]:
    """Parts of the given sizes, or as many of the same size."""
    along = x.axis(axis)
    size = x.shape[along]
    if split_sizes is None:
        if not num_splits or size % num_splits:
            raise Unknown(f"{num_splits} parts of {size}")
        split_sizes = (size // num_splits,) * num_splits
    if sum(split_sizes) != size or min(split_sizes) < 1 or num_splits not in (None, len(split_sizes)):
        raise Unknown(f"parts {split_sizes} of {size}")
    return tuple(Tensor(part, x.rows) for part in np.split(x.data, np.cumsum(split_sizes)[:-1], axis=along))


def tile(x: Tensor, reps: tuple[int, ...]) -> Tensor:
    """Repeated along every axis."""
    if len(reps) != x.rank or min(reps, default=0) < 1:
        raise Unknown(f"reps {reps} of a tensor of rank {x.rank}")
    return Tensor(np.tile(x.data, (1, *reps) if x.rows else reps), x.rows)


def reverse(x: Tensor, axes: tuple[int, ...] | None = None) -> Tensor:
    """From the end to the start along axes, all of them where none is named."""
    return Tensor(np.flip(x.data, tuple(x.axis(a) for a in (range(x.rank) if axes is None else axes))), x.rows)


def slice_by_index(
    x: Tensor,
    begin: tuple[int, ...],
    end: tuple[int, ...],
    stride: tuple[int, ...] | None = None,
    begin_mask: tuple[bool, ...] | None = None,
    end_mask: tuple[bool, ...] | None = None,
    squeeze_mask: tuple[bool, ...] | None = None,
) -> Tensor:
    """`x[begin:end:stride]` as in numpy; a mask leaves a bound open, or takes one place and drops its axis."""
    no = (False,) * x.rank
    parts = (begin, end, stride or (1,) * x.rank, begin_mask or no, end_mask or no, squeeze_mask or no)
    if any(len(part) != x.rank for part in parts):
        raise Unknown(f"bounds {parts} of a tensor of rank {x.rank}")
    index: list[int | slice] = []
    for size, first, last, step, open_first, open_last, single in zip(x.shape, *parts, strict=True):
        if single:
            at = 0 if open_first else first
            if not -size <= at < size:
                raise Unknown(f"place {at} of {size}")
            index.append(at)
        elif step == 0:
            raise Unknown("a stride of 0")
        else:
            index.append(slice(None if open_first else first, None if open_last else last, step))
    return Tensor(x.data[(*([slice(None)] if x.rows else []), *index)], x.rows)


def slice_by_size(x: Tensor, begin: tuple[int, ...], size: tuple[int, ...]) -> Tensor:
    """So many along every axis; −1 is all that are left."""
    if len(begin) != x.rank or len(size) != x.rank:
        raise Unknown(f"begin {begin}, size {size} of a tensor of rank {x.rank}")
    ends = [n if s == -1 else b + s for n, b, s in zip(x.shape, begin, size, strict=True)]
    if any(not 0 <= b <= e <= n for n, b, e in zip(x.shape, begin, ends, strict=True)):
        raise Unknown(f"begin {begin}, size {size} of {list(x.shape)}")
    return slice_by_index(x, begin, tuple(ends))


def pad(x: Tensor, pad: tuple[int, ...], mode: str = "constant", constant_val: Const | None = None) -> Tensor:
    """More on both sides of the last axes."""
    if mode not in MODES or len(pad) % 2 or len(pad) > 2 * x.rank or min(pad, default=0) < 0:
        raise Unknown(f"pad {pad} in mode {mode!r} of a tensor of rank {x.rank}")
    sides = [(0, 0)] * (x.data.ndim - len(pad) // 2) + list(zip(pad[::2], pad[1::2], strict=True))
    if mode != "constant":
        if mode == "reflect" and any(max(s) >= n for s, n in zip(sides, x.data.shape, strict=True) if max(s)):
            raise Unknown(f"reflects {pad} of {list(x.shape)}")
        return Tensor(np.pad(x.data, sides, mode="reflect" if mode == "reflect" else "edge"), x.rows)
    value = x.data.dtype.type(0 if constant_val is None else constant_val.data)
    return Tensor(np.pad(x.data, sides, constant_values=value), x.rows)


def flatten2d(x: Tensor, axis: int = 1) -> Tensor:
    """Two axes: what stands before an axis, and the rest."""
    at = axis + x.rank if axis < 0 else axis
    if not 0 <= at <= x.rank:
        raise Unknown(f"axis {axis} of a tensor of rank {x.rank}")
    return x.reshaped((int(np.prod(x.shape[:at])), int(np.prod(x.shape[at:]))))


def shape(x: Tensor) -> Tensor:
    """The sizes of the axes."""
    return Tensor(np.array(x.shape, np.int32))


def fill(shape: tuple[int, ...], value: Const | None = None) -> Tensor:
    """One number everywhere."""
    if min(shape, default=1) < 1:
        raise Unknown(f"shape {shape}")
    return Tensor(np.full(shape, np.float32(0) if value is None else value.data))


def fill_like(ref_tensor: Tensor, value: Const | None = None) -> Tensor:
    """One number everywhere, in the shape of another tensor."""
    return Tensor(np.full(ref_tensor.shape, np.float32(0) if value is None else value.data))


def band_part(x: Tensor, lower: int = -1, upper: int = -1) -> Tensor:
    """Only the diagonals from so many below to so many above the main one; −1 is all."""
    if x.rank < 2:
        raise Unknown(f"a tensor of rank {x.rank}")
    below = np.subtract.outer(np.arange(x.shape[-2]), np.arange(x.shape[-1]))
    kept = ((lower < 0) | (below <= lower)) & ((upper < 0) | (-below <= upper))
    return Tensor(np.where(kept, x.data, x.data.dtype.type(0)), x.rows)


def range_1d(start: Const, end: Const, step: Const) -> Tensor:
    """From a number up to another, in steps."""
    if not step.data:
        raise Unknown("a step of 0")
    return Tensor(np.arange(start.data.item(), end.data.item(), step.data.item(), dtype=start.data.dtype))


EIGHT = {17: SMALL}
OPS: Mapping[str, Op] = {
    "band_part": Op(run=band_part),
    "concat": Op(run=concat, more=EIGHT),
    "expand_dims": Op(run=expand_dims, more=EIGHT),
    "fill": Op(run=fill),
    "fill_like": Op(run=fill_like, since=16, apart={"ref_tensor": ANY}),
    "flatten2d": Op(run=flatten2d),
    "pad": Op(run=pad, dtypes=FLOATS),
    "range_1d": Op(run=range_1d, dtypes=FLOATS | INT32),
    "reshape": Op(run=reshape, more=EIGHT),
    "reverse": Op(run=reverse, more=EIGHT),
    "shape": Op(run=shape),
    "slice_by_index": Op(run=slice_by_index, more=EIGHT),
    "slice_by_size": Op(run=slice_by_size, more=EIGHT),
    "split": Op(run=split),
    "squeeze": Op(run=squeeze, more=EIGHT),
    "stack": Op(run=stack, more=EIGHT),
    "tile": Op(run=tile),
    "transpose": Op(run=transpose, more=EIGHT),
}
