"""A bundle's manifest: what the model is, where it came from, which files carry it and what parity found."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from edgepack.bundle.files import (
    GOLDEN,
    MANIFEST,
    BundledFile,
    clashes,
    deflated_size_bytes,
    golden_of,
    measure,
    names_in,
    told,
    unsafe_name,
)
from edgepack.bundle.strict_json import parse, plain, pretty, with_floats
from edgepack.contract import Artifact, Covered, Input, Interface, Machine, OutputComparison, Verdict
from edgepack.errors import SignatureError, UsageError
from edgepack.host import Analyzer, TextStep

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the model came from: the URI that was asked for, and its lineage as the registry tells it."""

    uri: str
    lineage: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledArtifact:
    """An artifact inside a bundle.

    Attributes:
        artifact: its `path` is relative to the bundle.
        files: every file of it; the artifact itself, or all that lies in its folder.
        size_bytes: of all files together.
        compressed_size_bytes: of all files together, each deflated at level 6, as an app's archive holds them.
    """

    artifact: Artifact
    files: tuple[BundledFile, ...]
    size_bytes: int
    compressed_size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest that has been read and checked.

    Attributes:
        version: the registry's version of the model; None where there is none.
        created_utc: `2026-11-23T17:20:05Z`.
        expires_utc: from this moment on the bundle is refused; None where it never is.
        tools: versions by name (`{"scikit-learn": "1.9.1"}`).
        bench: timings, in the bench room's form; None where nothing was timed.
        quantization: how the artifacts were made smaller, and what that did; None where they were not.
        golden, goldens: the golden rows, and those of targets whose artifacts answer others.
    """

    name: str
    version: int | None
    created_utc: str
    interface: Interface
    source: Source
    artifacts: tuple[BundledArtifact, ...]
    golden: BundledFile
    verdicts: tuple[Verdict, ...]
    tools: Mapping[str, str]
    bench: Mapping[str, Any] | None = None
    expires_utc: str | None = None
    quantization: Mapping[str, Any] | None = None
    goldens: Mapping[str, BundledFile] = field(default_factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """The manifest that the bytes of a `manifest.json` hold.

        Round trip: each argument of `build_manifest` comes back equal, floats to the bit, from
        `Manifest.from_bytes(pretty(build_manifest(…)))`; free-form parts (lineage, bench, worst rows) come back as
        JSON has them, with lists for tuples.

        Raises:
            SignatureError: not strict JSON, another schema version, or anything that the schema or the manifest's own
                consistency refuses, each with its path (`artifacts[1].files[0].sha256: …`).
        """
        document = parse(data, MANIFEST)
        if problems := _problems(document):
            raise SignatureError(f"{MANIFEST}: {told(problems)}; get the bundle again")
        return _manifest(with_floats(document))

    @property
    def is_quantized(self) -> bool:
        """Whether an artifact's numbers are others than the model's own."""
        return any(self.quantized_by(entry.artifact.target) for entry in self.artifacts)

    def quantized_by(self, target: str) -> Any:
        """The method that moved an artifact's numbers; None where they are the model's own."""
        told = self.quantization or {}
        method = told.get("chosen", {}).get(target, told.get("method", "none"))
        return None if method == "none" else method

    def golden_of(self, target: str) -> BundledFile:
        """The golden rows that a target's artifact answers."""
        return self.goldens.get(target, self.golden)

    @property
    def activation_ranges(self) -> Mapping[str, tuple[float, float]]:
        """What each weighted sum takes where activations were quantized, by its name in the Program."""
        ranges = (self.quantization or {}).get("calibration", {}).get("ranges", {})
        return {name: (low, high) for name, (low, high) in ranges.items()}

    @property
    def files(self) -> tuple[BundledFile, ...]:
        """Every file that the manifest names: the artifacts' and the golden rows."""
        return (*(file for entry in self.artifacts for file in entry.files), self.golden, *self.goldens.values())

    def mismatches(self, found: Mapping[str, str]) -> list[str]:
        """How the files found in the bundle, SHA-256 by name, differ from those that the manifest names."""
        named = {file.path: file.sha256 for file in self.files}
        problems = [
            f"{name}: missing, though {MANIFEST} names it"
            if name not in found
            else f"{name}: its sha256 is not the one in {MANIFEST}"
            for name, sha256 in named.items()
            if found.get(name) != sha256
        ]
        roots = [f"{entry.artifact.path.as_posix()}/" for entry in self.artifacts]
        problems += [
            f"{name}: inside an artifact, but {MANIFEST} does not name it"
            for name in found
            if name not in named and name.startswith(tuple(roots))
        ]
        return problems


