"""Python's patterns and texts in JavaScript: the same words, whatever is in the text."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import unicodedata
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.errors import UnsupportedError
from edgepack.host import Analyzer, TextStep
from edgepack.sdk import surface_of
from edgepack.sdk.pattern import NotPortable, combining, portable, spaces
from edgepack.sdk.web import platform
from sdk import npm

PATTERNS = (
    r"(?u)\b\w\w+\b",
    r"\w+",
    r"[^\W\d_]+",
    r"[A-Za-z0-9_\-&|\]\[]+|\S",
    r"\d{2,}|\D",
    r"(?:a|b){,2}c+?",
    r"<(\w+)>",
    r"[\s.,;]+",
    r"\B\w\B.",
    r"[a-f–ö\u0000-\u0020]+",
    r"\$\{\w\}|\.\*",
    r"é|[^\u0301]",
)

UNSAYABLE = (r"(?i)a", r"(?=a)", r"(a)(b)", r"(a)\1", "^a", "a$", r"\Aa", "a*+", "[[a]", "[a&&b]", r"\N{DIGIT ONE}")


def texts(count: int = 300, seed: int = 0) -> list[str]:
    """Of letters, marks, numbers, spaces and signs of all of Unicode, more often of a few."""
    r = random.Random(seed)
    common = "aAbBcf01_9-&|[]<>${}.,*; \t\n\u0085\u00a0\u2028\ufeffßéö\u0301\u0345ΣςσİIıǅ²½Ⅷ٣५–’…中か가ﬁ😀𝟘𐐀"
    every = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) not in ("Cs", "Cn", "Co")]
    return [
        "".join(r.choice(every if r.random() < 0.2 else common) for _ in range(r.randint(0, 24))) for _ in range(count)
    ]


def in_node(script: str, given: Any, folder: Path) -> Any:
    if reason := npm.lacking():
        pytest.skip(reason)
    (folder / "script.mjs").write_text(script)
    done = subprocess.run(
        ["node", "script.mjs"], cwd=folder, input=json.dumps(given), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


READ = 'import { readFileSync } from "node:fs";\nconst given = JSON.parse(readFileSync(0, "utf8"));\n'


def test_patterns_find_what_python_finds(tmp_path: Path) -> None:
    asked = texts()
    script = (
        READ
        + """
      const find = (p, t) => [...t.matchAll(new RegExp(p, "gv"))].map((m) => (m.length > 1 ? m[1] ?? "" : m[0]));
      console.log(JSON.stringify(given.patterns.map((p) => given.texts.map((t) => find(p, t)))));"""
    )
    found = in_node(script, {"patterns": [portable(p) for p in PATTERNS], "texts": asked}, tmp_path)
    for pattern, lists in zip(PATTERNS, found, strict=True):
        for text, words in zip(asked, lists, strict=True):
            assert words == re.findall(pattern, text), (pattern, text)


@pytest.mark.parametrize(
    "pattern", [r"(?i)a", r"(?=a)", r"(a)(b)", r"(a)\1", "^a", "a$", r"\Aa", "a*+", "[[a]", "[a&&b]"]
)
def test_what_cannot_be_said_everywhere_is_refused(pattern: str) -> None:
    with pytest.raises(NotPortable):
        portable(pattern)


@pytest.mark.parametrize("unit", ["word", "char", "char_wb", "whole"])
@pytest.mark.parametrize("accents", [None, "unicode", "ascii"])
def test_counts_are_the_servers(unit: Any, accents: Any, tmp_path: Path) -> None:
    """All of text.js beside `TextStep.counts`, in every mode."""
    pattern = r"\b\w\w+\b" if unit == "word" else None
    asked = [*texts(120, seed=1), None]
    lower = Analyzer(unit=unit, ngrams=(1, 3), lowercase=True, strip_accents=accents, token_pattern=pattern)
    terms = sorted({term for text in asked[:-1:2] for term in lower.terms(text)})
    plain = Analyzer(
        unit=unit,
        ngrams=(2, 2),
        lowercase=False,
        strip_accents=accents,
        token_pattern=pattern,
        stop_words=("aa", "ab"),
        prefix="é=",
    )
    steps = [
        TextStep(input="t", name="a", analyzer=lower, vocabulary=tuple(terms)),
        TextStep(input="t", name="b", analyzer=plain, hashed=64, alternate_sign=True),
        TextStep(input="t", name="c", analyzer=plain, hashed=7, binary=True),
    ]
    patterns = [None if pattern is None else portable(pattern)] * 3
    (tmp_path / "contract.js").write_text(
        f"export const PATTERNS = {json.dumps(patterns)};\n"
        f"export const SPACES = {json.dumps(spaces())};\nexport const COMBINING = {json.dumps(combining())};\n"
    )
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "text.js").write_text((platform.templates / "text.js").read_text())
    script = (
        'import { counter } from "./text.js";\n'
        + READ
        + """
      const rows = given.steps.map((s, k) => given.texts.map((t) => [...counter(s, k).count(t)]));
      console.log(JSON.stringify(rows));"""
    )
    given = {"texts": asked, "steps": [as_document(step) for step in steps]}
    for step, rows in zip(steps, in_node(script, given, tmp_path), strict=True):
        wanted = step.counts(np.array(asked, object))
        assert wanted.any()
        np.testing.assert_array_equal(np.array(rows), wanted)


def test_a_package_tells_the_pattern_that_it_cannot_say(bundled: Any) -> None:
    surface = surface_of(bundled("reviews"), "onnx")
    [step] = surface.texts
    strange = replace(step, analyzer=replace(step.analyzer, token_pattern=r"(?i)a+"))
    with pytest.raises(UnsupportedError, match=r"text: token_pattern '\(\?i\)a\+' holds \(\?i\)…, which JavaScript"):
        platform.check(replace(surface, texts=(strange,)))


def as_document(step: TextStep) -> Any:
    return asdict(step)
