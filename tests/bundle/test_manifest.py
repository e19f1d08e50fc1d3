"""A manifest holds what it was given, to the bit, and refuses everything else with the path of the problem."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from edgepack.bundle.manifest import Manifest, build_manifest, schema, write_manifest
from edgepack.bundle.strict_json import pretty
from edgepack.contract import Artifact, Covered, Input, Interface, Machine, OutputComparison, Verdict
from edgepack.errors import SignatureError, UsageError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=6)
NUMBERS = st.floats() | st.integers(-(2**60), 2**60)
COUNTS = st.integers(0, 10**6)

INPUTS = st.builds(
    Input,
    name=TEXT,
    kind=st.sampled_from(["number", "string"]),
    width=st.integers(1, 9),
    missing_token=TEXT,
    accepts_missing=st.booleans(),
    categories=st.none() | st.lists(TEXT, max_size=3).map(tuple) | st.lists(NUMBERS, max_size=3).map(tuple),
    accepts_unknown=st.booleans(),
)
INTERFACES = st.builds(
    Interface,
    inputs=st.lists(INPUTS, min_size=1, max_size=3, unique_by=lambda i: i.name).map(tuple),
    input_dtype=st.sampled_from(["float32", "float64"]),
    outputs=st.lists(st.sampled_from(["value", "label", "probabilities"]), min_size=1, unique=True).map(tuple),
    classes=st.none()
    | st.one_of(*(st.lists(kind, max_size=3).map(tuple) for kind in (TEXT, st.integers(), st.booleans(), st.floats()))),
    value_width=st.integers(1, 9),
)
COMPARISONS = st.builds(
    OutputComparison,
    output=st.sampled_from(["value", "label", "probabilities"]),
    measure=st.sampled_from(["absolute", "relative", "exact"]),
    tolerance=st.floats(),
    smallest_passing_tolerance=st.floats(),
    max_abs_error=st.floats(),
    p50_abs_error=st.floats(),
    p99_abs_error=st.floats(),
    rows_over_tolerance=COUNTS,
)
ROWS = st.dictionaries(TEXT, st.none() | NUMBERS | TEXT | st.booleans(), max_size=3)
VERDICTS = st.builds(
    Verdict,
    target=TEXT,
    runtime=TEXT,
    status=st.sampled_from(["proved", "measured", "failed", "not run"]),
    reason=TEXT,
    rows=COUNTS,
    refused_rows=COUNTS,
    label_changes=COUNTS,
    tied_rows=COUNTS,
    outputs=st.lists(COMPARISONS, max_size=2).map(tuple),
    worst_rows=st.lists(st.fixed_dictionaries({"row": ROWS, "server": ROWS}), max_size=2).map(tuple),
    cases=st.dictionaries(TEXT, COUNTS, max_size=3),
    machine=st.none() | st.builds(Machine, architecture=TEXT, instructions=st.lists(TEXT, max_size=2).map(tuple)),
    coverage=st.dictionaries(
        TEXT, st.builds(Covered, reached=COUNTS, reachable=COUNTS, unreachable=COUNTS), max_size=2
    ),
)


AGE = Input(name="age", kind="number")


@pytest.fixture(scope="module")
def assembled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle's folder before it has a manifest."""
    folder = tmp_path_factory.mktemp("assembled")
    (folder / "onnx").mkdir()
    (folder / "onnx/model.onnx").write_bytes(bytes(range(256)) * 40)
    (folder / "coreml/M.mlpackage/Data").mkdir(parents=True)
    (folder / "coreml/M.mlpackage/Manifest.json").write_text("{}")
    (folder / "coreml/M.mlpackage/Data/weights.bin").write_bytes(
        b"".join(b"%d,%d;" % (k * k % 97, k % 31) for k in range(4000))
    )
    (folder / "golden.json").write_text("{}")
    return folder


def arguments(**changes: Any) -> dict[str, Any]:
    interface = Interface(inputs=(AGE,), outputs=("value",))
    artifacts = [
        Artifact(target="onnx", path=Path("onnx/model.onnx"), format="ONNX opset 17", min_runtime="onnxruntime 1.20"),
        Artifact(
            target="coreml", path=Path("coreml/M.mlpackage"), format="Core ML 4", min_runtime="iOS 13", notes=("a",)
        ),
    ]
    given = {"name": "m", "version": 3, "interface": interface, "uri": "models:/m/3", "lineage": {}, "verdicts": []}
    return {**given, "artifacts": artifacts, "tools": {"edgepack": "0.1.0"}, **changes}


FREE = ROWS.filter(lambda lineage: "sha256" not in lineage)  # the only key of a lineage that has a form


def rebuilt(folder: Path, **changes: Any) -> Manifest:
    return Manifest.from_bytes(pretty(build_manifest(folder, **arguments(**changes))))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(interface=INTERFACES)
