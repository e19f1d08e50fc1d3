"""The rows that a model was fitted on, as far as the distances that it measures tell them."""

from __future__ import annotations

import numpy as np

from edgepack.columns import joined, row_count, take
from edgepack.contract import Columns
from edgepack.ir import Program
from edgepack.ir.ops import Distances
from edgepack.ir.types import Array, Floats
from edgepack.parity.trace import Chain, trace

ENOUGH = 1e-6
"""How near to a fitted number its column must come, beside the larger of 1 and the number."""


def fitted_rows(program: Program, base: Columns, most: int, rng: np.random.Generator) -> Columns | None:
    """Up to `most` rows to which a Program measures distances; what they do not tell is a plausible row's.

    A sample has few of them, and between these a model of neighbours decides little. None where there are none.

    Args:
        base: plausible rows.
    """
    chains = trace(program)
    parts = []
    for node in program.nodes:
        if not isinstance(node.op, Distances) or not most:
            continue
        points = node.op.points
        points = points if len(points) <= most else points[rng.choice(len(points), most, replace=False)]
        rows = take(base, rng.integers(row_count(base), size=len(points)))
        told = [_told(program, rows, chain, points[:, j]) for j, chain in enumerate(chains[node.inputs[0]])]
        parts += [rows] if any(told) else []
        most -= len(points)
    return joined(parts) if parts else None


def _told(program: Program, rows: Columns, chain: Chain | None, numbers: Floats) -> bool:
    """Whether a column's numbers tell those of an input, which are then put into the rows."""
    if chain is None or chain.is_finite:
        return False
    i = program.interface.inputs[chain.slot[0]]
    if i.kind == "string" or i.categories is not None:
        return False
    column = rows[i.name][:, chain.slot[1]]
    known = column[np.isfinite(column)]
    found = np.full(len(numbers), np.nan)
    for low, high in ((0.0, 1.0), (known.min(initial=np.inf), known.max(initial=-np.inf))):  # 0 and 1 may be clipped
        from_low, from_high = chain.run(np.array([low, high]))
        with np.errstate(all="ignore"):
            x: Array = low + (numbers - from_low) / (from_high - from_low) * (high - low)
            x = x.astype(program.interface.input_dtype).astype(np.float64)
            told = np.abs(chain.run(x) - numbers) <= ENOUGH * np.maximum(np.abs(numbers), 1)
        found = np.where(np.isnan(found) & told & np.isfinite(x), x, found)
    at = np.isfinite(found)
    column[at] = found[at]
    return bool(at.any())
