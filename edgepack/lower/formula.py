"""Formulas of values, one op per sign."""

from __future__ import annotations

import numpy as np

from edgepack.ir.ops import Affine, Binary, Complement, Constant, Elementwise, Select, Where
from edgepack.lower.builder import Builder


def constant(number: float, x: str, b: Builder) -> str:
    """One column of a number, as long as x."""
    return b.emit(Constant(row=np.array([number], np.float64)), x)


def binary(function: str, left: str, right: str | float, b: Builder) -> str:
    """A `Binary` of two values, or of a value and a number."""
    return b.emit(Binary(function=function), left, constant(right, left, b) if isinstance(right, float) else right)


def where(condition: str, chosen: str | float, other: str | float, b: Builder) -> str:
    """A `Where` of values or numbers."""
    a, c = (constant(v, condition, b) if isinstance(v, float) else v for v in (chosen, other))
    return b.emit(Where(), condition, a, c)


def elementwise(function: str, x: str, b: Builder) -> str:
    """An `Elementwise` of a value."""
    return b.emit(Elementwise(function=function), x)


def affine(x: str, b: Builder, *, factor: float | None = None, offset: float | None = None) -> str:
    """`x × factor + offset`, the same in every column."""
    full = [None if v is None else np.full(b.types[x].width, v) for v in (factor, offset)]
    return b.emit(Affine(factor=full[0], offset=full[1]), x)


def column(value: str, j: int, b: Builder) -> str:
    """One column of a value; of a probability and its complement, what that was made from."""
    made = next((node for node in b.nodes if node.name == value), None)
    if j == 1 and made is not None and isinstance(made.op, Complement):
        return made.inputs[0]
    return value if b.types[value].width == 1 else b.emit(Select(columns=np.array([j])), value)
