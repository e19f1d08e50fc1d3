"""A package's typed API as data: what every platform's templates say, each in its own language."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from edgepack.bundle.files import MANIFEST, read_small
from edgepack.bundle.strict_json import parse
from edgepack.contract import Input, InputDtype, OutputComparison, Verdict
from edgepack.errors import UsageError
from edgepack.host import TextStep
from edgepack.sdk.code import Code
from edgepack.sdk.names import identifiers, package_name, type_name

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.bundle.manifest import BundledArtifact

Class = str | int | bool | float
LabelKind = Literal["string", "integer", "boolean", "number"]
Policy = Literal["open", "refused", "server"]

TOLERANCES = {"value": 1e-5, "probabilities": 1e-6, "label": 0.0}
"""What golden answers may differ by where the bundle holds no verdict; see `edgepack.parity.Tolerance`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One member of the input type.

    Attributes:
        identifier: its name in code, the same on every platform.
        input: the model's own input: column name, kind, width, categories.
    """

    identifier: Code
    input: Input

    @property
    def optional(self) -> bool:
        """Whether it may be left out: the pipeline takes missing values."""
        return self.input.accepts_missing

    @property
    def unknown(self) -> Policy:
        """What happens to a value that is not among `input.categories`.

        `open`: there are no categories. `server`: it is answered as the server answers a value that it has not seen.
        `refused`: `unknownCategory`, because the server refuses it.
        """
        if self.input.categories is None:
            return "open"
        return "server" if self.input.accepts_unknown else "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One case of the error type: its name in code, and when it is thrown.

    Attributes:
        of_field: whether it tells the identifier of the input that is wrong; else it tells a reason.
    """

    name: Code
    of_field: bool
    when: Code


def _failure(name: str, when: str, *, of_field: bool) -> Failure:
    return Failure(name=Code(name), of_field=of_field, when=Code(when))


FAILURES = (
    _failure("missing", of_field=True, when="a value that the model needs is not there"),
    _failure("notFinite", of_field=True, when="a number is infinite"),
    _failure("outOfRange", of_field=True, when="a number is beyond what the model's input type holds"),
    _failure("reservedText", of_field=True, when="a text is the artifact's own word for missing"),
    _failure("unknownCategory", of_field=True, when="a value is none of the categories, and the model needs one"),
    _failure("wrongLength", of_field=True, when="a list does not hold as many numbers as the model needs"),
    _failure("artifactChanged", of_field=False, when="the model's file is not the one that the package was made for"),
    _failure("loadFailed", of_field=False, when="the runtime does not load the model"),
    _failure("predictFailed", of_field=False, when="the runtime does not run the model"),
)
"""In the order in which they are looked for: those of a field for one field after the other, in the inputs' order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """All that a package says of a model.

    Attributes:
        model, version, uri: as the manifest has them.
        type_name: `HousePrices`; the other types are `HousePricesInput`, `HousePricesOutput` and `HousePricesError`.
        package: `house-prices`, for folders and registries.
        fields: the input type's members, in the fitted order.
        outputs: names out of `value`, `label`, `probabilities`, in the interface's order: the output type's members.
        value_width: 1: `value` is a number; else a list of so many.
        classes: the labels in the order of `probabilities`.
        texts: the host steps, which generated code does before it asks the artifact.
        artifact: the file or folder in the bundle that the package carries.
        artifact_name: its own name.
        artifact_sha256: of a file: what it must hash to. Of a folder: see `folder_sha256`.
        interface_document: the interface as JSON, which another version's must equal to be used in this one's place.
        golden: the bundle's golden rows for this target.
        golden_sha256: of its bytes.
        sample: the inputs and answers of a golden row, as JSON has them: the shortest with the most values given.
        tolerances: by output; a value's beside the larger of 1 and the server's size, a label's is 0.
        tie_width: how near two probabilities are whose order need not be told.
    """

    model: str
    version: int | None
    uri: str
    type_name: Code
    package: Code
    input_dtype: InputDtype
    fields: tuple[Field, ...]
    outputs: tuple[str, ...]
    value_width: int
    method: str
    classes: tuple[Class, ...] | None
    texts: tuple[TextStep, ...]
    artifact: Path
    artifact_name: str
    artifact_sha256: Code
    artifact_format: str
    min_runtime: str
    interface_document: Mapping[str, Any]
    golden: Path
    golden_sha256: Code
    sample: tuple[Mapping[str, Any], Mapping[str, Any]]
    tolerances: Mapping[str, float]
    tie_width: float

    @property
    def label_kind(self) -> LabelKind:
        """The one type that all classes have; text for a mixture, as artifacts have it."""
        kinds = {type(c) for c in self.classes or ()}
        names: dict[type, LabelKind] = {bool: "boolean", int: "integer", float: "number"}
        return names.get(kinds.pop(), "string") if len(kinds) == 1 else "string"

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The error type's cases: every package has all of them."""
        return FAILURES


