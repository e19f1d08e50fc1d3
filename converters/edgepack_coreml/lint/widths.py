"""Rules on how many numbers a stage takes and gives."""

from __future__ import annotations

from collections.abc import Iterator

from edgepack_coreml.lint.place import Finding, Place, width_of


def vectorizer(place: Place) -> Iterator[Finding]:
    """A featureVectorizer's columns are its inputs, as wide as they are, and its output is all of them."""
    if place.kind != "featureVectorizer":
        return
    listed = place.parameters.inputList
    for k, column in enumerate(listed):
        type_ = place.inputs.get(column.inputColumn)
        if type_ is None:
            yield place.finding(f"inputList[{k}].inputColumn", f"{column.inputColumn!r} is no input of the stage")
        elif width_of(type_) != column.inputDimensions:
            reason = f"{column.inputDimensions}; {column.inputColumn!r} has {width_of(type_)} numbers"
            yield place.finding(f"inputList[{k}].inputDimensions", reason)
    yield from _gives(
        place, sum(width_of(place.inputs[c.inputColumn]) for c in listed if c.inputColumn in place.inputs)
    )


def extractor(place: Place) -> Iterator[Finding]:
    """An arrayFeatureExtractor takes numbers that its array has, and gives as many."""
    if place.kind != "arrayFeatureExtractor":
        return
    indices = place.parameters.extractIndex
    for k, index in enumerate(indices):
        if index >= place.width:
            yield place.finding(f"extractIndex[{k}]", f"{index} of an array of {place.width} numbers")
            return
    yield from _gives(place, len(indices))


def scaler(place: Place) -> Iterator[Finding]:
    """A scaler has no, one, or a shift and a scale for every number, and changes no type."""
    if place.kind != "scaler":
        return
    for field in ("shiftValue", "scaleValue"):
        count = len(getattr(place.parameters, field))
        if count not in (0, 1, place.width):
            yield place.finding(field, f"{count} numbers for inputs of {place.width}")
    yield from _gives(place, place.width)


def imputer(place: Place) -> Iterator[Finding]:
    """An imputer has a fill and what it stands for; an array of fills has one for every number."""
    if place.kind != "imputer":
        return
    fill = place.parameters.WhichOneof("ImputedValue")
    if fill is None or place.parameters.WhichOneof("ReplaceValue") is None:
        yield place.finding("ImputedValue", "says not what to fill, or where")
        return
    if fill in ("imputedDoubleArray", "imputedInt64Array"):
        count = len(getattr(place.parameters, fill).vector)
        if count != place.width:
            yield place.finding(fill, f"{count} numbers for inputs of {place.width}")


def encoder(place: Place) -> Iterator[Finding]:
    """A oneHotEncoder's categories are different, and its output has a number for each."""
    if place.kind != "oneHotEncoder":
        return
    field = place.parameters.WhichOneof("CategoryType")
    categories = [] if field is None else list(getattr(place.parameters, field).vector)
    if len(set(categories)) != len(categories) or not categories:
        yield place.finding(str(field), "categories are missing, or there twice")
        return
    yield from _gives(place, len(categories))


def mapping(place: Place) -> Iterator[Finding]:
    """A categoricalMapping says what an unknown value becomes."""
    if place.kind == "categoricalMapping" and place.parameters.WhichOneof("ValueOnUnknown") is None:
        yield place.finding("ValueOnUnknown", "is missing: an unknown value would stop the model")


def vectors(place: Place) -> Iterator[Finding]:
    """Support vectors have a number for every one that comes in, and a coefficient each."""
    if place.kind != "supportVectorRegressor":
        return
    listed, alpha = place.parameters.denseSupportVectors.vectors, place.parameters.coefficients.alpha
    for k, vector in enumerate(listed):
        if len(vector.values) != place.width:
            yield place.finding(
                f"denseSupportVectors.vectors[{k}]", f"{len(vector.values)} numbers for inputs of {place.width}"
            )
            return
    if len(listed) != len(alpha):
        yield place.finding("coefficients.alpha", f"{len(alpha)} coefficients for {len(listed)} vectors")


def _gives(place: Place, width: int) -> Iterator[Finding]:
    given = sum(width_of(type_) for type_ in place.outputs.values())
    if given != width:
        yield place.described("output[0]", f"{given} numbers; a {place.kind} of these inputs gives {width}")
