"""Which columns of a Program's values depend on one column of one input alone, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgepack.ir import Program
from edgepack.ir.ops import (
    Affine,
    Clip,
    Complement,
    Concat,
    Elementwise,
    Impute,
    Indicate,
    Lookup,
    OneHot,
    Op,
    Select,
    Sigmoid,
    Step,
)
from edgepack.ir.types import Array, Floats

Slot = tuple[int, int]
"""One column of one input: the input's number and the column's number in it."""


@dataclass(frozen=True, slots=True)
class Chain:
    """One column of a value as a function of one slot.

    Attributes:
        slot: where it starts.
        steps: the ops on the way, each with the column of the op's result that the chain goes through.
    """

    slot: Slot
    steps: tuple[tuple[Op, int], ...] = ()

    @property
    def is_finite(self) -> bool:
        """Whether the chain knows a finite set of values only (it goes through a `Lookup` or a one-hot column)."""
        return any(isinstance(op, Lookup | OneHot) for op, _ in self.steps)

    def then(self, op: Op, column: int) -> Chain:
        """The chain one op further."""
        return replace(self, steps=(*self.steps, (op, column)))

    def run(self, x: Array) -> Array:
        """The chain's value for the slot's values `x (n,)`."""
        with np.errstate(all="ignore"):
            for op, column in self.steps:
                x = _run_column(op, column, x)
        return x


def trace(program: Program) -> dict[str, tuple[Chain | None, ...]]:
    """A chain for every column of every value by name; None where several slots (or unknown ops) meet."""
    chains: dict[str, tuple[Chain | None, ...]] = {}
    types = program.types()
    for k, i in enumerate(program.interface.inputs):
        chains[f"i{k}"] = tuple(Chain((k, j)) for j in range(i.width))
    for node in program.nodes:
        taken = [chains[name] for name in node.inputs]
        chains[node.name] = _through(node.op, taken, types[node.name].width)
    return chains


def _through(op: Op, taken: list[tuple[Chain | None, ...]], width: int) -> tuple[Chain | None, ...]:
    match op:
        case Select():
            return tuple(taken[0][c] for c in op.columns)
        case Concat():
            return tuple(chain for part in taken for chain in part)
        case Affine() | Clip() | Elementwise() | Impute() | Indicate() | Sigmoid() | Step():
            return tuple(chain and chain.then(op, j) for j, chain in enumerate(taken[0]))
        case Lookup() | OneHot() | Complement():
            chain = taken[0][0]
            return tuple(chain and chain.then(op, j) for j in range(width))
        case _:
            return (None,) * width


def _run_column(op: Op, column: int, x: Array) -> Array:
    at = slice(column, column + 1)
    match op:
        case Affine():
            op = Affine(
                center=_part(op.center, at),
                divisor=_part(op.divisor, at),
                factor=_part(op.factor, at),
                offset=_part(op.offset, at),
            )
        case Clip():
            op = Clip(low=op.low[at], high=op.high[at])
        case Impute():
            op = Impute(fill=op.fill[at], sentinel=op.sentinel)
        case Lookup():
            return op.table[op.rows_of(x), column]
        case OneHot():
            return (x == column).astype(np.float64)
        case Complement():
            return x if column else 1 - x
    return op.run(x[:, None])[:, 0]


def _part(parameters: Floats | None, at: slice) -> Floats | None:
    return None if parameters is None else parameters[at]
