"""Charts as plain numbers: places in percent of an axis, which the page draws with HTML and a stretched SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from edgepack.bench.result import PER_DECADE
from edgepack.report.numbers import time

EXACT, LOWEST, HIGHEST = 6.0, -17.0, 0.0
"""An error axis: the place of 0 in percent, and the powers of ten at the two ends of the rest."""


def error_place(x: float | str) -> float:
    """Where an error stands, in percent: 0 has a place of its own at the left."""
    x = float(x)
    if x == 0:
        return EXACT / 2
    power = HIGHEST if math.isinf(x) or math.isnan(x) else min(max(math.log10(abs(x)), LOWEST), HIGHEST)
    return round(EXACT + (100 - EXACT) * (power - LOWEST) / (HIGHEST - LOWEST), 2)


def error_ticks() -> list[dict[str, Any]]:
    """Labelled places on an error axis."""
    ticks = [{"place": EXACT / 2, "text": "0"}]
    return ticks + [{"place": error_place(10.0**p), "text": f"1e{p}"} for p in (-15, -12, -9, -6, -3, 0)]


def error_bars(rows_by_error: Mapping[str, int]) -> list[dict[str, Any]]:
    """A bar per decade of errors, in percent of the axis; heights by the logarithm, so that one row of many is seen."""
    tallest = math.log1p(max(rows_by_error.values(), default=1))
    width = (100 - EXACT) / (HIGHEST - LOWEST)
    bars = []
    for decade, rows in rows_by_error.items():
        left, wide = (0.0, EXACT) if decade == "0" else (min(error_place(decade), 100 - width), width)
        height = round(100 * math.log1p(rows) / tallest, 1)
        bars.append({"left": round(left, 2), "width": round(wide, 2), "height": height, "rows": rows, "from": decade})
    return bars


def time_axis(arms: Iterable[Mapping[str, Any]], batch_rows: int) -> dict[str, Any] | None:
    """The decades that all arms' times at a batch size lie in, with ticks; None where nothing was timed."""
    spans = [_span(latency) for arm in arms for latency in arm["latencies"] if latency["batch_rows"] == batch_rows]
    if not spans:
        return None
    low = math.floor(min(first for first, _ in spans) / PER_DECADE)
    high = max(math.ceil(max(last for _, last in spans) / PER_DECADE), low + 1)
    ticks = [{"place": 100 * (p - low) / (high - low), "text": _bare(time(10.0**p))} for p in range(low, high + 1)]
    return {"low": low, "high": high, "ticks": ticks}


def time_place(us: float, axis: Mapping[str, Any]) -> float:
    """Where a time stands on an axis, in percent."""
    return round(100 * (math.log10(us) - axis["low"]) / (axis["high"] - axis["low"]), 2)


def ridge(latency: Mapping[str, Any], axis: Mapping[str, Any]) -> str:
    """A histogram's outline as an SVG path in a box of 100 × 100; the fullest bin reaches the top."""
    histogram = latency["histogram"]
    counts, first = histogram["counts"], histogram["first_bin"]
    width = 100 / ((axis["high"] - axis["low"]) * PER_DECADE)
    x = (first - axis["low"] * PER_DECADE) * width
    tallest = max(counts)
    path = f"M{x:.2f} 100"
    for number in counts:
        path += f"V{100 - 100 * number / tallest:.1f}"
        x += width
        path += f"H{x:.2f}"
    return path + "V100Z"


def _span(latency: Mapping[str, Any]) -> tuple[int, int]:
    histogram = latency["histogram"]
    return histogram["first_bin"], histogram["first_bin"] + len(histogram["counts"])


def _bare(text: str) -> str:
    """`1.00 ms` as `1 ms`."""
    number, unit = text.split()
    return f"{float(number.replace(',', '')):g} {unit}"
