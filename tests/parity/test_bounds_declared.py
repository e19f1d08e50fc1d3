"""What is said to somebody whose ranges are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgepack.contract import Input, Interface
from edgepack.errors import UsageError
from edgepack.parity.bounds.declared import declared, undeclared

INTERFACE = Interface(
    inputs=(Input(name="a", kind="number"), Input(name="X", kind="number", width=3), Input(name="s", kind="string")),
    outputs=("value",),
)


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("a", "no range"),
        ("a=1", "no range"),
        ("a=x:2", "no range"),
        ("a=2:1", "lower number first"),
        ("a=0:inf", "no range"),
        ("b=0:1", "bounds of b: no column of numbers; the model has a, X"),
        ("s=0:1", "no column of numbers"),
        ("X[3]=0:1", "no column of numbers"),
        ("nowhere.toml", "cannot be read"),
    ],
)
def test_each_wrong_word_is_told_in_one_line(word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said.replace("[", r"\[")) as told:
        declared([word], INTERFACE, {})
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["a = 3", "a = [1]", "a = [1, true]", "a = ", "[a]\nlow = 1"])
def test_a_file_that_is_no_table_of_ranges_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(UsageError, match=r"r\.toml: "):
        declared([str(tmp_path / "r.toml")], INTERFACE, {})


def test_a_column_of_a_wide_input_has_a_range_of_its_own() -> None:
    sample = {"a": np.array([[0.0], [1.0]]), "X": np.array([[0.0] * 3, [1.0] * 3])}
    found = declared(["X[1]=-2:5", "a=3:4"], INTERFACE, sample)
    assert found["X"].tolist() == [[0, -2, 0], [1, 5, 1]]
    assert found["a"].tolist() == [[3], [4]]
    assert sample["X"].tolist() == [[0] * 3, [1] * 3]


def test_columns_without_a_range_are_named() -> None:
    assert undeclared({}, INTERFACE) == ["a", "X"]
    assert undeclared(declared(["a=0:1", "X[0]=0:1"], INTERFACE, {}), INTERFACE) == ["X"]
    assert undeclared(declared(["a=0:1", "X=0:1"], INTERFACE, {}), INTERFACE) == []
