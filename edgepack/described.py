"""What an artifact itself tells of its model: where it comes from, and what its inputs and outputs are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import version
from typing import Any

from edgepack.bundle.lineage import Mode, shipped_uri
from edgepack.contract import Interface
from edgepack.source.model import Source

LICENSE = "license"
"""The tag of a registered version, a logged model or a run that names one."""


def metadata_of(source: Source, uri: str, mode: Mode) -> dict[str, str]:
    """Text by key, no more of the lineage than the bundle ships: with `digest` identifiers, with `none` nothing.

    `version`, `description`, `author` and `license` have fields of their own in Core ML; Xcode shows them.

    Args:
        uri: names this very model for good.
    """
    lineage = source.lineage if mode != "none" else {}
    run, training, artifacts = (lineage.get(part) or {} for part in ("run", "training", "artifacts"))
    number = str(source.version or "")
    metadata = {
        "version": number,
        "description": f"{source.name}, version {number}" if number else source.name,
        "edgepack.model": source.name,
        "edgepack.version": number,
        "edgepack.uri": shipped_uri(uri, mode),
        "edgepack.run_id": str(run.get("run_id") or training.get("run_id") or ""),
        "edgepack.source_sha256": str(artifacts.get("tree_sha256", "")),
        "edgepack.tool": f"edgepack {version('edgepack')}",
        **(_told(source.lineage) if mode == "full" else {}),
    }
    return {name: text for name, text in metadata.items() if text}


def descriptions_of(source: Source, interface: Interface) -> dict[str, str]:
    """What the signature says of inputs and of the one output, by name: `MLflow long, optional`.

    Columns' types are what a caller must know, whatever becomes of the lineage.
    """
    signature = source.signature or {}
    names = {i.name for i in interface.inputs}
    told = {str(spec["name"]): _type(spec) for spec in _columns(signature.get("inputs")) if spec.get("name") in names}
    answers = list(_columns(signature.get("outputs")))
    if len(answers) == 1 and interface.method == "predict":
        told |= dict.fromkeys({"value", "label"} & set(interface.outputs), _type(answers[0]))
    return told


def _told(lineage: Mapping[str, Any]) -> dict[str, str]:
    """What stays at home unless the whole lineage is shipped."""
    model, logged, run, training = (lineage.get(part) or {} for part in ("model", "logged_model", "run", "training"))
    tags = [part.get("tags") or {} for part in (model, logged, run)]
    told = {
        "description": model.get("description"),
        "author": lineage.get("user"),
        "license": next((t[LICENSE] for t in tags if t.get(LICENSE)), None),
        "edgepack.datasets": "; ".join(map(_dataset, run.get("datasets") or ())),
        "edgepack.trained_with": _joined("scikit-learn", training.get("sklearn_version")),
        "edgepack.created": model.get("created") or training.get("created"),
        "edgepack.git_commit": (run.get("git") or {}).get("commit"),
    }
    return {name: str(text) for name, text in told.items() if text}


def _dataset(dataset: Mapping[str, Any]) -> str:
    """`ames 1f0c2a9b (training)`."""
    words = _joined(dataset.get("name"), dataset.get("digest"))
    return f"{words} ({dataset['context']})" if dataset.get("context") else words


def _joined(*words: Any) -> str:
    return " ".join(str(word) for word in words) if all(words) else ""


def _columns(specs: Iterable[Any] | None) -> Iterator[Mapping[str, Any]]:
    """Of a table's signature; a tensor's has no columns."""
    return (spec for spec in specs or () if isinstance(spec, dict) and isinstance(spec.get("type"), str | dict))


def _type(spec: Mapping[str, Any]) -> str:
    found = spec["type"]
    kind = found if isinstance(found, str) else str(found.get("type", "object"))
    return f"MLflow {kind}" + ("" if spec.get("required", True) else ", optional")
