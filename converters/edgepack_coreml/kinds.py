"""The kinds of a model's stages."""

from __future__ import annotations

from typing import Any

FLOAT32 = frozenset({"neuralNetwork", "mlProgram"})
"""What computes in float32; all other kinds do in doubles."""
PIPELINES = ("pipeline", "pipelineClassifier", "pipelineRegressor")


def kinds_of(model: Any) -> frozenset[str]:
    """Of a `Model` message, and of all stages inside."""
    kind = str(model.WhichOneof("Type"))
    if kind not in PIPELINES:
        return frozenset({kind})
    pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
    return frozenset({kind}).union(*(kinds_of(stage) for stage in pipeline.models))
