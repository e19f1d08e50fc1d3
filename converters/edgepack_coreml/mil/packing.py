"""Constants in few bytes, which Core ML expands when it loads a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.packing import Halves, Palette, Scaled, Singles, packed
from edgepack.ir.types import Floats
from edgepack_coreml.mil.rounding import narrowed

FEWEST_NUMBERS = 256
"""Fewer numbers stand inline, in the graph itself."""

SINCE = 16
"""The iOS that brought compressed constants."""


def unpacked(numbers: Floats, mil: Any, name: str, kind: type[np.floating[Any]] = np.float32) -> Any | None:
    """A `constexpr` of the `kind` nearest to each number, from fewer bytes than that takes; None where none is.

    A product of a code and its scale is rounded once, to the number nearest to what `Scaled` means by it.
    """
    if numbers.size < FEWEST_NUMBERS:
        return None
    form = packed(numbers)
    if form is None or isinstance(form, Singles | Halves):
        form = packed(narrowed(numbers, kind).astype(np.float64))
    match form:
        case Halves() if kind == np.float16:
            return None
        case Halves():
            return mil.constexpr_cast(source_val=form.codes, output_dtype="fp32", name=name)
        case Scaled() if np.array_equal(narrowed(form.scale, kind), form.scale):
            return mil.constexpr_affine_dequantize(
                quantized_data=form.codes,
                zero_point=np.int8(0),
                scale=narrowed(form.scale, kind),
                axis=np.int32(form.axis),
                name=name,
            )
        case Palette():
            shape = np.array(numbers.shape, np.uint32)
            return mil.constexpr_lut_to_dense(
                indices=_bits(form), lut=narrowed(form.colours, kind), shape=shape, name=name
            )
    return None


def _bits(form: Palette) -> Any:
    """The places one after another, the lowest bit of each first."""
    places = form.places.ravel()[:, None] >> np.arange(form.bits, dtype=np.uint8) & 1
    return np.packbits(places.astype(np.uint8).ravel(), bitorder="little")
