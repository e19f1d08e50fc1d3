"""Names, literals and comments: whatever a model's owner wrote, what comes out is harmless."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edgepack.sdk.code import Code, braced, four_digits, literal, markdown, require_code, told
from edgepack.sdk.names import RESERVED, TYPES, identifiers, package_name, type_name
from sdk.pipelines import HOSTILE

SPICE = st.sampled_from([*HOSTILE, *sorted(RESERVED), *sorted(TYPES), "component1", "NaN", "x1", "1", "aB", "a b"])
NAMES = st.one_of(SPICE, st.text(max_size=12), st.text(st.characters(codec="ascii"), max_size=12))


@example(["hash", "hashValue"])
@given(st.lists(NAMES, max_size=12))
def test_identifiers_are_different_words_that_are_not_reserved(names: list[str]) -> None:
    found = identifiers(names, nameless="input")
    assert len(set(found)) == len(names)
    for word in found:
        assert word.isidentifier() and "_" not in word and word not in RESERVED
        assert all(len(c.encode("utf-16-le")) == 2 and c.isprintable() for c in word)


@given(NAMES)
def test_types_and_packages_are_words(name: str) -> None:
    assert type_name(name).isidentifier() and type_name(name) not in TYPES and type_name(name)[0].isupper()
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", package_name(name))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Gr Liv Area", "grLivArea"),
        ("MS_SubClass", "msSubClass"),
        ("MSSubClass", "msSubClass"),
        ("1stFlrSF", "x1stFlrSF"),
        ("URL", "url"),
        ("class", "classValue"),
        ("__proto__", "proto"),
        ("Größe", "große"),
        ("Ångström", "angstrom"),
        ("価格", "価格"),
        ("🏠 price", "price"),
        ("🏠", "input1"),
        ("", "input1"),
        ('x"; alert(1); //', "xAlert1"),
        ("component12", "component12Value"),
    ],
)
def test_a_name_reads_as_a_programmer_would_write_it(name: str, wanted: str) -> None:
    assert identifiers([name], nameless="input") == (wanted,)


def test_names_that_come_to_the_same_are_numbered() -> None:
    assert identifiers(["a b", "a_b", "aB", "aBN2"], nameless="input") == ("aB", "aBN2", "aBN3", "aBN2N2")


@given(st.text())
def test_a_literal_reads_back_as_the_text(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    shown = literal(text, escape=four_digits)
    assert json.loads(shown) == text
    assert shown.isprintable()
    braces = literal(text, escape=braced, also="$")
    inside = re.sub(r"\\u\{([0-9a-f]+)\}|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else m[2], braces[1:-1])
    assert inside == text


@given(st.one_of(st.text(), SPICE))
def test_a_comment_stays_a_comment_and_markdown_stays_text(text: str) -> None:
    assert told(text).isprintable() and not re.search(r"[*/\\@`<>${}]|\[|\]", told(text))
    assert markdown(text).isprintable() and not re.search(r"(?<!\\)[`*_<>#|\[\]]", markdown(text).replace(r"\\", ""))


def test_a_template_prints_code_alone() -> None:
    assert require_code(Code("let")) == "let"
    for raw in ("let", 1.5, True, None):
        with pytest.raises(TypeError, match="is not code"):
            require_code(raw)
