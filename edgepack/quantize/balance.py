"""Weights of columns that differ in size share no grid; the columns' sizes go to an op in front of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgepack.ir.ops import Affine, Linear

UNEVEN = 4.0
CENTER_MOVES = 1e-6
"""How far, in a scaled column, its center may be from the float32 that stands for it."""


def balanced(linear: Linear) -> tuple[Affine, Linear] | None:
    """`x ↦ Linear(Affine(x))` with columns of weights of about one size; None where they are so already.

    A scaler that was folded into the weights leaves them uneven. The factors are powers of 2, so that nothing rounds.
    """
    largest = np.abs(linear.coef).max(axis=0, initial=0.0)
    used = largest > 0
    if not used.any() or not np.isfinite(largest).all() or largest[used].max() <= UNEVEN * largest[used].min():
        return None
    _, exponent = np.frexp(np.where(used, largest, 0.5))
    factor = np.exp2(exponent.astype(np.float64))
    with np.errstate(all="ignore"):
        coef = linear.coef / factor
    if not np.array_equal(coef * factor, linear.coef):  # beyond what exponents reach
        return None
    return Affine(factor=factor), Linear(coef=coef, intercept=linear.intercept)


def followed(affine: Affine, scale: Affine) -> Affine | None:
    """`x ↦ scale(affine(x))` in one op, for a scale that `balanced` gave; None beyond what exponents reach.

    Powers of 2 round nothing.
    """
    factor = scale.factor
    assert factor is not None
    if affine.factor is None and affine.offset is None and affine.divisor is not None:
        changed = {"divisor": (affine.divisor, affine.divisor / factor)}
    else:
        before = np.ones_like(factor) if affine.factor is None else affine.factor
        changed = {"factor": (before, before * factor)}
        if affine.offset is not None:
            changed["offset"] = (affine.offset, affine.offset * factor)
    if not all(np.isfinite(after).all() and np.array_equal(after == 0, old == 0) for old, after in changed.values()):
        return None
    return replace(affine, **{name: after for name, (_, after) in changed.items()})


def singles(affine: Affine) -> Affine:
    """The op with its numbers rounded to float32, which weights of fewer bits do not notice.

    A center stays where that would move a scaled column: a mean that is large beside its deviation.
    """
    rounded = {
        name: np.where(np.isfinite(single := number.astype(np.float32)) & (single != 0), single, number)
        for name in ("center", "divisor", "factor", "offset")
        if (number := getattr(affine, name)) is not None
    }
    if affine.center is not None:
        moved = np.abs(rounded["center"] - affine.center)
        with np.errstate(all="ignore"):
            moved = moved / (1.0 if affine.divisor is None else np.abs(affine.divisor))
            moved = moved * (1.0 if affine.factor is None else np.abs(affine.factor))
        if not np.all(moved <= CENTER_MOVES):
            del rounded["center"]
    return replace(affine, **rounded)
