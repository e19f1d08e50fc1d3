"""Every value reads back as it was; a text that can be read in two ways is not read at all."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgepack.bundle.strict_json import canonical, parse, plain, pretty, with_floats
from edgepack.errors import SignatureError, UsageError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_every_value_reads_back_to_the_bit(value: Any) -> None:
    document = plain(value, "x")
    assert repr(with_floats(parse(pretty(document), "x"))) == repr(value)
    assert canonical(document) == canonical(parse(pretty(document), "x"))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_float_without_a_literal_is_an_object(value: float) -> None:
    assert plain([value], "x") == [{"float": str(value)}]


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (np.float32(0.1), 0.10000000149011612),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array([[1.5, np.nan]]), [[1.5, {"float": "nan"}]]),
        ((1, 2), [1, 2]),
    ],
)
def test_numpy_is_unwrapped(value: Any, wanted: Any) -> None:
    assert plain(value, "x") == wanted
    assert json.dumps(plain(value, "x"))


@pytest.mark.parametrize(
    "value", [object(), b"bytes", {1: 2}, {"float": "nan"}, {1, 2}, 1j, "\ud800", {"a": [object()]}], ids=range(8)
)
def test_what_has_no_json_form_is_refused_with_its_place(value: Any) -> None:
    with pytest.raises(UsageError, match=r"^lineage.run(\.a\[0\])?: .* has no JSON form"):
        plain(value, "lineage.run")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b'{"a": 1, "a": 1}', "key 'a' twice"),
        (b'[{"b": {"a": 1, "c": 2, "a": 3}}]', "key 'a' twice"),
        (b'{"a": 1, "\\u0061": 2}', "key 'a' twice"),
        (b"NaN", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e400", "1e400 does not fit a double"),
        (b'"\\udc00"', "half of a surrogate pair"),
        (b'{"\\ud800": 1}', "half of a surrogate pair"),
        (b'"\xff"', "utf-8"),
        (b'\xef\xbb\xbf"a"', "BOM"),
        (b"{} {}", "Extra data"),
        (b"", "Expecting value"),
        (b"[" * 100_000, "nested too deep"),
        (b"9" * 5000, "digit"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_a_loose_text_is_refused(text: bytes, says: str) -> None:
    with pytest.raises(SignatureError, match=r"^thing\.json: not strict JSON") as caught:
        parse(text, "thing.json")
    assert says in str(caught.value)


def test_a_whole_surrogate_pair_is_text() -> None:
    assert parse(b'"\\ud83d\\ude00"', "x") == "😀"
