"""Generated Kotlin, compiled without a warning and run over ONNX Runtime's Android package on the server's answers."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.host import Analyzer, TextStep
from edgepack.sdk.android import platform
from edgepack.sdk.android.kotlin import case
from edgepack.sdk.code import Code
from edgepack.sdk.names import TYPES
from edgepack.sdk.pattern import combining, portable, spaces
from edgepack.sdk.surface import Surface, surface_of
from edgepack.targets import find_target
from sdk import kotlin
from sdk.pipelines import PIPELINES
from sdk.test_word_patterns import texts

BY_DEFAULT = ("strict", "review-prices", "hostile */ names", "wide")
"""What the default suite compiles, beside the planted faults; `make sdk` compiles all."""
FAULTS = ("weight", "category")
CALLERS = Path(__file__).parent / "callers"
CLASS_NAMES = re.compile(r"(?<![\w.])[A-Z]\w*[a-z]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Modules:
    """Packages by name, and the folder of the classes of all of them."""

    folders: dict[str, Path]
    classes: Path

    def spoiled(self, name: str, folder: Path) -> Path:
        """A copy that a test may spoil; its classes stay."""
        return Path(shutil.copytree(self.folders[name], folder / "spoiled"))

    def tests(self, package: Path) -> subprocess.CompletedProcess[str]:
        """The package's own tests."""
        return kotlin.tests(package, self.classes)


def written(surface: Surface, folder: Path) -> Path:
    """A package of a surface that no bundle has as it is."""
    package = folder / platform.folder(surface.package)
    for name, text in platform.render(surface).items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(text)
    for name, source in platform.copies(surface).items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, package / name)
    return package


def with_a_fault(kind: str, bundle: Bundle, folder: Path) -> Surface:
    """Of an artifact with a mistake, whose digest has been made to fit: only answers can tell."""
    artifact = shutil.copyfile(bundle.path / "onnx" / "model.onnx", folder / f"{kind}.onnx")
    mutants = find_target("onnx").mutants(artifact, bundle.interface, each=1, seed=0)  # type: ignore[attr-defined]
    next(m for m in mutants if m.kind == kind).plant(artifact)
    digest = Code(hashlib.sha256(artifact.read_bytes()).hexdigest())
    surface = surface_of(bundle, "onnx")
    return replace(surface, package=Code(f"churn-{kind}"), artifact=artifact, artifact_sha256=digest)


@pytest.fixture(scope="session")
def modules(
    android: None, bundled: Callable[[str], Bundle], request: pytest.FixtureRequest, tmp_path_factory: Any
) -> Modules:
    """All packages that this run needs, compiled at once, for the compiler is slow to start."""
    folder = tmp_path_factory.mktemp("modules")
    every = any(item.get_closest_marker("sdk") for item in request.session.items)
    names = tuple(PIPELINES) if every else BY_DEFAULT
    folders = {name: written(surface_of(bundled(name), "onnx"), folder) for name in names}
    folders |= {kind: written(with_a_fault(kind, bundled("churn"), folder), folder) for kind in FAULTS}
    done = kotlin.compiled(folders.values(), folder / "classes")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return Modules(folders=folders, classes=folder / "classes")


@pytest.mark.parametrize("name", [n if n in BY_DEFAULT else pytest.param(n, marks=pytest.mark.sdk) for n in PIPELINES])
def test_it_compiles_and_its_own_tests_pass(name: str, modules: Modules) -> None:
    """On this machine's JVM, and those for a device with stand-ins for Android's classes."""
    done = modules.tests(modules.folders[name])
    assert done.returncode == 0, failures(done.stdout)
    assert int(re.search(r"OK \((\d+) tests\)", done.stdout)[1]) >= 10  # type: ignore[index]


@pytest.mark.sdk
def test_it_is_laid_out_as_ktlint_wants(modules: Modules) -> None:
    done = kotlin.linted(modules.folders.values())
    assert done.returncode == 0, done.stdout
    [script] = modules.folders["wide"].glob("*.kts")
    script.write_text(script.read_text().replace("    id(", "  id("))
    assert kotlin.linted([modules.folders["wide"]]).returncode != 0


# planted faults


@pytest.mark.parametrize("kind", FAULTS)
def test_a_changed_artifact_is_found(kind: str, modules: Modules) -> None:
    """By the answers, where its digest has been made to fit."""
    assert "is not the server's" in red(modules, modules.folders[kind])


def test_another_file_is_found_by_its_digest(modules: Modules, tmp_path: Path) -> None:
    package = modules.spoiled("strict", tmp_path)
    [model] = package.glob("src/main/assets/**/model.onnx")
    model.write_bytes(model.read_bytes() + b"\0")
    assert "Error$ArtifactChanged: its SHA-256 is" in red(modules, package)


@pytest.mark.parametrize(
    ("name", "before", "after", "says"),
    [
        ("strict", '"flat"', '"flats"', "Error$UnknownCategory: roof"),
        ("strict", r'"say \"no\""', '"perhaps"', "is no class"),
        ("review-prices", '"good"', '"goods"', "is not the server's"),
    ],
)
def test_a_changed_contract_is_found(
    name: str, before: str, after: str, says: str, modules: Modules, tmp_path: Path
) -> None:
    package = modules.spoiled(name, tmp_path)
    [contract] = package.glob("src/main/resources/**/contract.json")
    text = contract.read_text()
    assert before in text
    contract.write_text(text.replace(before, after))
    assert says in red(modules, package)


