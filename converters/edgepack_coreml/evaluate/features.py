"""Feature engineering: what prepares columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.types import Array, Floats
from edgepack_coreml.evaluate.values import Dictionaries, Evaluate, Unknown, Value, Values, only, shape_of, vectorized


def identity(model: Any) -> Evaluate:
    """Every input, under the output's name in the same place."""
    only(model.identity)
    pairs = list(zip(model.description.input, model.description.output, strict=True))
    return lambda values: {out.name: values[into.name] for into, out in pairs}


def feature_vectorizer(model: Any) -> Evaluate:
    """The listed columns side by side, in the list's order."""
    only(model.featureVectorizer, "inputList")
    shapes = {f.name: shape_of(f) for f in model.description.input}
    for column in model.featureVectorizer.inputList:
        only(column, "inputColumn", "inputDimensions")
        shape = shapes.get(column.inputColumn)
        if shape is None or shape.width != column.inputDimensions:
            raise Unknown(f"featureVectorizer: {column.inputDimensions} numbers of {column.inputColumn!r}: {shape}")
    names = [column.inputColumn for column in model.featureVectorizer.inputList]
    output = _one(model.description.output)
    return lambda values: {output: vectorized(names, values)}


def array_feature_extractor(model: Any) -> Evaluate:
    """The array's numbers at the given places: one number, or an array."""
    only(model.arrayFeatureExtractor, "extractIndex")
    source, output = _one(model.description.input), _one(model.description.output)
    index = np.array(model.arrayFeatureExtractor.extractIndex, np.int64)
    shape, result = shape_of(model.description.input[0]), shape_of(model.description.output[0])
    if shape.kind != "array" or not len(index) or index.max() >= shape.width:
        raise Unknown(f"arrayFeatureExtractor: places {index.tolist()} of {source!r}: {shape}")
    if result.kind == "double" and len(index) == 1:
        return lambda values: {output: _numbers(values, source)[:, index[0]]}
    return lambda values: {output: _numbers(values, source)[:, index]}


def scaler(model: Any) -> Evaluate:
    """`scale · (x + shift)`; a single value serves all numbers, none means 1 and 0."""
    only(model.scaler, "shiftValue", "scaleValue")
    source, output = _one(model.description.input), _one(model.description.output)
    width = shape_of(model.description.input[0]).width
    shift = np.array(model.scaler.shiftValue or [0.0])
    scale = np.array(model.scaler.scaleValue or [1.0])
    if len(shift) not in (1, width) or len(scale) not in (1, width):
        raise Unknown(f"scaler: {len(shift)} shifts and {len(scale)} scales for {width} numbers")

    def evaluate(values: Values) -> dict[str, Value]:
        x = _numbers(values, source)
        shifts, scales = (shift, scale) if x.ndim == 2 else (shift[0], scale[0])
        return {output: scales * (x + shifts)}

    return evaluate


def normalizer(model: Any) -> Evaluate:
    """Each row divided by its norm, L1 or L2; a row of zeros stays as it is (inferred)."""
    only(model.normalizer, "normType")
    orders = {model.normalizer.L1: 1, model.normalizer.L2: 2}
    if model.normalizer.normType not in orders:
        raise Unknown(f"normalizer: norm {model.normalizer.normType}; knows L1 and L2")
    order = orders[model.normalizer.normType]
    source, output = _one(model.description.input), _one(model.description.output)

    def evaluate(values: Values) -> dict[str, Value]:
        x = _numbers(values, source)
        norm = np.linalg.norm(x, ord=order, axis=1, keepdims=True)
        return {output: x / np.where(norm == 0, 1.0, norm)}

    return evaluate


