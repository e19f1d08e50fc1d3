"""Weights of columns that differ in size share no grid; the columns' sizes go to an op in front of them."""

from __future__ import annotations

import numpy as np

from edgepack.ir.ops import Affine, Linear

UNEVEN = 4.0


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
