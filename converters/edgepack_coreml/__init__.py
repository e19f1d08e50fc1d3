"""The Core ML target: from a Program to an .mlmodel file, and a reference evaluator that runs it anywhere."""

from edgepack_coreml.target import CoreMLTarget

__all__ = ["target"]

target = CoreMLTarget()
"""The instance that the entry point `coreml` of `edgepack.targets` names."""
