"""What quantized artifacts are compared with: the quantized Program, for the rows that the server answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.columns import row_count, take
from edgepack.contract import Answers, Columns
from edgepack.ir import Program
from edgepack.ir.ops import ArgMax, Label, Step
from edgepack.ir.types import Flags
from edgepack.parity.reference import Margins, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizedServer:
    """Answers as the original estimator would with the quantized numbers in it.

    Attributes:
        program: the quantized Program, in float64.
        original: says which rows have an answer.
    """

    program: Program
    original: Reference

    def answers(self, columns: Columns) -> tuple[Answers, Flags]:
        """As `Reference.answers`."""
        _, refused = self.original.answers(columns)
        return self.program.run(take(columns, ~refused)), refused

    def margins(self, columns: Columns) -> Margins:
        """How far the two best scores of each row are apart: those that the label is chosen by."""
        label = self.program.node_of(self.program.outputs.get("label", ""))
        chosen = self.program.node_of(label.inputs[0]) if label and isinstance(label.op, Label) else None
        if chosen is None or not isinstance(chosen.op, ArgMax | Step):
            unknown = np.full(row_count(columns), np.inf)
            return Margins(apart=unknown, size=np.ones(len(unknown)))
        name = chosen.inputs[0]
        parts = self.program.parts(columns)
        scores = np.concatenate([self.program.values(part, until=name)[name] for part in parts])
        return Margins.of(scores - chosen.op.threshold if isinstance(chosen.op, Step) else scores)

    def ties(self, columns: Columns) -> Flags:
        """As `Reference.ties`."""
        return self.original.ties(columns)