def imputer(model: Any) -> Evaluate:
    """The replaced value gives way to the imputed one."""
    known = (
        "imputedDoubleValue",
        "imputedStringValue",
        "imputedDoubleArray",
        "replaceDoubleValue",
        "replaceStringValue",
    )
    only(model.imputer, *known)
    source, output = _one(model.description.input), _one(model.description.output)
    shape = shape_of(model.description.input[0])
    imputed, replaced = model.imputer.WhichOneof("ImputedValue"), model.imputer.WhichOneof("ReplaceValue")
    match shape.kind, imputed, replaced:
        case "string", "imputedStringValue", "replaceStringValue":
            text, old = model.imputer.imputedStringValue, model.imputer.replaceStringValue
            return lambda values: {output: np.where(_texts(values, source) == old, text, _texts(values, source))}
        case "double" | "array", "imputedDoubleValue", "replaceDoubleValue":
            fill: Any = model.imputer.imputedDoubleValue
        case "array", "imputedDoubleArray", "replaceDoubleValue":
            fill = np.array(model.imputer.imputedDoubleArray.vector)
            if len(fill) != shape.width:
                raise Unknown(f"imputer: {len(fill)} values for {shape.width} numbers")
        case _:
            raise Unknown(f"imputer: {replaced} by {imputed} in {shape}")
    sentinel = model.imputer.replaceDoubleValue

    def evaluate(values: Values) -> dict[str, Value]:
        x = _numbers(values, source)
        missing = np.isnan(x) if np.isnan(sentinel) else x == sentinel
        return {output: np.where(missing, fill, x)}

    return evaluate


def one_hot_encoder(model: Any) -> Evaluate:
    """1 in the category's place; zeros for an unknown one. Knows no sparse output and no error on unknown."""
    message = model.oneHotEncoder
    only(message, "stringCategories", "int64Categories", "handleUnknown")
    if message.handleUnknown != message.IgnoreUnknown:
        raise Unknown("oneHotEncoder: fails on unknown categories; knows IgnoreUnknown")
    source, output = _one(model.description.input), _one(model.description.output)
    field = str(message.WhichOneof("CategoryType"))
    categories = list(getattr(message, field).vector)
    kind = shape_of(model.description.input[0]).kind
    if len(set(categories)) != len(categories) or not field.startswith(kind):
        raise Unknown(f"oneHotEncoder: {field} with duplicates, or for {kind}")
    place = {category: k for k, category in enumerate(categories)}

    def evaluate(values: Values) -> dict[str, Value]:
        at = _each(values, source, lambda value: place.get(value, len(categories)), np.int64)
        return {output: np.eye(len(categories) + 1, len(categories))[at]}

    return evaluate


def categorical_mapping(model: Any) -> Evaluate:
    """A whole number for each string; knows mappings that say what an unknown string gives."""
    message = model.categoricalMapping
    only(message, "stringToInt64Map", "int64Value")
    source, output = _one(model.description.input), _one(model.description.output)
    if message.WhichOneof("MappingType") is None or message.WhichOneof("ValueOnUnknown") is None:
        raise Unknown("categoricalMapping: knows strings to numbers, with a number for unknown strings")
    number, unknown = dict(message.stringToInt64Map.map), message.int64Value
    return lambda values: {output: _each(values, source, lambda value: number.get(value, unknown), np.int64)}


def _each(values: Values, source: str, of: Any, dtype: Any) -> Array:
    """A function of every value of a column, asked once for each distinct one."""
    column = values[source]
    if isinstance(column, Dictionaries) or column.ndim != 1:
        raise Unknown(f"feature {source!r}: is not one value per row")
    known: dict[Any, int] = {}
    at = [known.setdefault(value, len(known)) for value in column.tolist()]
    return np.array([of(value) for value in known], dtype)[np.array(at, np.int64)]


def _numbers(values: Values, source: str) -> Floats:
    value = values[source]
    if isinstance(value, Dictionaries) or value.dtype == object:
        raise Unknown(f"feature {source!r}: is not made of numbers")
    return value.astype(np.float64)


def _texts(values: Values, source: str) -> Array:
    value = values[source]
    if isinstance(value, Dictionaries) or value.dtype != object:
        raise Unknown(f"feature {source!r}: is not made of strings")
    return value


def _one(features: Any) -> str:
    if len(features) != 1:
        raise Unknown(f"{len(features)} features where one is known")
    return str(features[0].name)