def build_manifest(
    folder: Path,
    *,
    name: str,
    version: int | None,
    interface: Interface,
    uri: str,
    lineage: Mapping[str, Any],
    artifacts: Sequence[Artifact],
    verdicts: Sequence[Verdict],
    tools: Mapping[str, str],
    bench: Mapping[str, Any] | None = None,
    quantization: Mapping[str, Any] | None = None,
    goldens: Sequence[str] = (),
    created_utc: str | None = None,
    expires_utc: str | None = None,
) -> dict[str, Any]:
    """The manifest of a bundle under assembly, as a JSON document that its schema accepts.

    Args:
        folder: the bundle; it holds the artifacts and `golden.json` already, which are measured here.
        artifacts: each with its path in `folder`, absolute or relative to it.
        created_utc: `YYYY-MM-DDTHH:MM:SSZ`; now, if not given.
        goldens: the targets with golden rows of their own.
        expires_utc: in the same form; the bundle is refused from then on.

    Raises:
        UsageError: an argument that a manifest cannot hold, with its path.
    """
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "name": name,
        "version": version,
        "created_utc": created_utc or datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "interface": plain(asdict(interface), "interface"),
        "source": plain({"uri": uri, "lineage": lineage}, "source"),
        "artifacts": [_artifact_document(folder, artifact) for artifact in artifacts],
        "golden": asdict(measure(folder, GOLDEN)),
        "verdicts": [plain(asdict(verdict), f"verdicts[{i}]") for i, verdict in enumerate(verdicts)],
        "tools": plain(tools, "tools"),
    }
    if bench is not None:
        document["bench"] = plain(bench, "bench")
    if expires_utc is not None:
        document["expires_utc"] = expires_utc
    if quantization is not None:
        document["quantization"] = plain(quantization, "quantization")
    if goldens:
        document["goldens"] = {target: asdict(measure(folder, golden_of(target))) for target in goldens}
    if problems := _problems(document):
        raise UsageError(f"{told(problems)}; a manifest cannot hold that")
    return document


def write_manifest(document: Mapping[str, Any], folder: Path) -> Path:
    """The path of the `manifest.json` written into the bundle."""
    path = folder / MANIFEST
    path.write_bytes(pretty(document))
    return path


def schema() -> dict[str, Any]:
    """The manifest's JSON Schema (2020-12), as packaged."""
    text = resources.files("edgepack.bundle").joinpath("manifest.schema.json").read_bytes()
    document: dict[str, Any] = parse(text, "manifest.schema.json")
    return document


