"""One model of a Core ML pipeline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgepack_coreml.feature import Feature
from edgepack_coreml.proto import messages
from edgepack_coreml.wire import Pieces

SPECIFICATION = 1
"""Core ML 1 (iOS 11): every classic stage that is written here belongs to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A model of one kind from features to features.

    Attributes:
        kind: the name of the field in `Model.Type`.
        inputs, outputs: in the order of the description.
        body: gives the encoded field `kind` of a `Model` message.
        predicted: for classifiers and regressors: the output that holds the prediction.
        probabilities: for classifiers: the output that holds the dictionary.
        specification: the version that the stage needs.
    """

    kind: str
    inputs: tuple[Feature, ...]
    outputs: tuple[Feature, ...]
    body: Callable[[], Pieces]
    predicted: str = ""
    probabilities: str = ""
    specification: int = SPECIFICATION

    def header(self, inputs: tuple[Feature, ...], sentences: Mapping[str, str]) -> Any:
        """A `Model` message with version and description, for these inputs and this stage's outputs.

        Args:
            inputs: of the stage itself, or of the pipeline that it ends.
            sentences: a short description for features, by name.
        """
        model = messages().Model(specificationVersion=self.specification)
        for feature in inputs:
            feature.describe(model.description.input.add(), sentences.get(feature.name, ""))
        for feature in self.outputs:
            feature.describe(model.description.output.add(), sentences.get(feature.name, ""))
        model.description.predictedFeatureName = self.predicted
        model.description.predictedProbabilitiesName = self.probabilities
        return model

    def encode(self) -> Pieces:
        """The whole `Model` message of a stage inside a pipeline."""
        return (encoded(self.header(self.inputs, {})), *self.body())


def encoded(message: Any) -> bytes:
    """A message's bytes, the same on every run."""
    data: bytes = message.SerializeToString(deterministic=True)
    return data
