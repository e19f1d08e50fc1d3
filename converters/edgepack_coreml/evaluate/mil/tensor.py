"""A value in a program: a constant, or one for every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.values import Unknown


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A constant `shape`, or `(rows, *shape)`: a program itself knows nothing of rows.

    Operations name their axes from the end, so that the same code serves both.
    """

    data: Array
    rows: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape that the program sees."""
        return self.data.shape[1:] if self.rows else self.data.shape

    @property
    def rank(self) -> int:
        """The number of axes that the program sees."""
        return len(self.shape)

    @property
    def lead(self) -> tuple[int, ...]:
        """`(rows,)`, or nothing for a constant."""
        return self.data.shape[:1] if self.rows else ()

    def reshaped(self, shape: Sequence[int]) -> Tensor:
        """The same values in another shape."""
        return Tensor(self.data.reshape((*self.lead, *shape)), self.rows)

    def axis(self, axis: int, more: int = 0) -> int:
        """An axis counted from the end, −1 the last; `more` is how many axes a result has in addition."""
        rank = self.rank + more
        if not -rank <= axis < rank:
            raise Unknown(f"axis {axis} of a tensor of rank {rank}")
        return axis - rank if axis >= 0 else axis


def aligned(*tensors: Tensor) -> tuple[list[Array], bool]:
    """Arrays that numpy broadcasts as the program broadcasts the tensors; whether the result has rows."""
    rank = max(t.rank for t in tensors)
    arrays = [t.reshaped((1,) * (rank - t.rank) + t.shape).data if t.rows else t.data for t in tensors]
    try:
        np.broadcast_shapes(*(t.shape for t in tensors))
    except ValueError as error:
        raise Unknown(f"shapes {' and '.join(str(list(t.shape)) for t in tensors)}: do not fit") from error
    return arrays, any(t.rows for t in tensors)


def alike(*tensors: Tensor) -> tuple[list[Array], bool]:
    """All tensors with rows if any has them: a constant is repeated (as a view)."""
    lead = next((t.lead for t in tensors if t.rows), ())
    return [t.data if t.rows else np.broadcast_to(t.data, lead + t.shape) for t in tensors], bool(lead)
