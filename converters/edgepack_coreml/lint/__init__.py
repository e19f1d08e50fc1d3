"""What is wrong with a Core ML file that a device would refuse or answer wrongly from, found without running it.

It shares nothing with the writer but the protobuf messages. Each rule is a function of one place in the specification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from edgepack.contract import Interface, Problem
from edgepack_coreml.lint import (
    features,
    linear,
    manifest,
    numbers,
    predictions,
    program,
    stages,
    trees,
    version,
    widths,
)
from edgepack_coreml.lint.package import read
from edgepack_coreml.lint.place import Finding, Place, places, whole
from edgepack_coreml.proto import messages

Rule = Callable[[Place], Iterator[Finding]]

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "feature names": features.names,
        "feature types": features.types,
        "descriptions": features.sentences,
        "optional features": features.optional,
        "flow between stages": stages.flow,
        "features made once": stages.once,
        "the last stage": stages.ends,
        "predicted feature": predictions.prediction,
        "predicted probabilities": predictions.probabilities,
        "labels": predictions.labels,
        "rows of linear models": linear.rows,
        "weights of linear models": linear.weights,
        "tree structure": trees.structure,
        "tree leaves": trees.leaves,
        "tree answers": trees.answers,
        "tree features": trees.features,
        "vectorizer widths": widths.vectorizer,
        "extracted indices": widths.extractor,
        "scaler widths": widths.scaler,
        "imputer widths": widths.imputer,
        "encoder categories": widths.encoder,
        "unknown categories": widths.mapping,
        "support vectors": widths.vectors,
        "finite parameters": numbers.finite,
        "specification version": version.version,
        "opset": program.opset,
        "program description": program.description,
        "weights file": program.weights,
        "manifest inputs": manifest.inputs,
        "manifest outputs": manifest.outputs,
        "own metadata": manifest.metadata,
    }
)
"""By name; each finds what no other is for."""


def lint(path: Path, interface: Interface) -> list[Problem]:
    """Everything that is wrong with a file or package; a problem's step is the file, and the path in it."""
    return [problem for _, problem in findings(path, interface)]


def findings(path: Path, interface: Interface) -> list[tuple[str, Problem]]:
    """Every problem with the name of its rule; `package` for what keeps the specification from being read."""
    from google.protobuf.message import DecodeError

    package = read(path)
    remedy = "take the whole package, or export the model again"
    found = [("package", _problem(path, Finding(file, reason, remedy))) for file, reason in package.problems]
    if package.specification is None:
        return found or [("package", _problem(path, Finding("", "holds no model", remedy)))]
    try:
        model = messages().Model.FromString(package.specification)
    except DecodeError as error:
        return [*found, ("package", _problem(path, Finding("", f"is not a Core ML model ({error})", remedy)))]
    if model.WhichOneof("Type") is None:
        return [*found, ("package", _problem(path, Finding("", "holds no model of a known kind", remedy)))]
    root = whole(model, package, interface)
    for place in places(root):
        for name, rule in RULES.items():
            found += [(name, _problem(path, finding)) for finding in rule(place)]
    return found


def _problem(path: Path, finding: Finding) -> Problem:
    return Problem(step=f"{path.name}: {finding.path}".rstrip(": "), reason=finding.reason, remedy=finding.remedy)