def test_an_edited_golden_file_is_found(modules: Modules, tmp_path: Path) -> None:
    """By its digest, and by the answers."""
    package = modules.spoiled("review-prices", tmp_path)
    [path] = package.glob("src/replay/resources/**/golden.json")
    golden = json.loads(path.read_bytes())
    golden["rows"][7]["answers"]["value"] += 0.001
    path.write_text(json.dumps(golden))
    said = red(modules, package)
    assert "goldenIsTheOneThatThePackageWasMadeWith" in said and "row 7: value is not the server's" in said


# what an app does before it asks the model


@pytest.mark.parametrize("unit", ["word", "char", "char_wb", "whole"])
def test_counts_are_the_servers(unit: Any, modules: Modules, tmp_path: Path) -> None:
    """All of TermCounter.kt beside `TextStep.counts`, over characters that Java and Python know alike."""
    asked = ["".join(c for c in text if unicodedata.ucd_3_2_0.category(c) != "Cn") for text in texts(80, seed=2)]
    pattern = r"\b\w\w+\b" if unit == "word" else None
    steps = []
    for accents in (None, "unicode", "ascii"):
        lower = Analyzer(unit=unit, ngrams=(1, 3), lowercase=True, strip_accents=accents, token_pattern=pattern)
        plain = replace(lower, lowercase=False, ngrams=(2, 2), stop_words=("aa", "ab"), prefix="é=")
        terms = sorted({term for text in asked[::2] for term in lower.terms(text)})
        steps.append(TextStep(input="t", name="a", analyzer=lower, vocabulary=tuple(terms)))
        steps.append(TextStep(input="t", name="b", analyzer=plain, hashed=64, alternate_sign=True))
        steps.append(TextStep(input="t", name="c", analyzer=plain, hashed=7, binary=True))
    signs = {"spaces": spaces(), "combining": combining(), "pattern": pattern and portable(pattern)}
    given = {"steps": [asdict(step) for step in steps], "texts": [*asked, None], **signs}
    (tmp_path / "given.json").write_text(json.dumps(given))
    classes = kotlin.with_caller(CALLERS / "Counts.java", modules.classes, tmp_path / "classes")
    words = ("edgepack.reviewprices.Counts", str(tmp_path / "given.json"))
    done = kotlin.run(modules.folders["review-prices"], classes, *words)
    assert done.returncode == 0, done.stderr
    rows = iter(done.stdout.splitlines())
    for step in steps:
        wanted = step.counts(np.array([*asked, None], object))
        assert wanted.any() and not wanted[-1].any()
        for text, row in zip([*asked, None], wanted, strict=True):
            assert json.loads(next(rows)) == row.tolist(), (step.name, step.analyzer, text)


# a bundle that is fetched later


def test_a_bundle_is_verified_before_it_is_loaded(
    modules: Modules, bundled: Callable[[str], Bundle], tmp_path: Path
) -> None:
    package, bundle = modules.spoiled("strict", tmp_path), bundled("strict").path
    classes = kotlin.with_caller(CALLERS / "Later.java", modules.classes, tmp_path / "classes")

    def said(folder: Path = bundle, version: int = 3) -> str:
        words = ("Later", str(folder), str(bundle.parent / "key.pub"), str(version))
        done = kotlin.run(package, classes, *words)
        return done.stdout.strip() or done.stderr

    assert said() == "2"
    assert "ArtifactChanged: manifest.json: version 3 is older than 4" in said(version=4)
    changed = Path(shutil.copytree(bundle, tmp_path / "changed"))
    (changed / "onnx" / "model.onnx").write_bytes(b"another")
    assert "ArtifactChanged: onnx/model.onnx: changed since it was signed" in said(changed)
    assert "ArtifactChanged" in said(tmp_path / "none") and "model.sig" in said(tmp_path / "none")
    [contract] = package.glob("src/main/resources/**/contract.json")
    contract.write_text(contract.read_text().replace('"gable"', '"gables"'))
    assert "its inputs or outputs are not this package's" in said()


# what needs no compiler


def test_no_model_is_called_as_a_class_of_the_package(bundled: Callable[[str], Bundle]) -> None:
    """Kotlin would take the model's for it."""
    surface = surface_of(bundled("review-prices"), "onnx")
    own = set(re.findall(r"ReviewPrices\w*", " ".join(platform.render(surface).values())))
    own |= {case(failure) for failure in surface.failures}  # within the error's type
    for path, text in platform.render(surface).items():
        if path.endswith(".kt"):
            code = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"', " ", text, flags=re.DOTALL)
            assert set(CLASS_NAMES.findall(code)) - own <= TYPES, path


def red(modules: Modules, package: Path) -> str:
    """What the package's failing tests say."""
    done = modules.tests(package)
    assert done.returncode != 0, "the planted fault was not found"
    return failures(done.stdout)


def failures(text: str) -> str:
    lines = [line for line in text.splitlines() if re.match(r"\d+\) |\w.*(row \d+|Error)", line)]
    return "\n".join(line[:300] for line in lines)
