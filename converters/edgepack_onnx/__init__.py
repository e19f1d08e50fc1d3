"""Programs as ONNX models."""

from edgepack_onnx.target import OnnxTarget

__all__ = ["target"]

target = OnnxTarget()
"""The instance behind the entry point `onnx`."""
