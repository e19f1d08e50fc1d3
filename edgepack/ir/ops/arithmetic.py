"""Arithmetic between tables, and along each row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Floats, Type, TypeMismatch, number

BINARY: dict[str, Callable[[Array, Array], Array]] = {
    name: getattr(np, name)
    for name in (
        "add",
        "divide",
        "equal",
        "fmod",
        "greater",
        "greater_equal",
        "maximum",
        "minimum",
        "multiply",
        "subtract",
    )
}
"""The functions of two numbers that `Binary` knows, by numpy's own name; what compares gives 0.0 and 1.0."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binary:
    """A numpy function of two tables, number by number; a table of one column meets every column of the other."""

    function: str

    def infer(self, *types: Type) -> Type:
        """Numbers, as wide as the wider."""
        if self.function not in BINARY:
            raise TypeMismatch(f"Binary({self.function}): knows {', '.join(BINARY)}")
        if len(types) != 2:
            raise TypeMismatch(f"Binary({self.function}): takes two tables")
        return number(_common_width(self, types))

    def run(self, *values: Array) -> Array:
        """numpy's own result; NaN and ±inf arise in silence."""
        with np.errstate(all="ignore"):
            return BINARY[self.function](values[0], values[1]).astype(np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Where:
    """The second table where the first is not 0, else the third; tables of one column meet every column."""

    def infer(self, *types: Type) -> Type:
        """Numbers, as wide as the widest."""
        if len(types) != 3:
            raise TypeMismatch("Where: takes a condition and two tables")
        return number(_common_width(self, types))

    def run(self, *values: Array) -> Array:
        """`np.where`."""
        condition, chosen, other = values
        return np.where(condition != 0, chosen, other)


def _common_width(op: object, types: tuple[Type, ...]) -> int:
    widths = {t.width for t in types} - {1}
    if any(t.kind != "number" for t in types) or len(widths) > 1:
        raise TypeMismatch(f"{type(op).__name__}({', '.join(map(str, types))}): takes numbers of one width, or of 1")
    return max(t.width for t in types)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Power:
    """`x ** exponent`, column by column.

    Attributes:
        exponent: `(width,) float64`.
    """

    exponent: Floats

    def infer(self, *types: Type) -> Type:
        """The input's type."""
        return one(self, types, "number", len(self.exponent))

    def run(self, *values: Array) -> Array:
        """`np.power`; a negative number to a fraction is NaN in silence."""
        with np.errstate(all="ignore"):
            result: Array = np.power(values[0], self.exponent)
            return result


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constant:
    """One row, for every row of a table of any kind.

    Attributes:
        row: `(width,) float64`.
    """

    row: Floats

    def infer(self, *types: Type) -> Type:
        """Numbers, as wide as the row."""
        if len(types) != 1 or types[0].kind == "label":
            raise TypeMismatch(f"Constant({', '.join(map(str, types))}): takes one table")
        return number(len(self.row))

    def run(self, *values: Array) -> Array:
        """`(rows, width) float64`."""
        return np.broadcast_to(self.row, (len(values[0]), len(self.row))).copy()


def _logsumexp(x: Array) -> Array:
    from scipy.special import logsumexp

    result: Array = logsumexp(x, axis=2)
    return result


REDUCTIONS: dict[str, Callable[[Array], Array]] = {
    "logsumexp": _logsumexp,
    "max": lambda x: x.max(axis=2),
    "min": lambda x: x.min(axis=2),
    "prod": lambda x: x.prod(axis=2),
    "sum": lambda x: x.sum(axis=2),
}
"""What `Reduce` knows, along the last axis of `(rows, groups, columns)`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduce:
    """One number from each run of neighbouring columns.

    Attributes:
        function: a name of `REDUCTIONS`; `max` and `min` take no NaN.
        groups: into how many runs of one length the columns are cut; so many columns come out.
    """

    function: str
    groups: int = 1

    def infer(self, *types: Type) -> Type:
        """Numbers, `groups` wide."""
        if self.function not in REDUCTIONS:
            raise TypeMismatch(f"Reduce({self.function}): knows {', '.join(REDUCTIONS)}")
        given = one(self, types, "number")
        if given.width == 0 or given.width % self.groups:
            raise TypeMismatch(f"Reduce({given}): is not {self.groups} runs of one length")
        return number(self.groups)

    def run(self, *values: Array) -> Array:
        """`(rows, groups) float64`."""
        x = values[0]
        with np.errstate(all="ignore"):
            return REDUCTIONS[self.function](x.reshape(len(x), self.groups, x.shape[1] // self.groups))
