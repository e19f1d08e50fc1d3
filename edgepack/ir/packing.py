"""Compact forms of constant numbers: each gives them back to the last bit, so that an emitter may always use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgepack.ir.types import Floats

LARGEST_CODE = 127
PALETTE_SIZES = (2, 4, 16, 256)
SCALE_BITS = 11
"""Of a scale's mantissa: as many as float16 has, and few enough that float32 holds a code times its scale."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Halves:
    """Numbers that are all float16.

    Attributes:
        codes: the numbers, in their own shape.
    """

    codes: NDArray[np.float16]

    @property
    def numbers(self) -> Floats:
        """What was packed."""
        return self.codes.astype(np.float64)

    @property
    def size_bytes(self) -> int:
        """Of the codes."""
        return self.codes.nbytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Singles:
    """Numbers that are all float32.

    Attributes:
        codes: the numbers, in their own shape.
    """

    codes: NDArray[np.float32]

    @property
    def numbers(self) -> Floats:
        """What was packed."""
        return self.codes.astype(np.float64)

    @property
    def size_bytes(self) -> int:
        """Of the codes."""
        return self.codes.nbytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaled:
    """Whole numbers from −127 to 127, times a number per row or per column.

    Attributes:
        codes: `(n, m) int8`.
        scale: `(n,)` for `axis` 0, `(m,)` for 1, float32 of few bits.
    """

    codes: NDArray[np.int8]
    scale: NDArray[np.float32]
    axis: int

    @property
    def factors(self) -> Floats:
        """The scale in a shape that multiplies the codes."""
        return np.expand_dims(self.scale.astype(np.float64), 1 - self.axis)

    @property
    def numbers(self) -> Floats:
        """What was packed: each product is exact."""
        return self.codes.astype(np.float64) * self.factors

    @property
    def size_bytes(self) -> int:
        """Of codes and scale."""
        return self.codes.nbytes + self.scale.nbytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Palette:
    """Numbers out of a few.

    Attributes:
        places: each number's place among `colours`, uint8, in the numbers' shape.
        colours: `(2 ** bits,) float64`, ascending; what is not needed is 0.
    """

    places: NDArray[np.uint8]
    colours: Floats

    @property
    def bits(self) -> int:
        """Of a place: 1, 2, 4 or 8."""
        return len(self.colours).bit_length() - 1

    @property
    def numbers(self) -> Floats:
        """What was packed."""
        return self.colours[self.places]

    @property
    def size_bytes(self) -> int:
        """Of the places, as many in a byte as fit, and the colours."""
        return -(-self.places.size * self.bits // 8) + self.colours.nbytes


Packed = Halves | Singles | Scaled | Palette


def packed(numbers: Floats) -> Packed | None:
    """The smallest form that gives exactly these numbers back; None where there is none.

    Signs of zero are kept, too.

    Args:
        numbers: of any shape; rows and columns have a scale of their own where there are two dimensions.
    """
    found: list[Packed] = []
    with np.errstate(all="ignore"):
        found += [Halves(codes=numbers.astype(np.float16)), Singles(codes=numbers.astype(np.float32))]
        if numbers.ndim == 2:
            found += [scaled(numbers, axis) for axis in (0, 1)]
        if (palette := _palette(numbers)) is not None:
            found.append(palette)
        fitting = [form for form in found if form.size_bytes < numbers.nbytes and _same(form.numbers, numbers)]
    return min(fitting, key=lambda form: form.size_bytes, default=None)


def scaled(numbers: Floats, axis: int, largest: int = LARGEST_CODE) -> Scaled:
    """The nearest codes, with the largest of each row (axis 0) or column (axis 1) at ±127, or as far as is said.

    Law: what it gives back is given back again, `scaled(scaled(x, a).numbers, a).numbers == scaled(x, a).numbers`.
    """
    with np.errstate(all="ignore"):
        mantissa, exponent = np.frexp(np.abs(numbers).max(axis=1 - axis, initial=0.0) / largest)
        scale = np.ldexp(np.rint(np.ldexp(mantissa, SCALE_BITS)), exponent - SCALE_BITS).astype(np.float32)
        scale[scale < np.finfo(np.float32).tiny] = 0.0  # fewer bits than it takes
        codes = np.rint(numbers / np.expand_dims(np.where(scale > 0, scale, 1.0).astype(np.float64), 1 - axis))
    clipped = np.clip(np.nan_to_num(codes), -largest, largest).astype(np.int8)
    return Scaled(codes=clipped, scale=scale, axis=axis)


def _palette(numbers: Floats) -> Palette | None:
    bits: Any = np.ascontiguousarray(numbers).view(np.int64)  # −0.0 and 0.0 are two colours
    distinct, places = np.unique(bits, return_inverse=True)
    if len(distinct) > PALETTE_SIZES[-1] or np.isnan(numbers).any():
        return None
    size = next(size for size in PALETTE_SIZES if len(distinct) <= size)
    values = distinct.view(np.float64)
    order = np.argsort(values, kind="stable")
    rank = np.empty(len(order), np.uint8)
    rank[order] = np.arange(len(order))
    colours = np.zeros(size)
    colours[: len(values)] = values[order]
    return Palette(places=rank[places].reshape(numbers.shape), colours=colours)


def _same(a: Floats, b: Floats) -> bool:
    """To the last bit."""
    return a.shape == b.shape and bool(np.array_equal(a.view(np.int64), np.ascontiguousarray(b).view(np.int64)))
