"""ML Programs: what no classic model can say, in float32, through coremltools' builder."""

from edgepack_coreml.mil.overflow import LARGEST
from edgepack_coreml.mil.package import write
from edgepack_coreml.mil.plan import Planned, plan

__all__ = ["LARGEST", "Planned", "plan", "write"]