def _artifact_document(folder: Path, artifact: Artifact) -> dict[str, Any]:
    try:
        root = (folder / artifact.path).relative_to(folder)
    except ValueError as error:
        raise UsageError(f"{artifact.path}: outside {folder}; emit the artifact into the bundle") from error
    if not (folder / root).exists():
        raise UsageError(f"{root.as_posix()}: not in {folder}; emit the artifact into the bundle")
    if (folder / root).is_dir():
        within, problems = names_in(folder / root)
        if problems:
            raise UsageError(f"{root.as_posix()}: {told(problems)}; an artifact holds plain files only")
        names = [f"{root.as_posix()}/{name}" for name in within]
    else:
        names = [root.as_posix()]
    files = [measure(folder, name) for name in names]
    return {
        "target": artifact.target,
        "path": root.as_posix(),
        "format": artifact.format,
        "min_runtime": artifact.min_runtime,
        "notes": list(artifact.notes),
        "files": [asdict(file) for file in files],
        "size_bytes": sum(file.size_bytes for file in files),
        "compressed_size_bytes": deflated_size_bytes(folder, names),
    }


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    def integer(_: Any, value: Any) -> bool:
        """JSON Schema calls 3.0 an integer too; a manifest writes 3."""
        return isinstance(value, int) and not isinstance(value, bool)

    strict = extend(Draft202012Validator, type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", integer))
    return strict(schema())


def _problems(document: Any) -> list[str]:
    """What is wrong with a document, each with its path: first by the schema, then what no schema can say."""
    if isinstance(document, dict) and document.get("schema_version") != SCHEMA_VERSION:
        found = document.get("schema_version")
        return [f"schema_version: {found!r:.40} is not known here, {SCHEMA_VERSION} is; use the edgepack that wrote it"]
    errors = sorted(_validator().iter_errors(document), key=lambda e: [str(part) for part in e.absolute_path])
    if errors:
        return [f"{_path(error.absolute_path)}: {_short(error.message)}" for error in errors]
    return [*_date_problems(document), *_interface_problems(document), *_file_problems(document)]


def _date_problems(document: Any) -> Iterable[str]:
    for key in ("created_utc", "expires_utc"):
        text = document.get(key, document["created_utc"])
        try:
            datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
        except ValueError:
            yield f"{key}: {text!r} is no date; write YYYY-MM-DDTHH:MM:SSZ"


def _interface_problems(document: Any) -> Iterable[str]:
    interface = document["interface"]
    for i, name in _repeated(item["name"] for item in interface["inputs"]):
        yield f"interface.inputs[{i}].name: {name!r} is the name of an earlier input too"
    for i, name in _repeated(interface["outputs"]):
        yield f"interface.outputs[{i}]: {name!r} twice"
    for i, target in _repeated(entry["target"] for entry in document["artifacts"]):
        yield f"artifacts[{i}].target: {target!r} has an artifact already"


def _file_problems(document: Any) -> Iterable[str]:
    names = []
    for i, entry in enumerate(document["artifacts"]):
        if reason := unsafe_name(entry["path"]):
            yield f"artifacts[{i}].path: {entry['path']!r} is {reason}"
        for j, file in enumerate(entry["files"]):
            names.append(file["path"])
            if reason := unsafe_name(file["path"]):
                yield f"artifacts[{i}].files[{j}].path: {file['path']!r} is {reason}"
            elif file["path"] != entry["path"] and not file["path"].startswith(entry["path"] + "/"):
                yield f"artifacts[{i}].files[{j}].path: {file['path']!r} is not in {entry['path']!r}"
        if (total := sum(file["size_bytes"] for file in entry["files"])) != entry["size_bytes"]:
            yield f"artifacts[{i}].size_bytes: {entry['size_bytes']} is not the files' {total}"
    goldens = [document["golden"]["path"], *(file["path"] for file in document.get("goldens", {}).values())]
    for path in goldens:
        if reason := unsafe_name(path):
            yield f"goldens: {path!r} is {reason}"
    yield from clashes([*names, *goldens, MANIFEST])


def _repeated(values: Iterable[str]) -> Iterable[tuple[int, str]]:
    seen: set[str] = set()
    for i, value in enumerate(values):
        if value in seen:
            yield i, value
        seen.add(value)


def _path(parts: Iterable[str | int]) -> str:
    """`artifacts[1].files[0].sha256`; `manifest` for the whole."""
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.removeprefix(".") or "manifest"


def _short(message: str) -> str:
    line = re.sub(r"\s+", " ", message)
    return line if len(line) <= 160 else f"{line[:100]} … {line[-50:]}"


def _manifest(raw: dict[str, Any]) -> Manifest:
    return Manifest(
        name=raw["name"],
        version=raw["version"],
        created_utc=raw["created_utc"],
        interface=_interface(raw["interface"]),
        source=Source(**raw["source"]),
        artifacts=tuple(_artifact(entry) for entry in raw["artifacts"]),
        golden=BundledFile(**raw["golden"]),
        verdicts=tuple(_verdict(entry) for entry in raw["verdicts"]),
        tools=raw["tools"],
        bench=raw.get("bench"),
        expires_utc=raw.get("expires_utc"),
        quantization=raw.get("quantization"),
        goldens={target: BundledFile(**file) for target, file in raw.get("goldens", {}).items()},
    )


def _interface(raw: dict[str, Any]) -> Interface:
    inputs = tuple(Input(**{**item, "categories": _tuple(item["categories"])}) for item in raw["inputs"])
    texts = tuple(_text_step(step) for step in raw["texts"])
    outputs, classes = tuple(raw["outputs"]), _tuple(raw["classes"])
    targets = tuple(tuple(labels) for labels in raw.get("targets", ()))
    tuples = {"inputs": inputs, "outputs": outputs, "classes": classes, "texts": texts, "targets": targets}
    return Interface(**{**raw, **tuples})


def _text_step(raw: dict[str, Any]) -> TextStep:
    analyzer = raw["analyzer"]
    lists = {"ngrams": tuple(analyzer["ngrams"]), "stop_words": tuple(analyzer["stop_words"])}
    vocabulary = _tuple(raw["vocabulary"])
    return TextStep(**{**raw, "analyzer": Analyzer(**{**analyzer, **lists}), "vocabulary": vocabulary})


def _artifact(raw: dict[str, Any]) -> BundledArtifact:
    return BundledArtifact(
        artifact=Artifact(
            target=raw["target"],
            path=Path(raw["path"]),
            format=raw["format"],
            min_runtime=raw["min_runtime"],
            notes=tuple(raw["notes"]),
        ),
        files=tuple(BundledFile(**file) for file in raw["files"]),
        size_bytes=raw["size_bytes"],
        compressed_size_bytes=raw["compressed_size_bytes"],
    )


def _verdict(raw: dict[str, Any]) -> Verdict:
    outputs = tuple(OutputComparison(**comparison) for comparison in raw["outputs"])
    coverage = {kind: Covered(**covered) for kind, covered in raw.get("coverage", {}).items()}
    told = raw.get("machine")
    machine = told and Machine(architecture=told["architecture"], instructions=tuple(told["instructions"]))
    tuples = {"outputs": outputs, "worst_rows": tuple(raw["worst_rows"])}
    return Verdict(**{**raw, **tuples, "coverage": coverage, "machine": machine})


def _tuple(values: list[Any] | None) -> tuple[Any, ...] | None:
    return None if values is None else tuple(values)