def test_an_interface_reads_back_to_the_bit(assembled: Path, interface: Interface) -> None:
    assert repr(rebuilt(assembled, interface=interface).interface) == repr(interface)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(verdicts=st.lists(VERDICTS, max_size=2), lineage=FREE, bench=st.none() | ROWS)
def test_verdicts_lineage_and_bench_read_back(
    assembled: Path, verdicts: list[Verdict], lineage: dict[str, Any], bench: dict[str, Any] | None
) -> None:
    manifest = rebuilt(assembled, verdicts=verdicts, lineage=lineage, bench=bench)
    assert repr(manifest.verdicts) == repr(tuple(verdicts))
    assert repr((manifest.source.lineage, manifest.bench)) == repr((lineage, bench))


def test_numpy_values_of_a_fitted_model_read_back_as_plain_ones(assembled: Path) -> None:
    interface = Interface(
        inputs=(Input(name="c", kind="string", categories=tuple(np.array(["a", "b"]))),),
        outputs=("label",),
        classes=tuple(np.array([0, 1])),
    )
    read = rebuilt(assembled, interface=interface).interface
    assert (read.inputs[0].categories, read.classes) == (("a", "b"), (0, 1))
    assert [type(value) for value in (*(read.inputs[0].categories or ()), *(read.classes or ()))] == [
        str,
        str,
        int,
        int,
    ]


def test_artifacts_are_measured(assembled: Path, tmp_path: Path) -> None:
    manifest = rebuilt(assembled)
    onnx, coreml = manifest.artifacts
    assert [file.path for file in coreml.files] == [
        "coreml/M.mlpackage/Data/weights.bin",
        "coreml/M.mlpackage/Manifest.json",
    ]
    assert (onnx.size_bytes, coreml.size_bytes) == (256 * 40, (assembled / coreml.files[0].path).stat().st_size + 2)
    assert (coreml.artifact.path, coreml.artifact.notes) == (Path("coreml/M.mlpackage"), ("a",))
    with zipfile.ZipFile(tmp_path / "app.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for file in manifest.files:
            archive.write(assembled / file.path, file.path)
        for entry in manifest.artifacts:
            packed = sum(archive.getinfo(file.path).compress_size for file in entry.files)
            assert entry.compressed_size_bytes == packed


def test_an_absolute_path_into_the_bundle_is_made_relative(assembled: Path) -> None:
    artifact = Artifact(target="onnx", path=assembled / "onnx/model.onnx", format="ONNX", min_runtime="")
    assert rebuilt(assembled, artifacts=[artifact]).artifacts[0].artifact.path == Path("onnx/model.onnx")


def test_a_written_manifest_is_readable_by_people_and_by_any_json_parser(assembled: Path, tmp_path: Path) -> None:
    document = build_manifest(assembled, **arguments(name="Größe", created_utc="2026-11-23T17:20:05Z"))
    path = write_manifest(document, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert '"name": "Größe"' in text
    assert text.startswith('{\n  "schema_version": 1,\n')
    assert json.loads(text) == document
    assert Manifest.from_bytes(path.read_bytes()).created_utc == "2026-11-23T17:20:05Z"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"version": 0}, "version: 0 is less than the minimum of 1"),
        ({"version": True}, "version: True is not of type"),
        ({"name": ""}, "name: ''"),
        ({"created_utc": "2026-11-23"}, "created_utc: '2026-11-23'"),
        ({"created_utc": "2026-13-45T00:00:00Z"}, "created_utc: '2026-13-45T00:00:00Z' is no date"),
        ({"tools": {"python": 3}}, "tools.python: 3 is not of type 'string'"),
        ({"lineage": {"when": object()}}, "source.lineage.when: <object"),
        ({"lineage": {"x": {"float": "nan"}}}, "source.lineage.x: {'float': 'nan'} has no JSON form"),
        ({"artifacts": [Artifact(target="a", path=Path("no"), format="f", min_runtime="")]}, "no: not in "),
        ({"artifacts": [Artifact(target="a", path=Path("/no"), format="f", min_runtime="")]}, "/no: outside "),
        ({"interface": Interface(inputs=(), outputs=("value",))}, "interface.inputs: "),
        (
            {"interface": Interface(inputs=(Input(name="a", kind="number"),) * 2, outputs=("value",))},
            "inputs[1].name: 'a'",
        ),
    ],
)
def test_what_a_manifest_cannot_hold_is_a_usage_error(assembled: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        build_manifest(assembled, **arguments(**changes))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


Edit = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (lambda d: d.update(schema_version=2), "schema_version: 2 is not known here"),
        (lambda d: d.pop("schema_version"), "schema_version: None is not known here"),
        (lambda d: d.update(x=1), "manifest: Additional properties are not allowed ('x' was unexpected)"),
        (lambda d: d.pop("tools"), "manifest: 'tools' is a required property"),
        (lambda d: d.update(version=3.0), "version: 3.0 is not of type 'integer', 'null'"),
        (lambda d: d["artifacts"][1]["files"][0].update(sha256="00"), "artifacts[1].files[0].sha256: '00'"),
        (lambda d: d["artifacts"][1]["files"][0].update(sha256="0" * 64 + "\n"), "artifacts[1].files[0].sha256: "),
        (lambda d: d["artifacts"][1]["files"][0].update(mode=7), "artifacts[1].files[0]: Additional"),
        (lambda d: d["artifacts"][0].update(size_bytes=1), "artifacts[0].size_bytes: 1 is not the files' 10240"),
        (
            lambda d: d["artifacts"][0]["files"][0].update(path="x.onnx"),
            "files[0].path: 'x.onnx' is not in 'onnx/model",
        ),
        (
            lambda d: d["artifacts"][1]["files"][0].update(path="coreml/M.mlpackage/../x"),
            "is not a plain relative path",
        ),
        (lambda d: d["artifacts"][1]["files"].append(d["artifacts"][1]["files"][0]), "artifacts[1].size_bytes"),
        (lambda d: d["artifacts"].append(d["artifacts"][0]), "artifacts[2].target: 'onnx' has an artifact already"),
        (lambda d: d["golden"].update(path="onnx/model.onnx"), "golden.path: 'golden.json' was expected"),
        (lambda d: d["interface"].update(input_dtype="float16"), "interface.input_dtype: 'float16'"),
        (lambda d: d["interface"]["inputs"][0].update(kind="image"), "interface.inputs[0].kind: 'image'"),
        (lambda d: d["interface"]["inputs"][0].update(categories=[{"float": "no"}]), "categories[0].float: 'no'"),
        (lambda d: d["interface"]["inputs"][0].update(categories=[True]), "interface.inputs[0].categories[0]: True"),
        (lambda d: d["interface"].update(outputs=["value", "value"]), "interface.outputs[1]: 'value' twice"),
        (lambda d: d["interface"].update(outputs=["logits"]), "interface.outputs[0]: 'logits'"),
        (lambda d: d["source"].update(lineage=[]), "source.lineage: [] is not of type 'object'"),
        (lambda d: d.update(bench=None), "bench: None is not of type 'object'"),
        (lambda d: d["verdicts"].append({}), "verdicts[0]: 'target' is a required property"),
    ],
)
def test_a_document_against_the_schema_is_refused_with_its_path(assembled: Path, edit: Edit, says: str) -> None:
    document = build_manifest(assembled, **arguments())
    edit(document)
    with pytest.raises(SignatureError, match=r"^manifest\.json: ") as caught:
        Manifest.from_bytes(pretty(document))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [b"[]", b"3", b'"manifest"', b"null", b"{}", b"{", b'{"schema_version": [1]}'])
