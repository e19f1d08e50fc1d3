"""What narrow arithmetic warrants: how far answers may be off, and which scores it tells apart."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from edgepack_coreml.kinds import Arithmetic

ALLOWED: Mapping[Arithmetic, Mapping[str, float]] = MappingProxyType(
    {
        "float64": {"value": 1e-5, "probabilities": 1e-6},
        "float32": {"value": 1e-5, "probabilities": 1e-6},
        "float16": {"value": 1e-2, "probabilities": 1e-2},
    }
)
"""Beside the larger of 1 and the answer. float16 has eleven bits; 0.01 is some twenty of its roundings, of 2⁻¹¹."""


def tie_width(arithmetic: Arithmetic) -> float:
    """Two scores that may each be off by what probabilities may can change places; doubles tell them apart."""
    return 0.0 if arithmetic == "float64" else 2 * ALLOWED[arithmetic]["probabilities"]
