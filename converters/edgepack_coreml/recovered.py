"""What is known of a file while its stages are read back, one after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.contract import Interface
from edgepack.ir.computation import Transcript, Unreadable
from edgepack.ir.ops import Label
from edgepack_coreml.evaluate.mil.weights import Weights
from edgepack_coreml.labels import core_ml_labels


class Recovered:
    """The features that stages pass on, each a value of the transcript."""

    def __init__(self, interface: Interface, weights: Weights | None) -> None:
        """Names the inputs."""
        self.interface, self.weights = interface, weights
        self.script = Transcript(interface=interface)
        self.values = {i.name: f"i{k}" for k, i in enumerate(interface.inputs)}
        self.tokens = {i.name: i.missing_token for i in interface.strings}
        self.probabilities, self.label = "", ""

    def taken(self, stage: Any) -> str:
        """All numbers that a stage takes, side by side."""
        names = [feature.name for feature in stage.description.input]
        if any(name in self.tokens or name not in self.values for name in names):
            raise Unreadable(", ".join(names))
        return self.script.joined([self.values[name] for name in names])

    def labelled(self, place: str, labels: Any) -> None:
        """Names the label; raises where a file's labels are not the interface's."""
        if tuple(labels) != core_ml_labels(self.interface.classes or ()):
            raise Unreadable("labels")
        self.label = self.script.emit(Label(classes=np.array(self.interface.classes)), place)