def surface_of(bundle: Bundle, target: str) -> Surface:
    """The API over a bundle's artifact for a target.

    Raises:
        UsageError: the bundle holds no such artifact.
    """
    manifest = bundle.manifest
    entry = next((e for e in manifest.artifacts if e.artifact.target == target), None)
    if entry is None:
        raise UsageError(
            f"{target}: no such artifact in {bundle.path}, and the package needs it; export with --target {target}"
        )
    interface, golden = bundle.interface, manifest.golden_of(target)
    verdict = next((v for v in manifest.verdicts if v.target == target), None)
    fields = identifiers((i.name for i in interface.inputs), nameless="input")
    return Surface(
        model=manifest.name,
        version=manifest.version,
        uri=manifest.source.uri,
        type_name=type_name(manifest.name),
        package=package_name(manifest.name),
        input_dtype=interface.input_dtype,
        fields=tuple(Field(identifier=f, input=i) for f, i in zip(fields, interface.inputs, strict=True)),
        outputs=interface.outputs,
        value_width=interface.value_width,
        method=interface.method,
        classes=interface.classes,
        texts=interface.texts,
        artifact=bundle.path / entry.artifact.path,
        artifact_name=entry.artifact.path.name,
        artifact_sha256=Code(_sha256_of(entry)),
        artifact_format=entry.artifact.format,
        min_runtime=entry.artifact.min_runtime,
        interface_document=parse(read_small(bundle.path, MANIFEST), MANIFEST)["interface"],
        golden=bundle.path / golden.path,
        sample=_sample(bundle.path, golden.path),
        golden_sha256=Code(golden.sha256),
        tolerances=_tolerances(verdict.outputs if verdict else (), interface.outputs),
        tie_width=_tie_width(verdict),
    )


def folder_sha256(files: Mapping[str, str]) -> str:
    """One digest for an artifact that is a folder: SHA-256 of the lines `<sha256>  <name>\\n`, sorted by name."""
    lines = "".join(f"{files[name]}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def _sample(bundle: Path, golden: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    rows = parse(read_small(bundle, golden), golden)["rows"]
    if not rows:
        raise UsageError(f"{golden}: no rows; export the model anew")
    row = min(rows, key=lambda row: (sum(v is None for v in row["inputs"].values()), len(str(row))))
    return row["inputs"], row["answers"]


def _sha256_of(entry: BundledArtifact) -> str:
    root = entry.artifact.path.as_posix()
    if [file.path for file in entry.files] == [root]:
        return entry.files[0].sha256
    return folder_sha256({file.path.removeprefix(f"{root}/"): file.sha256 for file in entry.files})


def _tolerances(compared: tuple[OutputComparison, ...], outputs: tuple[str, ...]) -> dict[str, float]:
    judged: dict[str, Any] = {c.output: c.tolerance for c in compared}
    return {name: judged.get(name, TOLERANCES[name]) for name in outputs}


def _tie_width(verdict: Verdict | None) -> float:
    return 1e-7 if verdict is None else verdict.tie_width
