"""Sums of atoms, with what rounding may have done to them.

A `Form` stands for what a side computes: a weighted sum of atoms, exactly, give or take `error`. Bounds are derived in
float64 themselves; what that may round off is in `error` too.

Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition, sections 2.2 (the standard model), 3.1
(γ) and 4.2 (sums in any order).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgepack.ir.types import Floats
from edgepack.parity.bounds.box import Slot
from edgepack.parity.predicates import Undecidable

DOUBLE, SINGLE = 2.0**-53, 2.0**-24
"""The relative rounding of one operation in float64 and in float32."""
LEAST = {DOUBLE: 2.0**-1022, SINGLE: 2.0**-126}
"""Below it a runtime may flush to 0."""
LARGEST = {DOUBLE: 2.0**1023, SINGLE: 2.0**127}


def gamma(n: int, unit: float) -> float:
    """What n roundings in a row may amount to, beside 1."""
    if n * unit >= 0.5:
        raise Undecidable(f"sums of {n:,} numbers are too long to be bounded")
    return n * unit / (1 - n * unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """`coef.T @ atoms + const`, give or take `error`.

    Attributes:
        coef: `(atoms, width)`.
        const, error: `(width,)`.
    """

    coef: Floats
    const: Floats
    error: Floats

    def padded(self, atoms: int) -> Floats:
        """`coef` with zeros for atoms that came later."""
        return np.concatenate([self.coef, np.zeros((atoms - len(self.coef), self.coef.shape[1]))])

    def select(self, columns: Sequence[int]) -> Form:
        """Some columns."""
        at = np.asarray(columns, np.int64)
        return Form(coef=self.coef[:, at], const=self.const[at], error=self.error[at])

    def scaled(self, by: Floats) -> Form:
        """Every column times a number."""
        return Form(coef=self.coef * by, const=self.const * by, error=self.error * np.abs(by))

    def shifted(self, by: Floats) -> Form:
        """Every column plus a number."""
        return Form(coef=self.coef, const=self.const + by, error=self.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Between which numbers a form's exact sum lies, and how large its terms are together: `(width,)` each."""

    low: Floats
    high: Floats
    size: Floats

    @property
    def magnitude(self) -> Floats:
        """The largest absolute value."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


def extent(form: Form, slots: Sequence[Slot]) -> Extent:
    """The extent of a form over every choice of its slots. Raises `Undecidable` where NaN gets into a sum."""
    low, high, size = form.const.copy(), form.const.copy(), np.abs(form.const)
    for slot in slots:
        rows = form.coef[slot.start : slot.start + slot.atoms]
        if not len(rows) or not rows.any():
            continue
        options = [rows[1:]]
        if slot.has_range:
            options.append(rows[:1] * np.array([[slot.low], [slot.high]]))
        values = np.concatenate(options)
        low, high, size = low + values.min(axis=0), high + values.max(axis=0), size + np.abs(values).max(axis=0)
    if not np.isfinite(size).all():
        raise Undecidable("NaN or an infinite number gets into a sum")
    spare = gamma(len(form.coef) + 4, DOUBLE) * size  # of these sums themselves
    return Extent(low=low - spare, high=high + spare, size=size + spare)


def rounded(form: Form, slots: Sequence[Slot], unit: float, operations: int = 1) -> Form:
    """The form after operations on numbers no larger than its own, each of which rounds."""
    e = extent(form, slots)
    held = e.magnitude + form.error
    _require_finite(held, unit)
    error = form.error + gamma(operations, unit) * held + gamma(2 * operations, DOUBLE) * e.size
    return Form(coef=form.coef, const=form.const, error=error + operations * LEAST[unit])


def weighted(form: Form, weights: Floats, intercept: Floats, slots: Sequence[Slot], unit: float) -> Form:
    """`weights @ x + intercept`, added up in any order, with or without fused operations.

    Args:
        weights: `(outputs, width)`.
    """
    e = extent(form, slots)
    w, n = np.abs(weights), weights.shape[1] + 2
    held = w @ (e.magnitude + form.error) + np.abs(intercept)
    _require_finite(held, unit)
    error = w @ form.error + gamma(n, unit) * held + gamma(2 * n, DOUBLE) * (w @ e.size + np.abs(intercept))
    return Form(
        coef=form.coef @ weights.T,
        const=form.const @ weights.T + intercept,
        error=error * (1 + gamma(2 * n, DOUBLE)) + n * LEAST[unit],
    )


def _require_finite(held: Floats, unit: float) -> None:
    if not (held < LARGEST[unit]).all():
        raise Undecidable(f"numbers up to {held.max():.3g} overflow")
