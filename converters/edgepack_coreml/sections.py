"""What a Core ML model's bytes are for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from edgepack_coreml.evaluate.package import parts
from edgepack_coreml.proto import messages

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "treeEnsembleClassifier": "trees",
        "treeEnsembleRegressor": "trees",
        "glmClassifier": "weights",
        "glmRegressor": "weights",
        "supportVectorClassifier": "weights",
        "supportVectorRegressor": "weights",
        "kNearestNeighborsClassifier": "weights",
        "categoricalMapping": "tables",
        "dictVectorizer": "tables",
        "oneHotEncoder": "tables",
    }
)
"""The stages that hold a model's numbers and words."""

FEWEST_BYTES = 1024
"""Smaller constants of an ML Program are settings of its operations."""


def sections(path: Path) -> dict[str, bytes]:
    """What a model says of `weights`, `trees`, `tables` (categories) and, all that is left, its `graph`.

    An ML Program does not tell a forest's numbers from others: they are weights.
    """
    file, _ = parts(path)
    found: dict[str, list[bytes]] = {"weights": [], "trees": [], "tables": [], "graph": []}
    for section, content in _stages(messages().Model.FromString(file.read_bytes())):
        found[section].append(content)
    if path.is_dir():
        for other in sorted(path.rglob("*")):
            if other.is_file() and other != file:
                found["weights" if other.suffix == ".bin" else "graph"].append(other.read_bytes())
    return {name: b"".join(contents) for name, contents in found.items()}


def _stages(model: Any) -> Iterator[tuple[str, bytes]]:
    kind = model.WhichOneof("Type")
    inside = getattr(model, kind)
    pipeline = {"pipelineClassifier": "pipeline", "pipelineRegressor": "pipeline"}.get(kind)
    if kind == "pipeline" or pipeline:
        yield "graph", model.description.SerializeToString()
        for stage in (getattr(inside, pipeline) if pipeline else inside).models:
            yield from _stages(stage)
    elif kind == "mlProgram":
        yield "graph", model.description.SerializeToString()
        for function in inside.functions.values():
            for block in function.block_specializations.values():
                for operation in block.operations:
                    numbers = operation.type == "const" and operation.ByteSize() >= FEWEST_BYTES
                    yield "weights" if numbers else "graph", operation.SerializeToString()
    else:
        yield SECTIONS.get(kind, "graph"), model.SerializeToString()
