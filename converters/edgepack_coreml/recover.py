"""A file read back: its sums, lookups and functions, stage by stage, in the IR's words.

Classic stages compute in doubles; what an ML Program computes (`recover_program`) is rounded to float32. Of a file that
holds anything that is not known here nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from edgepack.contract import Interface
from edgepack.ir.computation import Computation, Transcript, Unreadable, encoded
from edgepack.ir.ops import (
    Affine,
    ArgMax,
    Complement,
    Concat,
    Impute,
    Linear,
    Lookup,
    Select,
    Sigmoid,
    Softmax,
    Step,
)
from edgepack.ir.types import Array
from edgepack_coreml.ensemble import NO_TRANSFORM
from edgepack_coreml.evaluate.package import parts
from edgepack_coreml.evaluate.values import Unknown
from edgepack_coreml.kinds import PIPELINES
from edgepack_coreml.proto import messages
from edgepack_coreml.read import Unrecognised, forest_of
from edgepack_coreml.recover_program import read_program
from edgepack_coreml.recovered import Recovered


def read_sums(path: Path, interface: Interface) -> Computation | None:
    """What a file computes, from the file alone; None where it holds more than sums, lookups and known functions."""
    if interface.texts:
        return None
    try:
        file, weights = parts(path)
        return _computation(Recovered(interface, weights), messages().Model.FromString(file.read_bytes()))
    except (Unreadable, Unknown):
        return None


def _computation(r: Recovered, model: Any) -> Computation:
    """From the first stage to the last."""
    kind = model.WhichOneof("Type")
    stages = [model]
    if kind in PIPELINES:
        inner = getattr(model, kind)
        stages = list(inner.models if kind == "pipeline" else inner.pipeline.models)
    for stage in stages:
        _read(r, stage)
    answers = {"probabilities": r.probabilities, "label": r.label}
    if r.interface.outputs == ("value",):
        answers["value"] = r.values[model.description.output[0].name]
    if not all(answers.get(output) for output in r.interface.outputs):
        raise Unreadable(", ".join(r.interface.outputs))
    return r.script.finish({output: answers[output] for output in r.interface.outputs})


def _read(r: Recovered, stage: Any) -> None:
    kind = stage.WhichOneof("Type")
    if kind == "glmClassifier":
        _classifier(r, stage)
    elif kind == "mlProgram":
        read_program(r, stage)
    elif kind in READERS:
        r.values[stage.description.output[0].name] = READERS[kind](r, stage)
    else:
        raise Unreadable(kind)


def _classifier(r: Recovered, stage: Any) -> None:
    message = stage.glmClassifier
    labels = message.stringClassLabels.vector or message.int64ClassLabels.vector
    weights, offset = _weights(message)
    if message.postEvaluationTransform != message.Logit or len(weights) != len(labels) - 1:
        raise Unreadable("glmClassifier")
    x = r.taken(stage)
    if len(labels) == 2:
        score = r.script.emit(Linear(coef=weights, intercept=offset), x)
        r.probabilities = r.script.emit(Complement(), r.script.emit(Sigmoid(), score))
        r.labelled(r.script.emit(Step(threshold=0.0, strict=True), score), labels)
        return
    nothing = np.zeros((1, weights.shape[1]))
    whole = Linear(coef=np.concatenate([nothing, weights]), intercept=np.concatenate([[0.0], offset]))
    scores = r.script.emit(whole, x)
    r.probabilities = r.script.emit(Softmax(), scores)
    r.labelled(r.script.emit(ArgMax(), scores), labels)


def _weights(message: Any) -> tuple[Array, Array]:
    return np.array([list(row.value) for row in message.weights], np.float64), np.array(message.offset, np.float64)


def _regressor(r: Recovered, stage: Any) -> str:
    weights, offset = _weights(stage.glmRegressor)
    score = r.script.emit(Linear(coef=weights, intercept=offset), r.taken(stage))
    match stage.glmRegressor.postEvaluationTransform:
        case 0:
            return score
        case 1:
            return r.script.emit(Sigmoid(), score)
    raise Unreadable("glmRegressor")


def _vectorizer(r: Recovered, stage: Any) -> str:
    names = [column.inputColumn for column in stage.featureVectorizer.inputList]
    if any(name in r.tokens or name not in r.values for name in names):
        raise Unreadable("featureVectorizer")
    return r.script.joined([r.values[name] for name in names])


def _imputer(r: Recovered, stage: Any) -> str:
    x, message = r.taken(stage), stage.imputer
    width = r.script.width(x)
    if message.WhichOneof("ReplaceValue") != "replaceDoubleValue":
        raise Unreadable("imputer")
    match message.WhichOneof("ImputedValue"):
        case "imputedDoubleValue":
            fill = np.full(width, message.imputedDoubleValue)
        case "imputedDoubleArray":
            fill = np.array(message.imputedDoubleArray.vector)
        case _:
            raise Unreadable("imputer")
    return r.script.emit(Impute(fill=fill, sentinel=float(message.replaceDoubleValue)), x)


def _one_hot(r: Recovered, stage: Any) -> str:
    message, source = stage.oneHotEncoder, stage.description.input[0].name
    if source not in r.tokens or message.handleUnknown != message.IgnoreUnknown:
        raise Unreadable("oneHotEncoder")
    keys = list(message.stringCategories.vector)
    lookup = encoded(keys, np.eye(len(keys)), np.zeros(len(keys)), r.tokens[source])
    return r.script.emit(lookup, r.values[source])


def _mapping(r: Recovered, stage: Any) -> str:
    message, source = stage.categoricalMapping, stage.description.input[0].name
    if source not in r.tokens or message.WhichOneof("MappingType") != "stringToInt64Map":
        raise Unreadable("categoricalMapping")
    codes = dict(message.stringToInt64Map.map)
    values, other = np.array([*codes.values()], np.float64)[:, None], np.array([message.int64Value], np.float64)
    return r.script.emit(encoded(list(codes), values, other, r.tokens[source]), r.values[source])


def _scaler(r: Recovered, stage: Any) -> str:
    x = r.taken(stage)
    width = r.script.width(x)
    shift = np.broadcast_to(np.array(stage.scaler.shiftValue or [0.0]), (width,)).copy()
    scale = np.broadcast_to(np.array(stage.scaler.scaleValue or [1.0]), (width,)).copy()
    return r.script.emit(Affine(factor=scale), r.script.emit(Affine(offset=shift), x))


def _trees(r: Recovered, stage: Any) -> str:
    if stage.treeEnsembleRegressor.postEvaluationTransform != NO_TRANSFORM:
        raise Unreadable("treeEnsembleRegressor")
    x = r.taken(stage)
    try:
        forest = forest_of(stage.treeEnsembleRegressor.treeEnsemble, r.script.width(x))
    except Unrecognised as error:
        raise Unreadable("treeEnsembleRegressor") from error
    return r.script.emit(forest, x)


def _extractor(r: Recovered, stage: Any) -> str:
    columns = np.array(stage.arrayFeatureExtractor.extractIndex, np.int64)
    return r.script.emit(Select(columns=columns), r.taken(stage))


def _to_float32(r: Recovered, stage: Any) -> str:
    """Numbers that are float32 already: raw ones, and codes."""
    layers, x = stage.neuralNetwork.layers, r.taken(stage)
    linear = layers[0].activation.linear if len(layers) == 1 else None
    if linear is None or layers[0].WhichOneof("layer") != "activation" or (linear.alpha, linear.beta) != (1.0, 0.0):
        raise Unreadable("neuralNetwork")
    if r.interface.input_dtype != "float32" or not _is_raw(r.script, x):
        raise Unreadable("neuralNetwork")
    return x


def _is_raw(script: Transcript, name: str) -> bool:
    op, taken = script.op_of(name)
    match op:
        case None:
            return True
        case Lookup(table=table):
            return bool(np.array_equal(table, table.astype(np.float32)))
        case Concat() | Select():
            return all(_is_raw(script, part) for part in taken)
    return False


READERS: Mapping[str, Callable[[Recovered, Any], str]] = {
    "arrayFeatureExtractor": _extractor,
    "categoricalMapping": _mapping,
    "featureVectorizer": _vectorizer,
    "glmRegressor": _regressor,
    "imputer": _imputer,
    "neuralNetwork": _to_float32,
    "oneHotEncoder": _one_hot,
    "scaler": _scaler,
    "treeEnsembleRegressor": _trees,
}
"""By kind, what writes a stage of one output down."""
