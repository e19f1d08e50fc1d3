"""Columns, categories, labels and models of any name: what is rendered says just that, and nothing more."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.strict_json import plain
from edgepack.sdk import find_platform, surface_of
from edgepack.sdk.names import RESERVED, TYPES, identifiers, package_name, type_name
from edgepack.sdk.surface import Field, Surface
from sdk import npm
from sdk.pipelines import HOSTILE
from sdk.test_ios_package import faults, parse, walk

PIECES = (
    *HOSTILE, *sorted(RESERVED)[::7], *sorted(TYPES)[::5],
    '"', "'", "`", "\\", "\\u{", "\n", "\r", "\u2028", "\u2029", "\0", "\x7f", "\u200b", "\u2066", "\ufeff", "\ue000",
    "*/", "/*", "//", "#", "\\(x)", "${x}", "$x", "{{x}}", "{%", "</script>", "<!--", "]]>", "@type", "{@link x}",
    "é", "e\u0301", "\u0301", "Å", "ß", "ı", "ǅ", "٣", "中", "か", "가", "ﬁ", "😀", "𝟘", "𐐀", "0",
    "1e5", "NaN", "null", "",
)  # fmt: skip
ROUNDS = 24


@pytest.fixture(scope="module")
def surfaces(bundled: Callable[[str], Bundle]) -> list[Surface]:
    """The API of a classifier in which everything that somebody named is called something else."""
    known = surface_of(bundled("strict"), "onnx")
    return [renamed(known, random.Random(seed)) for seed in range(ROUNDS)]


def renamed(surface: Surface, r: random.Random) -> Surface:
    def names(count: int) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < count:
            found["".join(r.choices(PIECES, k=r.randint(1, 3)))] = None
        return list(found)

    def renamed_input(given: Any, name: str) -> Any:
        categories = given.categories and tuple(names(len(given.categories)))
        return replace(given, name=name, categories=categories, missing_token=r.choice(PIECES))

    model, classes = r.choice(PIECES) + r.choice(PIECES), tuple(names(len(surface.classes or ())))
    columns = names(len(surface.fields))
    inputs = [renamed_input(f.input, name) for f, name in zip(surface.fields, columns, strict=True)]
    words = identifiers(columns, nameless="input")
    document = dict(surface.interface_document) | {
        "inputs": [plain(asdict(i), "input") for i in inputs],
        "classes": list(classes),
    }
    return replace(
        surface,
        model=model,
        uri=f"models:/{model}/1",
        type_name=type_name(model),
        package=package_name(model),
        fields=tuple(Field(identifier=w, input=i) for w, i in zip(words, inputs, strict=True)),
        classes=classes,
        interface_document=document,
        sample=({i.name: i.categories[0] if i.categories else 1.5 for i in inputs}, {}),
    )


def test_swift_parses_and_holds_no_word_of_theirs(surfaces: list[Surface]) -> None:
    platform = find_platform("ios")
    plainest = {word for text in platform.render(surfaces[0]).values() for word in words(text)}
    for surface in surfaces:
        own = {*(f.identifier for f in surface.fields), surface.type_name, type_name(surface.package)}
        for name, text in platform.render(surface).items():
            if not name.endswith(".swift"):
                continue
            assert faults(text) == [], (name, surface.model)
            strangers = {w for w in words(text) - plainest - own if not any(w.endswith(("Is" + e, e)) for e in ENDS)}
            assert not strangers, (name, strangers)


ENDS = ("Input", "Output", "Error", "Finite", "Needed", "Categories", "Tests")
"""Of names that are made from a model's or a column's."""


def words(text: str) -> set[str]:
    return {n.text.decode() for n in walk(parse(text)) if n.type in ("simple_identifier", "type_identifier")}


def test_javascript_says_what_the_manifest_says(surfaces: list[Surface], tmp_path: Path) -> None:
    if reason := npm.lacking():
        pytest.skip(reason)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    for k, surface in enumerate(surfaces):
        rendered = find_platform("web").render(surface)
        (tmp_path / f"contract{k}.js").write_text(rendered["contract.js"])
        (tmp_path / f"expected{k}.js").write_text(rendered["test/expected.js"])
    (tmp_path / "all.js").write_text(
        "const found = [];"
        f"for (let k = 0; k < {len(surfaces)}; k++) {{"
        "  const [c, e] = [await import(`./contract${k}.js`), await import(`./expected${k}.js`)];"
        "  found.push([c.INTERFACE, c.IDENTIFIERS, c.LABELS, e.MEMBERS]);"
        "} console.log(JSON.stringify(found));"
    )
    done = subprocess.run(["node", "all.js"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for surface, said in zip(surfaces, json.loads(done.stdout), strict=True):
        names = [f.identifier for f in surface.fields]
        members = [[f.input.name, f.identifier] for f in surface.fields]
        assert said == [surface.interface_document, names, list(surface.classes or ()), members]


def test_types_compile(surfaces: list[Surface], tmp_path: Path) -> None:
    if reason := npm.lacking():
        pytest.skip(reason)
    files = []
    for k, surface in enumerate(surfaces):
        rendered = find_platform("web").render(surface)
        (tmp_path / f"m{k}.d.ts").write_text(rendered["index.d.ts"])
        usage = rendered["test/usage.ts"].replace(f'"{surface.package}-web"', f'"./m{k}.js"')
        (tmp_path / f"u{k}.ts").write_text(usage)
        files += [f"m{k}.d.ts", f"u{k}.ts"]
    done = npm.run(tmp_path, "tsc", "--strict", "--noEmit", "--module", "nodenext", "--target", "es2024", *files)
    assert done.returncode == 0, done.stdout[:2000]
