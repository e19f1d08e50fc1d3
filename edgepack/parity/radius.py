"""Where a model compares its distances to fitted rows with a radius, each row's to one fitted row alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgepack.contract import Columns
from edgepack.ir import Node, Program
from edgepack.ir.ops import Binary, Constant, Distances, Elementwise
from edgepack.ir.types import Array, Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Radius:
    """A node of a Program that compares a function of distances with a number.

    Attributes:
        program: the Program.
        given: the value whose distances they are.
        distances: to all fitted rows; of differences, so that each is that of the difference to a row of zeros.
        functions: from the distances to what is compared, in order.
        comparison: of what these make with the number.
        limit: the number.
        limit_first: whether it stands first in the comparison.
    """

    program: Program
    given: str
    distances: Distances
    functions: tuple[Elementwise, ...]
    comparison: Binary
    limit: float
    limit_first: bool

    @classmethod
    def of(cls, program: Program, node: Node) -> Radius | None:
        """What a node compares; None where that is something else, or a distance that is not one of differences."""
        if not isinstance(node.op, Binary):
            return None
        makers = [program.node_of(name) for name in node.inputs]
        limits = [isinstance(m.op, Constant) and len(m.op.row) == 1 if m else False for m in makers]
        if limits.count(True) != 1:
            return None
        limit, compared = makers[limits.index(True)], makers[limits.index(False)]
        functions: list[Elementwise] = []
        while compared is not None and isinstance(compared.op, Elementwise):
            functions, compared = [compared.op, *functions], program.node_of(compared.inputs[0])
        match limit, compared:
            case Node(op=Constant(row=row)), Node(op=Distances() as distances, inputs=(given,)):
                if distances.metric == "cosine":
                    return None
                return cls(
                    program=program,
                    given=given,
                    distances=distances,
                    functions=tuple(functions),
                    comparison=node.op,
                    limit=float(row[0]),
                    limit_first=limits[0],
                )
        return None

    def compared(self, rows: Columns, points: Integers) -> Array:
        """`(rows,)`: what the comparison says of each row and the fitted row of that number."""
        x = self.program.values(rows, until=self.given)[self.given]
        to_zeros = replace(self.distances, points=np.zeros((1, x.shape[1])))
        far = to_zeros.run(x - self.distances.points[points])
        for function in self.functions:
            far = function.run(far)
        limit = np.full(far.shape, self.limit)
        return self.comparison.run(*((limit, far) if self.limit_first else (far, limit)))[:, 0]
