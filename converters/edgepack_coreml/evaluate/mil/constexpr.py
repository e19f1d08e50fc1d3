"""Compressed constants, written out.

Source: `constexpr_*` of coremltools' iOS16 and iOS18 operations, which say how bits are packed.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.mil.op import FLOATS, Const, Op
from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.mil.types import unpacked_bits
from edgepack_coreml.evaluate.values import Unknown

BYTES = frozenset({"int8", "uint8"})
PALETTE = BYTES | FLOATS
PLAIN = frozenset({"uint8"})


def affine_dequantize(quantized_data: Const, zero_point: Const, scale: Const, axis: int) -> Tensor:
    """`scale · (data − zero_point)`, with one of both for all, or one for each place along an axis."""
    along = quantized_data.axis(axis)

    def spread(x: Const) -> Array:
        if x.rank and x.shape != (quantized_data.shape[along],):
            raise Unknown(f"{list(x.shape)} scales or zero points along axis {axis} of {list(quantized_data.shape)}")
        return x.data.reshape((-1, *(1,) * (-along - 1))) if x.rank else x.data

    shifted = quantized_data.data.astype(np.float32) - spread(zero_point).astype(np.float32)
    return Tensor((shifted * spread(scale).astype(np.float32)).astype(scale.data.dtype))


def cast(source_val: Const, output_dtype: str) -> Tensor:
    """Half precision as single."""
    if output_dtype != "fp32":
        raise Unknown(f"casts to {output_dtype!r}; knows fp32")
    return Tensor(source_val.data.astype(np.float32))


def lut_to_dense(
    indices: Const, lut: Const, ios: int, shape: tuple[int, ...] | None = None, vector_axis: int | None = None
) -> Tensor:
    """Numbers from a table. Before iOS 18 the places are packed bits; from then on there is a table for each block."""
    if (shape is None) != (ios >= 18):
        raise Unknown(f"input 'shape' is {'missing' if shape is None else 'not known'} in the opset of iOS {ios}")
    if shape is not None:
        bits = {2: 1, 4: 2, 16: 4, 64: 6, 256: 8}.get(lut.data.size)
        if bits is None or lut.rank != 1:
            raise Unknown(f"a table of {list(lut.shape)}; knows 2, 4, 16, 64 and 256 numbers")
        return Tensor(lut.data[unpacked_bits(indices.data, bits, shape)])
    rank = indices.rank
    if lut.rank != rank + 2 or lut.shape[-1] != 1 or vector_axis is not None:
        raise Unknown(f"tables {list(lut.shape)} for {list(indices.shape)}; knows single numbers for each place")
    block = _blocks(indices, lut.shape[:rank])
    if indices.data.size and indices.data.max() >= lut.shape[-2]:
        raise Unknown(f"place {indices.data.max()} of a table of {lut.shape[-2]}")
    return Tensor(lut.data[..., 0][(*block, indices.data)])


def sparse_to_dense(nonzero_data: Const, mask: Const, ios: int, shape: tuple[int, ...] | None = None) -> Tensor:
    """The numbers where the mask says so, and zeros."""
    if (shape is None) != (ios >= 18):
        raise Unknown(f"input 'shape' is {'missing' if shape is None else 'not known'} in the opset of iOS {ios}")
    kept = (mask.data if shape is None else unpacked_bits(mask.data, 1, shape)) != 0
    if nonzero_data.shape != (int(kept.sum()),):
        raise Unknown(f"{list(nonzero_data.shape)} numbers for a mask of {int(kept.sum())}")
    dense = np.zeros(kept.shape, nonzero_data.data.dtype)
    dense[kept] = nonzero_data.data
    return Tensor(dense)


def blockwise_shift_scale(data: Const, scale: Const, offset: Const | None = None) -> Tensor:
    """`scale · (data − offset)` with one of both for each block."""
    block = _blocks(data, scale.shape)
    if offset is not None and offset.shape != scale.shape:
        raise Unknown(f"offsets {list(offset.shape)} and scales {list(scale.shape)}")
    shifted = data.data.astype(np.float32)
    if offset is not None:
        shifted = shifted - offset.data[block].astype(np.float32)
    return Tensor((shifted * scale.data[block].astype(np.float32)).astype(scale.data.dtype))


def _blocks(data: Const, counts: tuple[int, ...]) -> tuple[Array, ...]:
    """For each axis the block that each place lies in."""
    if len(counts) != data.rank or any(not m or n % m for n, m in zip(data.shape, counts, strict=True)):
        raise Unknown(f"blocks {list(counts)} of {list(data.shape)}")
    parts = np.indices(data.shape, sparse=True)
    return tuple(at // (n // m) for at, n, m in zip(parts, data.shape, counts, strict=True))


OPS: Mapping[str, Op] = {
    "constexpr_affine_dequantize": Op(
        run=affine_dequantize,
        since=16,
        apart={"quantized_data": BYTES, "zero_point": BYTES | {"float32"}, "scale": FLOATS},
    ),
    "constexpr_blockwise_shift_scale": Op(
        run=blockwise_shift_scale,
        since=18,
        apart={"data": PALETTE, "offset": PALETTE, "scale": FLOATS},
    ),
    "constexpr_cast": Op(run=cast, since=16, apart={"source_val": frozenset({"float16"})}),
    "constexpr_lut_to_dense": Op(
        run=lut_to_dense, since=16, apart={"indices": PLAIN, "lut": PALETTE}, later={"vector_axis": 18}
    ),
    "constexpr_sparse_to_dense": Op(run=sparse_to_dense, since=16, apart={"nonzero_data": PALETTE, "mask": PLAIN}),
}
