"""What a lowering of one's own is written with: `apply`, the ops, and `Refused`. See docs/extending.md."""

from edgepack.ir import ops
from edgepack.ir.types import TypeMismatch
from edgepack.lower.builder import Refused
from edgepack.lower.taught import Value, apply

__all__ = ["Refused", "TypeMismatch", "Value", "apply", "ops"]
