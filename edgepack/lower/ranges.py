"""Between which numbers the sample's columns lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgepack.contract import Interface
from edgepack.ir.types import Floats
from edgepack.rows import columns_of


def ranges_of(sample: Any, interface: Interface) -> Mapping[str, Floats]:
    """`(2, width)` for every input of numbers: the smallest and largest of each column; 0 where it has none."""
    ranges = {}
    for name, x in columns_of(sample, interface).items():
        if x.dtype != object:
            finite = np.isfinite(x)
            low = np.where(finite, x, np.inf).min(axis=0, initial=np.inf)
            high = np.where(finite, x, -np.inf).max(axis=0, initial=-np.inf)
            ranges[name] = np.where(low <= high, np.stack([low, high]), 0.0)
    return ranges
