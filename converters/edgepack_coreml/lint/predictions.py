"""Rules on what a classifier or regressor says that it predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from edgepack_coreml.lint.place import Finding, Place, said

PREDICTS = ("Classifier", "Regressor")


def prediction(place: Place) -> Iterator[Finding]:
    """A classifier or regressor names its prediction, which is an output: a label, or a number."""
    description = place.model.description
    name = description.predictedFeatureName
    if not place.kind.endswith(PREDICTS):
        if name and name not in place.outputs:
            yield place.described("predictedFeatureName", f"{name!r} is no output")
        return
    if name not in place.outputs:
        yield place.described("predictedFeatureName", f"{name!r} is no output; a {place.kind} must name its prediction")
        return
    kind = said(place.outputs[name])
    wanted = ("int64", "string") if place.kind.endswith("Classifier") else ("double", "float64", "float32")
    if not kind.startswith(wanted):
        yield place.described(
            "predictedFeatureName", f"{name!r} is {kind}; a {place.kind} predicts {' or '.join(wanted[:2])}"
        )


def probabilities(place: Place) -> Iterator[Finding]:
    """Probabilities that are named are an output: a dictionary by the labels' own type."""
    description = place.model.description
    name, label = description.predictedProbabilitiesName, description.predictedFeatureName
    if not name:
        return
    if name not in place.outputs:
        yield place.described("predictedProbabilitiesName", f"{name!r} is no output")
    elif label in place.outputs and said(place.outputs[name]) != f"dictionary by {said(place.outputs[label])}":
        reason = f"{name!r} is a {said(place.outputs[name])}, the label {label!r} is {said(place.outputs[label])}"
        yield place.described("predictedProbabilitiesName", reason)


def labels(place: Place) -> Iterator[Finding]:
    """A classifier's labels are all different, at least two, of the prediction's type, and the manifest's classes."""
    from edgepack_coreml.labels import core_ml_labels

    found = _labels(place.parameters) if place.kind.endswith("Classifier") and not place.stages else None
    if found is None:
        return
    field, listed = found
    kind = "string" if field == "stringClassLabels" else "int64"
    type_ = place.outputs.get(place.model.description.predictedFeatureName)
    if len(set(listed)) != len(listed) or len(listed) < 2:
        yield place.finding(field, f"{listed} are not two or more different labels")
    elif type_ is not None and said(type_) in ("string", "int64") and said(type_) != kind:
        yield place.finding(field, f"labels of type {kind}; the prediction is {said(type_)}")
    elif tuple(listed) != core_ml_labels(place.interface.classes or ()):
        yield place.finding(field, f"{listed} are not the manifest's classes {list(place.interface.classes or ())}")


def _labels(parameters: Any) -> tuple[str, list[Any]] | None:
    field = parameters.WhichOneof("ClassLabels")
    return None if field is None else (field, list(getattr(parameters, field).vector))
