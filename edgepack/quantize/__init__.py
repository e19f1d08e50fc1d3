"""Smaller Programs: weights and leaves moved to numbers that take fewer bits, and what that did."""

from edgepack.quantize.activations import Ranges
from edgepack.quantize.effect import Budget, Effect, effect_of, metric_of, share_of
from edgepack.quantize.rewrite import (
    METHODS,
    OF_WEIGHTS,
    Method,
    Part,
    Quantized,
    calibrated,
    has_wide_weights,
    quantize,
)

__all__ = [
    "METHODS",
    "OF_WEIGHTS",
    "Budget",
    "Effect",
    "Method",
    "Part",
    "Quantized",
    "Ranges",
    "calibrated",
    "effect_of",
    "has_wide_weights",
    "metric_of",
    "quantize",
    "share_of",
]
