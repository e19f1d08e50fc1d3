"""Weighted sums in whole numbers: what they take is rounded to levels that calibration rows span."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from edgepack.contract import Columns
from edgepack.ir.ops import IntegerLinear, Linear
from edgepack.ir.ops.integer import LARGEST_CODE, LARGEST_SUM, LARGEST_WEIGHT
from edgepack.ir.packing import scaled
from edgepack.ir.program import Program

Range = tuple[float, float]
"""The smallest and the largest number."""

Ranges = Mapping[str, Range]
"""By the name of a weighted sum's node, what it takes."""

NO_RANGES: Ranges = MappingProxyType({})

BIAS_CODE = 2**20
"""A sum without weights is a bias alone, which takes so many units."""


def ranges_of(program: Program, rows: Columns) -> Ranges:
    """Between which finite numbers lies what each `Linear` of a Program takes, for these rows; 0 is always inside."""
    values = program.values(rows)
    found = {}
    for node in program.nodes:
        if isinstance(node.op, Linear):
            x = values[node.inputs[0]]
            x = x[np.isfinite(x)]
            found[node.name] = float(x.min(initial=0.0)), float(x.max(initial=0.0))
    return found


def in_whole_numbers(linear: Linear, between: Range | None) -> IntegerLinear | str:
    """The same sum of rounded weights and activations, or why there is none."""
    if between is None or between[0] == between[1]:
        return "no calibration row has another number than 0 here"
    features = linear.coef.shape[1]
    low, high = between
    step = float(np.float32((high - low) / LARGEST_CODE))
    weights = scaled(linear.coef, axis=0, largest=LARGEST_WEIGHT)
    alone = np.abs(linear.intercept) / (step * BIAS_CODE)
    scale = np.where(weights.scale > 0, weights.scale, np.where(alone > 0, alone, 1.0)).astype(np.float32)
    with np.errstate(all="ignore"):
        bias = np.rint(linear.intercept / (np.float32(step) * scale))
    if not np.all(np.abs(bias) <= LARGEST_SUM - features * LARGEST_CODE * LARGEST_WEIGHT):
        return "sums beyond 32 bits"
    return IntegerLinear(
        weights=weights.codes,
        bias=bias.astype(np.int64),
        scale=scale,
        step=step,
        zero=int(np.clip(np.rint(-low / step), 0, LARGEST_CODE)),
    )
