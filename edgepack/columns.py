"""Rows held by column: how many there are, some of them, several sets of them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgepack.contract import Columns
from edgepack.ir.types import Array, Flags, Integers


def row_count(columns: Columns) -> int:
    """How many rows there are."""
    return len(next(iter(columns.values())))


def take(columns: Columns, rows: Integers | Flags | slice) -> dict[str, Array]:
    """Some of the rows."""
    return {name: x[rows] for name, x in columns.items()}


def joined(parts: Sequence[Columns]) -> dict[str, Array]:
    """The rows of all parts, of which there is at least one, in order."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
