"""Between which numbers the columns of rows lie."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from edgepack.contract import Columns
from edgepack.ir.program import Program
from edgepack.ir.types import Floats


def ranges_of(columns: Columns) -> Mapping[str, Floats]:
    """`(2, width)` for every input of numbers: the smallest and largest of each column; 0 where it has none."""
    return {name: np.where(low <= high, np.stack([low, high]), 0.0) for name, (low, high) in _ends(columns).items()}


def widened(program: Program, columns: Columns) -> Program:
    """The Program whose ranges hold these rows, too: so far out a target tries its artifact and says that it holds."""
    ranges = dict(program.ranges)
    for name, (low, high) in _ends(columns).items():
        known = ranges.get(name, np.stack([low, high]))
        both = np.stack([np.minimum(known[0], low), np.maximum(known[1], high)])
        ranges[name] = np.where(both[0] <= both[1], both, 0.0)
    return replace(program, ranges=ranges)


def _ends(columns: Columns) -> Mapping[str, tuple[Floats, Floats]]:
    """The smallest and largest finite number of each column, or ∞ and −∞."""
    ends = {}
    for name, x in columns.items():
        if x.dtype != object:
            finite = np.isfinite(x)
            low = np.where(finite, x, np.inf).min(axis=0, initial=np.inf)
            ends[name] = low, np.where(finite, x, -np.inf).max(axis=0, initial=-np.inf)
    return ends
