"""Rules on pipelines: what flows from stage to stage."""

from __future__ import annotations

from collections.abc import Iterator

from edgepack_coreml.kinds import PIPELINES
from edgepack_coreml.lint.place import Finding, Place, said

ENDS = {"pipelineClassifier": "Classifier", "pipelineRegressor": "Regressor"}


def flow(place: Place) -> Iterator[Finding]:
    """A stage takes what is there before it, of the very type; a pipeline gives what its stages gave."""
    if place.given is not None:
        for k, feature in enumerate(place.model.description.input):
            there = place.given.get(feature.name, "nothing")
            if there != said(feature.type):
                reason = f"takes {feature.name!r} as {said(feature.type)}; before it there is {there}"
                yield place.described(f"input[{k}]", reason)
    if place.kind in PIPELINES:
        made = {name: said(type_) for stage in place.stages for name, type_ in stage.outputs.items()}
        for k, feature in enumerate(place.model.description.output):
            if made.get(feature.name, "nothing") != said(feature.type):
                reason = (
                    f"gives {feature.name!r} as {said(feature.type)}; the stages make {made.get(feature.name, 'none')}"
                )
                yield place.described(f"output[{k}]", reason)


def once(place: Place) -> Iterator[Finding]:
    """No stage makes a feature that is there already."""
    if place.given is None:
        return
    for k, feature in enumerate(place.model.description.output):
        if feature.name in place.given:
            yield place.described(f"output[{k}].name", f"{feature.name!r} is made before this stage already")


def ends(place: Place) -> Iterator[Finding]:
    """A pipeline has stages; a classifier's or regressor's last one predicts, and predicts the same features."""
    if place.kind not in PIPELINES:
        return
    if not place.stages:
        yield place.finding("models", "is empty")
        return
    last, description = place.stages[-1], place.model.description
    wanted = ENDS.get(place.kind, "")
    if wanted and not (last.kind.endswith(wanted) or last.kind == "mlProgram"):
        yield Finding(last.path, f"a {last.kind} ends a {place.kind}")
    elif wanted and last.model.description.predictedFeatureName != description.predictedFeatureName:
        told = last.model.description.predictedFeatureName
        yield place.described(
            "predictedFeatureName", f"{description.predictedFeatureName!r} is not the last stage's, {told!r}"
        )
