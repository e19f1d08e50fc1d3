"""What stands for a Program's value while its graph is written: columns of tensors that are already there.

The graph inputs `numbers` and `strings` are all inputs side by side, so selecting and joining columns is bookkeeping;
a node is written only where a step needs the columns as one tensor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from edgepack.ir.types import Floats, Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """A tensor of the graph, `(rows, width)`.

    Attributes:
        name: its name in the graph.
        width: its columns.
        element: what they hold.
        float32: whether all its numbers are float32 values, whatever it holds them in.
        tokens: for strings, the text per column that stands for a missing value; None where nothing is missing.
    """

    name: str
    width: int
    element: Literal["float", "double", "string"] = "double"
    float32: bool = False
    tokens: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Columns of one tensor, in any order."""

    tensor: Tensor
    columns: Integers


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Columns side by side."""

    parts: tuple[Part, ...]

    @property
    def width(self) -> int:
        """How many columns."""
        return sum(len(part.columns) for part in self.parts)

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The distinct tensors, in order of appearance."""
        return tuple({part.tensor.name: part.tensor for part in self.parts}.values())

    @property
    def float32(self) -> bool:
        """Whether all numbers are float32 values."""
        return all(tensor.float32 for tensor in self.tensors)

    @property
    def tokens(self) -> tuple[str | None, ...]:
        """What stands for a missing string, per column."""
        return tuple(part.tensor.tokens[c] for part in self.parts for c in part.columns)

    def select(self, columns: Integers) -> Table:
        """The columns at these places."""
        owner = np.repeat(np.arange(len(self.parts)), [len(part.columns) for part in self.parts])
        place = np.concatenate([part.columns for part in self.parts])
        return _merged([Part(self.parts[owner[c]].tensor, place[[c]]) for c in columns])


@dataclass(frozen=True, slots=True)
class Vector:
    """A tensor `(rows,)`: class indices (int64) or labels."""

    name: str


def are_float32(numbers: Floats) -> bool:
    """Whether rounding these numbers to float32 changes none of them."""
    with np.errstate(over="ignore"):
        return np.array_equal(numbers, numbers.astype(np.float32), equal_nan=True)


def whole(tensor: Tensor) -> Table:
    """All columns of a tensor."""
    return Table((Part(tensor, np.arange(tensor.width)),))


def joined(tables: Sequence[Table]) -> Table:
    """The columns of several tables."""
    return _merged([part for table in tables for part in table.parts])


def _merged(parts: Sequence[Part]) -> Table:
    """Neighbours of one tensor as one part."""
    runs: list[list[Part]] = []
    for part in parts:
        if runs and runs[-1][0].tensor.name == part.tensor.name:
            runs[-1].append(part)
        else:
            runs.append([part])
    return Table(tuple(Part(run[0].tensor, np.concatenate([part.columns for part in run])) for run in runs))
