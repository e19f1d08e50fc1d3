"""A model of any known kind: its description, its stage or program, or its pipeline of stages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgepack_coreml.evaluate import classify, features, glm, network, support, trees
from edgepack_coreml.evaluate.mil.program import ml_program
from edgepack_coreml.evaluate.mil.weights import Weights
from edgepack_coreml.evaluate.package import parts
from edgepack_coreml.evaluate.values import Evaluate, Shape, Unknown, Value, Values, fitted, only, row_count, shape_of
from edgepack_coreml.kinds import PIPELINES, arithmetic_of
from edgepack_coreml.proto import messages

KINDS: Mapping[str, Callable[[Any], Evaluate]] = {
    "arrayFeatureExtractor": features.array_feature_extractor,
    "categoricalMapping": features.categorical_mapping,
    "featureVectorizer": features.feature_vectorizer,
    "glmClassifier": glm.classifier,
    "glmRegressor": glm.regressor,
    "identity": features.identity,
    "imputer": features.imputer,
    "neuralNetwork": network.network,
    "oneHotEncoder": features.one_hot_encoder,
    "normalizer": features.normalizer,
    "scaler": features.scaler,
    "supportVectorRegressor": support.regressor,
    "treeEnsembleClassifier": trees.classifier,
    "treeEnsembleRegressor": trees.regressor,
}
PROGRAM = "mlProgram"
SINGLE = (
    "glmClassifier",
    "glmRegressor",
    "neuralNetwork",
    "supportVectorRegressor",
    "treeEnsembleClassifier",
    "treeEnsembleRegressor",
)
"""Kinds whose arrays may be of float32, too; the other classic kinds take doubles."""
OPTIONAL = ("treeEnsembleClassifier", "treeEnsembleRegressor")
"""Kinds whose inputs may be left out."""
NEWEST = 9


def load(path: Path) -> Evaluator:
    """The evaluator of an .mlmodel file or an .mlpackage folder.

    Raises:
        Unknown: not a Core ML model, or one that the evaluator does not know.
    """
    from google.protobuf.message import DecodeError

    file, weights = parts(path)
    try:
        model = messages().Model.FromString(file.read_bytes())
    except DecodeError as error:
        raise Unknown(f"{file.name}: is not a Core ML model") from error
    size = model.ByteSize()
    model.DiscardUnknownFields()  # of all messages inside, too
    if model.ByteSize() != size:
        raise Unknown(f"{file.name}: has fields that are not in the format")
    return Evaluator(model, weights)


class Evaluator:
    """A model ready to be run, every table and tree read once."""

    def __init__(self, model: Any, weights: Weights | None = None) -> None:
        """Reads a `Model` message, and an .mlpackage's weights. Raises `Unknown` for what it does not know."""
        only(model, "specificationVersion", "description", str(model.WhichOneof("Type")))
        if not 1 <= model.specificationVersion <= NEWEST:
            raise Unknown(f"specification version {model.specificationVersion}; knows 1 to {NEWEST}")
        self.description = model.description
        only(self.description, "input", "output", "metadata", "predictedFeatureName", "predictedProbabilitiesName")
        self.inputs = {f.name: shape_of(f) for f in self.description.input}
        self.outputs = {f.name: shape_of(f) for f in self.description.output}
        self.arithmetic = arithmetic_of(model)
        if any(s.optional for s in self.outputs.values()):
            raise Unknown("an optional output; outputs are never left out")
        self._evaluate = _evaluate(model, weights)

    def run(self, values: Values) -> dict[str, Value]:
        """The outputs for rows of inputs. Raises `Unknown` where a value is not what a feature declares.

        An optional number that is left out is NaN: trees send missing values where they send NaN, by one flag.
        """
        rows = next((row_count(value) for value in values.values()), 1)
        left_out = {n: np.full(rows, np.nan) for n, s in self.inputs.items() if s.optional and n not in values}
        given = _declared(self.inputs, {**values, **left_out})
        return _declared(self.outputs, self._evaluate(given))


def _evaluate(model: Any, weights: Weights | None) -> Evaluate:
    kind = model.WhichOneof("Type")
    if kind in PIPELINES:
        return _pipeline(model, kind, weights)
    if kind not in OPTIONAL and (free := [f.name for f in model.description.input if f.type.isOptional]):
        raise Unknown(f"{kind}: {free[0]!r} is optional; knows that of {' and '.join(OPTIONAL)}")
    if kind == PROGRAM:
        return ml_program(model, weights)
    if kind not in KINDS:
        raise Unknown(f"a model of kind {kind}; knows {', '.join(sorted([*KINDS, *PIPELINES, PROGRAM]))}")
    for feature in [*model.description.input, *model.description.output]:
        shape = shape_of(feature)
        known = ("float64", "float32") if kind in SINGLE else ("float64",)
        if shape.kind == "array" and (len(shape.dims) != 1 or shape.dtype not in known):
            raise Unknown(f"{kind}: {feature.name!r} is {shape}; knows one dimension of {' or '.join(known)}")
    if kind.endswith("Classifier"):
        classify.checked(model, kind)
    elif kind.endswith("Regressor"):
        predicted = model.description.predictedFeatureName
        if [f.name for f in model.description.output] != [predicted]:
            raise Unknown(f"{kind}: predictedFeatureName {predicted!r} is not its one output")
    return KINDS[kind](model)


def _pipeline(model: Any, kind: str, weights: Weights | None) -> Evaluate:
    """Stages one after the other: each takes the inputs and what the stages before it gave, by name."""
    whole = getattr(model, kind)
    only(whole, "pipeline" if kind != "pipeline" else "models", "names")
    pipeline = whole if kind == "pipeline" else whole.pipeline
    only(pipeline, "models", "names")
    known: dict[str, Shape] = {f.name: shape_of(f) for f in model.description.input}
    stages = []
    for message in pipeline.models:
        stage = Evaluator(message, weights)
        _agree(stage.inputs, known, message.WhichOneof("Type"))
        known.update(stage.outputs)
        stages.append(stage)
    _agree({f.name: shape_of(f) for f in model.description.output}, known, kind)
    if not stages or (kind == "pipelineClassifier" and not model.description.predictedFeatureName):
        raise Unknown(f"{kind}: has no stages, or names no prediction")

    def evaluate(values: Values) -> dict[str, Value]:
        everything = dict(values)
        for stage in stages:
            everything.update(stage.run({name: everything[name] for name in stage.inputs}))
        return everything

    return evaluate


def _agree(wanted: Mapping[str, Shape], known: Mapping[str, Shape], where: str) -> None:
    for name, shape in wanted.items():
        if known.get(name) != shape:
            raise Unknown(f"{where}: takes {name!r} as {shape}, which is {known.get(name, 'not given')} before it")


def _declared(shapes: Mapping[str, Shape], values: Values) -> dict[str, Value]:
    if missing := [name for name in shapes if name not in values]:
        raise Unknown(f"feature {missing[0]!r}: has no value")
    return {name: fitted(name, shape, values[name]) for name, shape in shapes.items()}
