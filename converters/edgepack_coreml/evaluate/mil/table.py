"""All operations by name."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain

from edgepack_coreml.evaluate.mil import (
    activations,
    constexpr,
    elementwise,
    indexing,
    matrix,
    reductions,
    shapes,
    sorting,
)
from edgepack_coreml.evaluate.mil.op import Op

ROOMS = (activations, constexpr, elementwise, indexing, matrix, reductions, shapes, sorting)


def operations() -> Mapping[str, Op]:
    """The rooms' tables as one. Raises `ValueError` for a name that two of them have."""
    entries = list(chain.from_iterable(room.OPS.items() for room in ROOMS))
    table = dict(entries)
    if len(table) != len(entries):
        raise ValueError("an operation is listed twice")
    return table


OPERATIONS = operations()
CONSTEXPR = "constexpr_"
"""Operations of this prefix take only constants, and may have them as attributes."""
