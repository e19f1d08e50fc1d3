"""Smaller Programs: weights and leaves moved to numbers that take fewer bits, and what that did."""

from edgepack.quantize.rewrite import METHODS, Part, Quantized, quantize

__all__ = ["METHODS", "Part", "Quantized", "quantize"]
