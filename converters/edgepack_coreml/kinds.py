"""The kinds of a model's stages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

Arithmetic = Literal["float16", "float32", "float64"]

FLOAT32 = frozenset({"neuralNetwork", "mlProgram"})
"""What computes in float32, or less; all other kinds do in doubles."""
PIPELINES = ("pipeline", "pipelineClassifier", "pipelineRegressor")


HALF = 10
"""`FLOAT16` of MIL's `DataType`."""


def arithmetic_of(model: Any) -> Arithmetic:
    """The narrowest that a `Model` message computes in."""
    if computes_in_halves(model):
        return "float16"
    return "float32" if FLOAT32 & kinds_of(model) else "float64"


def computes_in_halves(model: Any) -> bool:
    """Whether an operation of an ML Program in a `Model` message gives float16, other than constants."""
    return any(
        output.type.tensorType.dataType == HALF
        for stage in stages_of(model)
        for function in stage.mlProgram.functions.values()
        for block in function.block_specializations.values()
        for operation in block.operations
        if operation.type != "const" and not operation.type.startswith("constexpr_")
        for output in operation.outputs
    )


def stages_of(model: Any) -> Iterator[Any]:
    """A `Model` message, or all in it that are no pipelines."""
    kind = str(model.WhichOneof("Type"))
    if kind not in PIPELINES:
        yield model
        return
    pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    for stage in pipeline.models:
        yield from stages_of(stage)


def kinds_of(model: Any) -> frozenset[str]:
    """Of a `Model` message, and of all stages inside."""
    kind = str(model.WhichOneof("Type"))
    if kind not in PIPELINES:
        return frozenset({kind})
    pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    return frozenset({kind}).union(*(kinds_of(stage) for stage in pipeline.models))
