"""ML Programs: what no classic model can say, in float32, through coremltools' builder."""

from edgepack_coreml.mil.package import write
from edgepack_coreml.mil.plan import Planned, plan

__all__ = ["Planned", "plan", "write"]
