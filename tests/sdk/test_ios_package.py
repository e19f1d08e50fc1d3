"""Generated Swift: parsed everywhere, held to the Core ML artifact that it feeds, built and run on a Mac."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.errors import UnsupportedError, UsageError
from edgepack.sdk import find_platform, generate, surface_of
from edgepack.sdk.surface import folder_sha256
from sdk.pipelines import PIPELINES

Bundled = Callable[[str], Bundle]
Packaged = Callable[[str, str], Path]

OVER_TEXT = ("reviews", "review-prices", "hashed", "records")
"""Core ML has no artifact of these."""

NAMES = [name for name in PIPELINES if name not in OVER_TEXT]


def parse(text: str) -> Any:
    tree_sitter = pytest.importorskip("tree_sitter", reason="no tree-sitter: generated Swift was NOT parsed")
    swift = pytest.importorskip("tree_sitter_swift", reason="no tree-sitter-swift: generated Swift was NOT parsed")
    return tree_sitter.Parser(tree_sitter.Language(swift.language())).parse(text.encode()).root_node


def walk(node: Any) -> Iterator[Any]:
    yield node
    for child in node.children:
        yield from walk(child)


def faults(text: str) -> list[str]:
    return [f"{n.start_point}: {n.text.decode()[:60]}" for n in walk(parse(text)) if n.is_error or n.is_missing]


def sources(package: Path) -> dict[str, str]:
    return {str(p.relative_to(package)): p.read_text() for p in sorted(package.rglob("*.swift"))}


def source(package: Path, end: str) -> str:
    [text] = [text for name, text in sources(package).items() if name.endswith(end)]
    return text


@pytest.mark.parametrize("name", NAMES)
def test_every_file_parses(name: str, packaged: Packaged) -> None:
    found = sources(packaged(name, "ios"))
    assert len(found) == 9
    assert {file: wrong for file, text in found.items() if (wrong := faults(text))} == {}


def test_the_parser_finds_what_a_slip_would_leave() -> None:
    assert faults("struct A { let a: Int\n")
    assert faults('let a = "b" c"')


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_name_gets_out_of_its_literal_or_comment(name: str, packaged: Packaged) -> None:
    """Whatever columns and labels are called, the code around is the same words."""
    wanted = {"alert", "script"}
    for text in sources(packaged(name, "ios")).values():
        for node in walk(parse(text)):
            if node.type == "simple_identifier":
                assert node.text.decode() not in wanted


@pytest.mark.parametrize("name", NAMES)
def test_features_and_labels_are_those_of_the_artifact(name: str, packaged: Packaged, bundled: Bundled) -> None:
    from edgepack_coreml.evaluate import load
    from edgepack_coreml.labels import core_ml_labels

    package, bundle = packaged(name, "ios"), bundled(name)
    evaluator = load(next(package.glob("Sources/*/Resources/*.ml*")))
    given = re.findall(r"features\[(\"(?:[^\"\\]|\\.)*\")\] = try Check\.(\w+)\(", source(package, "Input.swift"))
    kinds = {"number": "number", "numbers": "array", "text": "string"}
    assert {unquoted(column): kinds[check] for column, check in given} == {
        column: "array" if declared.kind == "array" else "string" if declared.kind == "string" else "number"
        for column, declared in evaluator.inputs.items()
    }
    if bundle.interface.classes is not None:
        [listed] = re.findall(r"let labels: \[\w+\] = \[(.*?)\]\n", source(package, "Output.swift"), re.DOTALL)
        labels = [unquoted(w) if w[0] == '"' else int(w) for w in re.findall(r'"(?:[^"\\]|\\.)*"|-?\d+', listed)]
        assert labels == list(core_ml_labels(bundle.interface.classes))


def test_an_optional_is_what_may_be_missing_and_the_policy_stands_in_the_code(packaged: Packaged) -> None:
    text = source(packaged("churn", "ios"), "Input.swift")
    assert "public var area: Double?\n" in text and "public var year: Double?\n" in text
    assert 'features["zone"] = try Check.text(zone, "zone", missing: "<NA>")' in text
    text = source(packaged("strict", "ios"), "StrictInput.swift")
    assert "public var area: Double\n" in text and "public var roof: String\n" in text
    assert 'Check.text(roof, "roof", missing: nil, known: Strict.Categories.roof)' in text


def test_the_model_is_pinned_file_or_folder(packaged: Packaged) -> None:
    package = packaged("churn", "ios")
    assert (package / "Sources/Churn/Resources/Churn.mlmodel").is_file()
    assert folder_sha256({"b": "1" * 64, "a": "0" * 64}) == folder_sha256({"a": "0" * 64, "b": "1" * 64})


def test_what_core_ml_cannot_say_is_told(bundled: Bundled, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="coreml: no such artifact"):
        generate(bundled("reviews"), ["web", "ios"], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_swift_takes_for_one_text_is_refused(bundled: Bundled) -> None:
    surface = surface_of(bundled("hostile */ names"), "coreml")
    platform = find_platform("ios")
    platform.check(surface)
    with pytest.raises(UnsupportedError, match="classes 'e\u0301', 'é' are one text to Swift; rename one"):
        platform.check(replace(surface, classes=("é", "e\u0301")))


@pytest.mark.sdk
@pytest.mark.parametrize("name", NAMES)
def test_it_builds_and_its_own_tests_pass_on_a_mac(name: str, packaged: Packaged) -> None:
    if sys.platform != "darwin" or shutil.which("swift") is None:
        pytest.skip("not a Mac with Swift: the generated package was NOT built")
    command = ["swift", "test", "--package-path", str(packaged(name, "ios"))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def unquoted(text: str) -> str:
    return re.sub(r"\\u\{([0-9a-f]+)\}|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else m[2], text[1:-1])
