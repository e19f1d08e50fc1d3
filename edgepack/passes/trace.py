"""Where a column comes from: back through the ops that treat each column by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgepack.contract import InputDtype
from edgepack.ir.ops import Affine, Clip, Concat, Elementwise, Impute, Indicate, Lookup, OneHot, Op, Select
from edgepack.ir.program import Node, Program
from edgepack.ir.types import Array, Floats

MONOTONE: Mapping[str, int] = {
    **dict.fromkeys(
        [
            "arcsinh",
            "arctan",
            "cbrt",
            "ceil",
            "exp",
            "exp2",
            "expm1",
            "floor",
            "log",
            "log10",
            "log1p",
            "log2",
            "rint",
            "sign",
            "sqrt",
            "tanh",
            "trunc",
        ],
        1,
    ),
    "negative": -1,
}
"""The ufuncs that never turn back where they are defined: 1 rising, −1 falling."""

MONOTONE_OVER_FLOAT32 = frozenset({"cbrt"})
"""Those that turn back by a last digit between neighbouring doubles, but not between neighbouring float32 numbers."""


@dataclass(frozen=True, slots=True)
class Place:
    """One column of one value."""

    value: str
    column: int


@dataclass(frozen=True, slots=True)
class Link:
    """One column of an op that treats each column by itself: what it reads and gives, and the op for it alone."""

    place: Place
    op: Op
    result: Place


@dataclass(frozen=True, slots=True)
class Path:
    """A column as a chain of one-column ops on the column it starts from, first op first."""

    start: Place
    links: tuple[Link, ...]

    def run(self, x: Array) -> Floats:
        """The column for values `x (rows,)` of the start."""
        value = x[:, None]
        for link in self.links:
            value = link.op.run(value)
        return value[:, 0]

    def after(self, k: int) -> Path:
        """The path from what link k − 1 gives: only the links from k on."""
        start = self.start if k == 0 else self.links[k - 1].result
        return Path(start, self.links[k:])


class Tracer:
    """Traces columns of one Program."""

    def __init__(self, program: Program) -> None:
        """Indexes the nodes by the value that they define."""
        self.nodes: dict[str, Node] = {node.name: node for node in program.nodes}
        self.types = program.types()

    def path(self, value: str, column: int) -> Path:
        """The longest chain behind a column."""
        links: list[Link] = []
        place = Place(value, column)
        while (found := self._back(place)) is not None:
            before, op = found
            if op is not None:
                links.append(Link(before, op, place))
            place = before
        return Path(place, tuple(reversed(links)))

    def origin(self, value: str, column: int) -> Place:
        """Where a column stood before values were joined and columns picked."""
        place = Place(value, column)
        while (found := self._back(place)) is not None and found[1] is None:
            place = found[0]
        return place

    def sees_behind(self, value: str) -> bool:
        """Whether its columns' paths have any link, or lead anywhere else."""
        return self._back(Place(value, 0)) is not None

    def _back(self, place: Place) -> tuple[Place, Op | None] | None:
        node = self.nodes.get(place.value)
        if node is None:
            return None
        j, op = place.column, node.op
        match op:
            case Concat():
                for name in node.inputs:
                    if j < self.types[name].width:
                        return Place(name, j), None
                    j -= self.types[name].width
                return None
            case Select():
                return Place(node.inputs[0], int(op.columns[j])), None
            case Impute():
                return Place(node.inputs[0], j), Impute(fill=op.fill[j : j + 1], sentinel=op.sentinel)
            case Affine():
                parts = {k: None if a is None else a[j : j + 1] for k, a in _parameters(op).items()}
                return Place(node.inputs[0], j), Affine(**parts)
            case Clip():
                return Place(node.inputs[0], j), Clip(low=op.low[j : j + 1], high=op.high[j : j + 1])
            case Elementwise() | Indicate():
                return Place(node.inputs[0], j), op
            case OneHot():
                # one column of a one-hot block: 1 where the index is j
                table = np.array([[1.0], [0.0], [0.0]])
                return Place(node.inputs[0], 0), Lookup(keys=np.array([float(j)]), table=table)
            case Lookup():
                return Place(node.inputs[0], 0), Lookup(keys=op.keys, table=op.table[:, j : j + 1])
            case _:
                return None


def direction(op: Op, dtype: InputDtype) -> int:
    """1 for a one-column op that never falls, −1 for one that never rises, 0 for one that does both or jumps at NaN.

    Args:
        dtype: the type of the numbers that the whole path starts from.
    """
    match op:
        case Affine():
            falling = sum(a is not None and bool(a[0] < 0) for a in (op.divisor, op.factor))
            return -1 if falling % 2 else 1
        case Clip() | Indicate():
            return 1  # an Indicate of NaN is 0 for every number
        case Impute(sentinel=sentinel):
            return 1 if sentinel != sentinel else 0
        case Elementwise(function=function):
            return 0 if dtype == "float64" and function in MONOTONE_OVER_FLOAT32 else MONOTONE.get(function, 0)
        case _:
            return 0


def _parameters(op: Affine) -> dict[str, Floats | None]:
    return {"center": op.center, "divisor": op.divisor, "factor": op.factor, "offset": op.offset}
