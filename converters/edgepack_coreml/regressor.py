"""The end of a regressor."""

from __future__ import annotations

from edgepack_coreml import forests, linear
from edgepack_coreml.builder import Builder
from edgepack_coreml.feature import Feature, output_feature
from edgepack_coreml.proto import messages
from edgepack_coreml.source import Grown, Numbers, Weighted, whole_source


def end(b: Builder, table: Numbers) -> tuple[Feature, ...]:
    """The last stage, whose output is `value`: a tree ensemble for a forest, else a generalized linear model.

    Core ML's regressors give one number: several are that many regressors, and a featureVectorizer.
    """
    whole = whole_source(table)
    name = b.name("value")
    if len(table) == 1:
        return (_written(b, whole if isinstance(whole, Grown) else linear.weighted(table), name),)
    message = messages().Model()
    parts: list[Feature] = []
    for k, column in enumerate(table):  # each by itself, so that a NaN that passes through stays in its own column
        source = whole.narrow(k) if isinstance(whole, Grown) else linear.weighted((column,))
        parts.append(_written(b, source, b.name(f"{name}_{k}")))
        message.featureVectorizer.inputList.add(inputColumn=parts[-1].name, inputDimensions=1)
    out = output_feature(name, "array", len(table))
    b.add("featureVectorizer", parts, [out], message)
    return (out,)


def _written(b: Builder, source: Grown | Weighted, name: str) -> Feature:
    return forests.write(b, source, name) if isinstance(source, Grown) else linear.write(b, source, name)
