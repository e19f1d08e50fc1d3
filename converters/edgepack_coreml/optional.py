"""Inputs that a caller may leave out.

Core ML allows that for tree ensembles, in which a missing value goes where NaN goes, and for neural networks, which
take a default in its place. No scaler, vectorizer, linear model or ML Program may have an optional input: a pipeline in
which one of these takes the number first needs a NaN. An imputer may, but whether it fills in what is not there or only
NaN, nothing says.

Source: mlmodel/src/Validation/InterfaceValidators.cpp (`validateOptional`), coremltools' `TreeEnsembleBase`.
"""

from __future__ import annotations

from dataclasses import replace

from edgepack.contract import Interface
from edgepack_coreml.feature import Feature
from edgepack_coreml.stage import Stage

TREES = ("treeEnsembleClassifier", "treeEnsembleRegressor")


def with_optional(
    interface: Interface, inputs: tuple[Feature, ...], stages: tuple[Stage, ...]
) -> tuple[tuple[Feature, ...], tuple[Stage, ...]]:
    """Inputs and stages, the numbers optional that the server answers without and that trees alone take."""
    takers = {f.name: [stage.kind for stage in stages if f in stage.inputs] for f in inputs}
    free = {
        i.name
        for i in interface.inputs
        if i.kind == "number" and i.width == 1 and i.accepts_missing and takers[i.name]
        if all(kind in TREES for kind in takers[i.name])
    }

    def marked(features: tuple[Feature, ...]) -> tuple[Feature, ...]:
        return tuple(replace(f, optional=True) if f.name in free else f for f in features)

    return marked(inputs), tuple(replace(stage, inputs=marked(stage.inputs)) for stage in stages)
