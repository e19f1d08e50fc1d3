"""Rules on single features: what they are called, what they are, and whether an Xcode user is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from edgepack_coreml.lint.place import DATA_TYPES, Finding, Place

MAY_MISS = ("treeEnsembleClassifier", "treeEnsembleRegressor")


def names(place: Place) -> Iterator[Finding]:
    """Every feature has a name of its own."""
    listed = _listed(place)
    count = Counter(f.name for _, f in listed)
    for where, feature in listed:
        if not feature.name:
            yield place.described(f"{where}.name", "is empty", "name the column")
        elif count[feature.name] > 1:
            yield place.described(f"{where}.name", f"{feature.name!r} is the name of several features")


def types(place: Place) -> Iterator[Finding]:
    """Every feature has a type; an array has a data type that Core ML knows, and 1 to 5 sizes above 0."""
    for where, feature in _listed(place):
        kind = feature.type.WhichOneof("Type")
        if kind is None:
            yield place.described(f"{where}.type", f"{feature.name!r} has no type")
        if kind == "multiArrayType":
            array = feature.type.multiArrayType
            if array.dataType not in DATA_TYPES:
                yield place.described(f"{where}.type.multiArrayType.dataType", f"{array.dataType} is no data type")
            if not 1 <= len(array.shape) <= 5 or min(array.shape) < 1:
                yield place.described(f"{where}.type.multiArrayType.shape", f"{list(array.shape)} is no array's shape")


def sentences(place: Place) -> Iterator[Finding]:
    """The model and each of its features tell in a sentence what they are, as Xcode shows it."""
    if place.given is not None:
        return
    if not place.model.description.metadata.shortDescription:
        yield place.described("metadata.shortDescription", "is empty", "describe the model")
    for where, feature in _listed(place):
        if feature.name and not feature.shortDescription:
            yield place.described(f"{where}.shortDescription", f"{feature.name!r} is not described", "describe it")


def optional(place: Place) -> Iterator[Finding]:
    """Only a tree ensemble's numbers may be left out, or a whole pipeline's that none but such take, and no answers."""
    for where, feature in _listed(place):
        if not feature.type.isOptional:
            continue
        path = f"{where}.type.isOptional"
        if where.startswith("output"):
            yield place.described(path, f"{feature.name!r} is an output, which cannot be left out")
        elif feature.type.WhichOneof("Type") != "doubleType":
            yield place.described(path, f"{feature.name!r} is optional, and not a single number")
        elif not place.stages and place.kind not in MAY_MISS:
            yield place.described(path, f"{feature.name!r} is optional to a {place.kind}")
    for stage in place.stages:
        for k, feature in enumerate(stage.model.description.input):
            whole = place.inputs.get(feature.name)
            if whole is not None and whole.isOptional != feature.type.isOptional:
                said = "optional" if whole.isOptional else "not optional"
                yield stage.described(f"input[{k}].type.isOptional", f"{feature.name!r} is {said} to the pipeline")


def _listed(place: Place) -> list[tuple[str, Any]]:
    description = place.model.description
    return [
        *((f"input[{k}]", f) for k, f in enumerate(description.input)),
        *((f"output[{k}]", f) for k, f in enumerate(description.output)),
    ]
