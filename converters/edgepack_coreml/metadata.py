"""What a model's `userDefined` metadata says about its own arithmetic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgepack.ir.types import Floats

RANGES = "edgepack.ranges"
"""Between which numbers the answers hold, `{input: [[low, …], [high, …]]}`; without it, all of them."""


def ranges_text(ranges: Mapping[str, Floats]) -> str:
    """The entry's text. Round trip: `ranges_in({RANGES: ranges_text(r)})` equals r."""
    return json.dumps({name: ends.tolist() for name, ends in ranges.items()}, ensure_ascii=False)


def ranges_in(user_defined: Mapping[str, str]) -> Mapping[str, Floats]:
    """`(2, width)` per input of numbers; empty where all numbers are fine."""
    listed: dict[str, Any] = json.loads(user_defined.get(RANGES, "{}"))
    return {name: np.array(ends, np.float64) for name, ends in listed.items()}
