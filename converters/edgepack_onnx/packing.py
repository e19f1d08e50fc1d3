"""Constants in few bytes, and the nodes that make doubles of them: ONNX Runtime runs these once, at load."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgepack.ir.packing import Halves, Packed, Palette, Scaled, Singles, packed
from edgepack.ir.types import Array, Floats
from edgepack_onnx.proto import DOUBLE, INT32

if TYPE_CHECKING:
    from edgepack_onnx.graph import Graph

FEW_NODES_BYTES, NODES_BYTES = 64, 256
"""What a Cast takes with its names, and what the longest way of unpacking takes, about."""


def unpacked(numbers: Floats, graph: Graph) -> str | None:
    """A tensor of exactly these numbers, float64, from a smaller constant; None where no form is smaller."""
    form = packed(numbers)
    nodes = FEW_NODES_BYTES if isinstance(form, Halves | Singles) else NODES_BYTES
    if form is None or form.size_bytes + nodes > numbers.nbytes:
        return None
    return _written(form, numbers.shape, graph)


def _written(form: Packed, shape: tuple[int, ...], graph: Graph) -> str:
    match form:
        case Halves() | Singles():
            return graph.node("Cast", graph.stored(form.codes), to=DOUBLE)
        case Scaled():
            whole = graph.node("Cast", graph.stored(form.codes), to=DOUBLE)
            return graph.node("Mul", whole, graph.node("Cast", graph.stored(_narrowest(form.factors)), to=DOUBLE))
        case Palette():
            return graph.node("Gather", graph.stored(form.colours), _places(form, shape, graph), axis=0)


def _narrowest(factors: Floats) -> Array:
    """As float16 if that holds them, else as float32, which does."""
    with np.errstate(over="ignore"):
        halves = factors.astype(np.float16)
    return halves if np.array_equal(halves, factors) else factors.astype(np.float32)


def _places(form: Palette, shape: tuple[int, ...], graph: Graph) -> str:
    """Two places of 4 bits share a byte; shifting it up and down again leaves the lower one. Fewer bits take 4."""
    if form.bits > 4:
        return graph.node("Cast", graph.stored(form.places), to=INT32)
    flat = form.places.ravel()
    pairs = np.append(flat, np.zeros(len(flat) % 2, np.uint8)).reshape(-1, 2)
    column = graph.stored((pairs[:, :1] << 4) | pairs[:, 1:])
    four = graph.constant(np.full(1, 4, np.uint8))
    high = graph.node("BitShift", column, four, direction="RIGHT")
    low = graph.node("BitShift", graph.node("BitShift", column, four, direction="LEFT"), four, direction="RIGHT")
    both = graph.node("Reshape", graph.node("Concat", high, low, axis=1), graph.constant(np.array([-1])))
    some = graph.node("Slice", both, *(graph.constant(np.array([k])) for k in (0, len(flat))))
    return graph.node("Cast", graph.node("Reshape", some, graph.constant(np.array(shape))), to=INT32)
