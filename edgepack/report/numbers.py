"""Numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

ABSENT = "–"


def count(x: float) -> str:
    """`22,003`."""
    return f"{x:,.0f}"


def error(x: float) -> str:
    """`0`, `1.2e-07`."""
    return "0" if x == 0 else f"{x:.2g}"


def size(x: float) -> str:
    """Bytes in decimal units: `128.7 kB`."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(x) >= limit:
            return f"{x / limit:.1f} {unit}"
    return f"{x:.0f} B"


def time(us: float) -> str:
    """Microseconds in the unit that suits them: `16.2 µs`, `6.7 ms`."""
    for limit, unit in ((1e6, "s"), (1e3, "ms")):
        if us >= limit:
            return f"{_three(us / limit)} {unit}"
    return f"{_three(us)} µs"


def milliseconds(ms: float) -> str:
    """Milliseconds likewise."""
    return time(ms * 1000)


def megabytes(x: float) -> str:
    """`1.24 MB`."""
    return f"{x:.2f} MB"


def ratio(x: float) -> str:
    """`410×`, `2.3×`, `0.41×`."""
    return f"{_three(x) if x >= 1 else f'{x:.2g}'}×"


def figure(x: Any, form: str) -> str:
    """A value in one of the `FORMS`; a dash for None, and infinities by name, also in the form that JSON holds."""
    if x is None:
        return ABSENT
    if isinstance(x, Mapping):
        return str(x["float"])
    if isinstance(x, str) or not math.isfinite(x):
        return str(x)
    return FORMS[form](x)


FORMS: Mapping[str, Callable[[Any], str]] = {
    "count": count,
    "error": error,
    "size": size,
    "time": time,
    "milliseconds": milliseconds,
    "megabytes": megabytes,
    "ratio": ratio,
}


def _three(x: float) -> str:
    """Three digits, no exponent."""
    return f"{x:,.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"
