"""The one op whose work an app does before it asks the artifact."""

from __future__ import annotations

from dataclasses import dataclass

from edgepack.host.text import TextStep
from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Type, number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Count:
    """A text's terms, counted: a host step. An artifact takes the counts as an input of its own.

    Attributes:
        step: how; its `input` is the Program's input that the op takes.
    """

    step: TextStep

    def infer(self, *types: Type) -> Type:
        """Numbers, as wide as the vocabulary."""
        one(self, types, "string", 1)
        return number(self.step.width)

    def run(self, *values: Array) -> Array:
        """`(rows, width) float64` of whole numbers."""
        return self.step.counts(values[0][:, 0])
