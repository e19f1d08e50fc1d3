"""Smaller Programs: weights and leaves moved to numbers that take fewer bits, and what that did."""

from edgepack.quantize.effect import Budget, Effect, effect_of, metric_of, share_of
from edgepack.quantize.rewrite import METHODS, Method, Part, Quantized, has_wide_weights, quantize

__all__ = [
    "METHODS",
    "Budget",
    "Effect",
    "Method",
    "Part",
    "Quantized",
    "effect_of",
    "has_wide_weights",
    "metric_of",
    "quantize",
    "share_of",
]
