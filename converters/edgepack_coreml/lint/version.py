"""Rules on specification versions: a device refuses a model that is newer than it says."""

from __future__ import annotations

from collections.abc import Iterator

from edgepack_coreml.lint.place import Finding, Place, said

NEEDED = {"mlProgram": 6, "categoricalMapping": 1, "bayesianProbitRegressor": 4, "itemSimilarityRecommender": 3}
"""Of kinds that did not come with version 1, or that do not need to be listed."""
OPSETS = {"CoreML5": 6, "CoreML6": 7, "CoreML7": 8, "CoreML8": 9}
FLOAT16_FEATURES = 7
EXACT_SHAPES = 4


def version(place: Place) -> Iterator[Finding]:
    """The version is at least what the kind, the opset, every stage and every feature's type need."""
    needed = {f"a {place.kind}": NEEDED.get(place.kind, 1)}
    if place.kind == "mlProgram":
        for name, function in place.parameters.functions.items():
            needed[f"opset {function.opset} of function {name!r}"] = OPSETS.get(function.opset, 0)
    if place.kind == "neuralNetwork" and place.parameters.arrayInputShapeMapping:
        needed["a neural network of exact shapes"] = EXACT_SHAPES
    for feature, type_ in {**place.inputs, **place.outputs}.items():
        if said(type_).startswith("float16"):
            needed[f"{feature!r}, a float16 array"] = FLOAT16_FEATURES
    for stage in place.stages:
        needed[stage.root] = stage.model.specificationVersion
    what, most = max(needed.items(), key=lambda entry: entry[1])
    if place.model.specificationVersion < most:
        path = f"{place.root}.specificationVersion".strip(".")
        yield Finding(path, f"{place.model.specificationVersion}; {what} needs {most}")
