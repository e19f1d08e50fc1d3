"""What a web package's templates are filled with, beside the surface."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from edgepack.sdk.code import Code
from edgepack.sdk.pattern import combining, portable, spaces
from edgepack.sdk.surface import Surface
from edgepack.sdk.web.javascript import Whole, fit


def variables(surface: Surface) -> Mapping[str, Any]:
    """The interface as the manifest has it, and what is read off it."""
    inputs, answers = surface.sample
    patterns = [portable(t.analyzer.token_pattern) if t.analyzer.token_pattern else None for t in surface.texts]
    return {
        "interface": surface.interface_document,
        "identifiers": [field.identifier for field in surface.fields],
        "labels": [Whole(label) if isinstance(label, int) else label for label in artifact_labels(surface)],
        "classes": list(surface.classes) if surface.classes is not None else None,
        "patterns": patterns,
        "spaces": spaces(),
        "combining": combining(),
        "array": Code("Float32Array" if surface.input_dtype == "float32" else "Float64Array"),
        "limits": {**surface.tolerances, "tie": surface.tie_width},
        "minimum": Code(".".join(([*re.findall(r"\d+", surface.min_runtime), "0", "0", "0"])[:3])),
        "fit": fit,
        "categorical": any(f.input.categories is not None for f in surface.fields),
        "members": [[f.input.name, f.identifier] for f in surface.fields],
        "sample": {f.identifier: inputs[f.input.name] for f in surface.fields},
        "answer": answers,
    }


def artifact_labels(surface: Surface) -> list[Any]:
    """What the artifact says for each class: text or whole numbers; nothing without classes."""
    from edgepack_onnx.labels import artifact_labels as labels_of

    found: list[Any] = [] if surface.classes is None else labels_of(surface.classes).tolist()
    return found
