"""Rules on generalized linear models."""

from __future__ import annotations

from collections.abc import Iterator

from edgepack_coreml.lint.place import Finding, Place

KINDS = ("glmClassifier", "glmRegressor")


def rows(place: Place) -> Iterator[Finding]:
    """As many rows of weights as the encoding of classes has, and an offset for each."""
    if place.kind not in KINDS:
        return
    glm = place.parameters
    wanted = 1
    if place.kind == "glmClassifier":
        labels = len(glm.stringClassLabels.vector) or len(glm.int64ClassLabels.vector)
        wanted = labels - 1 if glm.classEncoding == glm.ReferenceClass else labels if labels > 2 else 1
    if len(glm.weights) != wanted:
        encoding = glm.DESCRIPTOR.enum_types_by_name.get("ClassEncoding")
        name = encoding.values_by_number[glm.classEncoding].name if encoding else "one answer"
        yield place.finding("weights", f"{len(glm.weights)} rows; {name} needs {wanted}")
    elif len(glm.offset) != wanted:
        yield place.finding("offset", f"{len(glm.offset)} numbers for {wanted} rows of weights")


def weights(place: Place) -> Iterator[Finding]:
    """A weight for every number that comes in."""
    if place.kind not in KINDS:
        return
    for k, row in enumerate(place.parameters.weights):
        if len(row.value) != place.width:
            yield place.finding(f"weights[{k}]", f"{len(row.value)} weights for inputs of {place.width} numbers")