def test_other_documents_are_refused(text: bytes) -> None:
    with pytest.raises(SignatureError, match=r"^manifest\.json: "):
        Manifest.from_bytes(text)


def test_a_long_problem_is_told_briefly(assembled: Path) -> None:
    document = build_manifest(assembled, **arguments())
    document["tools"] = "x" * 10_000
    with pytest.raises(SignatureError) as caught:
        Manifest.from_bytes(pretty(document))
    assert len(str(caught.value)) < 300


ADDED = {
    "verdict": {"beyond_rows", "near_tied_rows", "tie_width", "coverage", "machine"},
    "interface": {"targets"},
    "comparison": {"rows_by_error"},
}
"""Keys that a bundle in `released/` does not have: they have a default, and are not required."""


def objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for child in node.values():
            yield from objects(child)
    elif isinstance(node, list):
        for child in node:
            yield from objects(child)


def test_the_schema_is_valid_and_closed_but_for_the_lineage() -> None:
    Draft202012Validator.check_schema(schema())
    lineage = schema()["properties"]["source"]["properties"]["lineage"]
    golden = schema()["properties"]["golden"]
    opened = [node for node in objects(schema()) if node.get("additionalProperties") is not False]
    assert opened == [golden, lineage] or opened == [lineage, golden]


@pytest.mark.parametrize(
    ("definition", "noun", "besides"),
    [
        ("input", Input, set()),
        ("interface", Interface, set()),
        ("comparison", OutputComparison, set()),
        ("verdict", Verdict, set()),
        ("covered", Covered, set()),
        ("machine", Machine, set()),
        ("artifact", Artifact, {"files", "size_bytes", "compressed_size_bytes"}),
    ],
)
def test_the_schema_says_what_the_contract_says(definition: str, noun: type, besides: set[str]) -> None:
    node = schema()["$defs"][definition]
    names = {field.name for field in dataclasses.fields(noun)} | besides
    assert set(node["properties"]) == names
    assert set(node["required"]) == names - ADDED.get(definition, set())
