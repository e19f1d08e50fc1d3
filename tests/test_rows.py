"""Rows in every form that callers have come out in one form, and what the server would refuse is named."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

from edgepack.contract import Input, Interface
from edgepack.errors import UsageError
from edgepack.rows import columns_of, domain_errors

AGE, CITY = Input(name="age", kind="number"), Input(name="city", kind="string")
TABLE = Interface(inputs=(AGE, CITY), outputs=("value",))
NUMBERS = Interface(inputs=(AGE,), outputs=("value",), input_dtype="float64")
TEXTS = Interface(inputs=(CITY,), outputs=("value",))
WIDE = Interface(inputs=(Input(name="X", kind="number", width=3),), outputs=("value",))
GRID = np.arange(6.0).reshape(2, 3)


def interface(*inputs: Input, **changes: Any) -> Interface:
    return Interface(inputs=inputs, outputs=("value",), **changes)


FORMS = {
    "DataFrame": pd.DataFrame({"more": [0, 0], "city": ["Köln", None], "age": [1.5, 2.0]}),
    "DataFrame of objects": pd.DataFrame({"city": ["Köln", None], "age": [1.5, 2.0]}, dtype=object),
    "dict of lists": {"more": "?", "city": ["Köln", None], "age": [1.5, 2]},
    "dict of arrays": {"age": np.array([1.5, 2.0]), "city": np.array(["Köln", None], object)},
    "dict of columns": {"age": np.array([[1.5], [2.0]]), "city": np.array([["Köln"], [None]], object)},
    "dict of Series": {"age": pd.Series([1.5, 2.0], index=[7, 8]), "city": pd.Series(["Köln", None])},
    "dict of tuples": {"age": (1.5, 2.0), "city": ("Köln", float("nan"))},
    "2-D array": np.array([[1.5, "Köln"], [2.0, None]], object),
    "list of rows": [[1.5, "Köln"], (2, None)],
}


@pytest.mark.parametrize("rows", FORMS.values(), ids=FORMS)
def test_every_form_gives_the_same_columns(rows: Any) -> None:
    columns = columns_of(rows, TABLE)
    assert list(columns) == ["age", "city"]
    assert (columns["age"].dtype, columns["city"].dtype) == (np.float64, object)
    assert columns["age"].tolist() == [[1.5], [2.0]]
    assert columns["city"].tolist() == [["Köln"], [None]]


WIDE_FORMS = {
    "array": GRID,
    "float32 array": GRID.astype(np.float32),
    "integers": GRID.astype(int),
    "lists": GRID.tolist(),
    "objects": GRID.astype(object),
    "dict": {"X": GRID},
    "dict of lists": {"X": GRID.tolist()},
    "dict of a DataFrame": {"X": pd.DataFrame(GRID)},
    "DataFrame by position": pd.DataFrame(GRID, columns=["a", "b", "c"]),
    "DataFrame of mixed types": pd.DataFrame({"a": [0, 3], "b": [1.0, 4.0], "c": pd.array([2, 5], "Int64")}),
    "DataFrame of lists": pd.DataFrame({"X": GRID.tolist()}),
}


@pytest.mark.parametrize("rows", WIDE_FORMS.values(), ids=WIDE_FORMS)
def test_one_wide_input_takes_all_columns(rows: Any) -> None:
    columns = columns_of(rows, WIDE)
    assert columns["X"].dtype == np.float64
    assert columns["X"].tolist() == GRID.tolist()


NUMBER_COLUMNS = {
    "bool": (np.array([True, False]), [1.0, 0.0]),
    "int8": (np.array([-3, 4], np.int8), [-3.0, 4.0]),
    "uint64": (np.array([0, 2**63], np.uint64), [0.0, 2.0**63]),
    "float16": (np.array([0.5, np.nan], np.float16), [0.5, None]),
    "objects": ([1, None, True, np.float32(0.5), np.int16(7), np.bool_(True)], [1.0, None, 1.0, 0.5, 7.0, 1.0]),
    "missing": ([None, np.nan, pd.NA, pd.NaT, Decimal("nan")], [None] * 5),
    "decimal": ([Decimal("0.1"), Fraction(1, 4)], [0.1, 0.25]),
    "Int64": (pd.array([1, None], "Int64"), [1.0, None]),
    "boolean": (pd.array([True, None], "boolean"), [1.0, None]),
    "Float32": (pd.array([0.5, None], "Float32"), [0.5, None]),
    "category of integers": (pd.Series([3, None, 4]).astype("category"), [3.0, None, 4.0]),
    "category of Int64": (pd.Series([3, None], dtype="Int64").astype("category"), [3.0, None]),
    "sparse": (pd.arrays.SparseArray([0.0, 2.0]), [0.0, 2.0]),
    "index": (pd.Index([5, 6]), [5.0, 6.0]),
    "range": (range(2), [0.0, 1.0]),
    "no rows": ([], []),
}


@pytest.mark.parametrize(("given", "wanted"), NUMBER_COLUMNS.values(), ids=NUMBER_COLUMNS)
@pytest.mark.parametrize("framed", [True, False], ids=["DataFrame", "dict"])
def test_numbers_of_every_type_become_float64(given: Any, wanted: list[float | None], framed: bool) -> None:
    rows = {"age": given}
    column = columns_of(pd.DataFrame(rows) if framed else rows, NUMBERS)["age"]
    assert (column.dtype, column.shape) == (np.float64, (len(wanted), 1))
    assert [None if np.isnan(value) else value for value in column[:, 0]] == wanted


TEXT_COLUMNS = {
    "objects": (["a", None, np.nan, pd.NA, pd.NaT, np.str_("b")], ["a", None, None, None, None, "b"]),
    "numpy text": (np.array(["a", "bc"]), ["a", "bc"]),
    "string": (pd.array(["a", None], "string"), ["a", None]),
    "category": (pd.Series(["a", None, "a"]).astype("category"), ["a", None, "a"]),
    "empty and spaces": (["", " "], ["", " "]),
    "all missing": ([None, None], [None, None]),
    "all missing numbers": (np.array([np.nan, np.nan]), [None, None]),
    "no rows": ([], []),
}


@pytest.mark.parametrize(("given", "wanted"), TEXT_COLUMNS.values(), ids=TEXT_COLUMNS)
@pytest.mark.parametrize("framed", [True, False], ids=["DataFrame", "dict"])
def test_text_of_every_type_becomes_str_or_none(given: Any, wanted: list[str | None], framed: bool) -> None:
    rows = {"city": given}
    column = columns_of(pd.DataFrame(rows) if framed else rows, TEXTS)["city"]
    assert (column.dtype, column.shape) == (object, (len(wanted), 1))
    assert column[:, 0].tolist() == wanted
    assert {type(value) for value in column[:, 0]} <= {str, type(None)}


@pytest.mark.parametrize(
    "value", ["3", b"3", 1j, pd.Timestamp("2026-01-01"), pd.Timedelta(1), [1], object()], ids=range(7)
)
def test_what_is_no_number_is_named_with_its_column_and_row(value: Any) -> None:
    for rows in ({"age": [1, None, value]}, pd.DataFrame({"age": pd.Series([1, None, value], dtype=object)})):
        with pytest.raises(UsageError, match=r"^age: .* \(row 2\) is not a number; ") as caught:
            columns_of(rows, NUMBERS)
        assert repr(value)[:20] in str(caught.value)


@pytest.mark.parametrize(
    "column", [np.array(["2026-01-01"], "M8[D]"), np.array([1j]), pd.array(["3"], "string"), np.array(["3"])], ids=repr
)
def test_columns_of_other_types_are_no_numbers(column: Any) -> None:
    with pytest.raises(UsageError, match=r"^age: .* \(row 0\) is not a number"):
        columns_of({"age": column}, NUMBERS)


@pytest.mark.parametrize("value", [3, 2.5, True, b"a", pd.Timestamp("2026-01-01")], ids=repr)
def test_what_is_no_text_is_named_with_its_column_and_row(value: Any) -> None:
    with pytest.raises(UsageError, match=r"^city: .* \(row 1\) is not text; give strings"):
        columns_of({"city": ["a", value]}, TEXTS)


def test_a_number_beyond_any_double_is_named() -> None:
    with pytest.raises(UsageError, match=r"^age: 1000.* \(row 0\) does not fit a double"):
        columns_of({"age": [10**400]}, NUMBERS)


def test_all_wrong_columns_are_told_at_once() -> None:
    with pytest.raises(UsageError, match=r"^age: 'x' \(row 0\) is not a number; .*; city: 3 \(row 0\) is not text"):
        columns_of({"age": ["x"], "city": [3]}, TABLE)


@pytest.mark.parametrize("rows", [pd.DataFrame({"x": [1]}), {"x": [1]}, pd.DataFrame(), {}], ids=lambda r: repr(r)[:20])
def test_all_missing_columns_are_told_at_once(rows: Any) -> None:
    with pytest.raises(UsageError, match=r"^columns age, city are missing; "):
        columns_of(rows, TABLE)


@pytest.mark.parametrize(
    ("rows", "given", "says"),
    [
        (pd.DataFrame([[1, 2, "a"]], columns=["age", "age", "city"]), TABLE, "columns age are there more than once"),
        ({"age": [1, 2], "city": ["a"]}, TABLE, r"columns of different lengths \(age 2, city 1\)"),
        ({"age": 3, "city": ["a"]}, TABLE, "age: 3 is no column"),
        ({"age": [1], "city": "Lyon"}, TABLE, "city: 'Lyon' is no column"),
        ({"age": GRID, "city": ["a", "b"]}, TABLE, r"age: shape \(2, 3\), not \(rows, 1\)"),
        ({"X": GRID[:, :2]}, WIDE, r"X: shape \(2, 2\), not \(rows, 3\)"),
        ({"X": [[1, 2, 3], [1, 2]]}, WIDE, "X: shape"),
        (GRID[:, :2], WIDE, r"rows of shape \(2, 2\); give \(rows, 3\)"),
        (GRID[0], WIDE, r"rows of shape \(3,\); give \(rows, 3\)"),
        ([1, 2, 3], WIDE, r"rows of shape \(3,\)"),
        ([[1, 2, 3], [1, 2]], WIDE, r"rows of shape \(2,\)"),
        (GRID, TABLE, r"rows of shape \(2, 3\); give \(rows, 2\)"),
        (pd.DataFrame(GRID[:, :2]), WIDE, "columns X are missing"),
        (pd.Series([1.0]), TABLE, "rows of type Series; give a DataFrame"),
        ("rows.csv", TABLE, "rows of type str; give a DataFrame"),
        (None, TABLE, "rows of type NoneType"),
    ],
)
def test_rows_of_another_shape_are_refused(rows: Any, given: Interface, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        columns_of(rows, given)
    assert "\n" not in str(caught.value)


def test_a_named_wide_column_wins_over_position() -> None:
    rows = pd.DataFrame({"X": [[1, 2, 3]], "b": [0], "c": [0]})
    assert columns_of(rows, WIDE)["X"].tolist() == [[1.0, 2.0, 3.0]]


def test_columns_with_other_names_than_text_are_found() -> None:
    assert columns_of(pd.DataFrame({0: [1.5]}), interface(Input(name="0", kind="number")))["0"].tolist() == [[1.5]]


def test_numbers_are_rounded_to_what_the_device_passes() -> None:
    values = [0.1, 16777217.0, 1e-46, -0.0, 3.4028235677973366e38, 1e39, -1e300, np.inf, np.nan]
    narrow = columns_of({"age": values}, interface(AGE, input_dtype="float32"))["age"][:, 0].tolist()
    wanted = [0.10000000149011612, 16777216.0, 0.0, -0.0, 3.4028235677973366e38, 1e39, -1e300, np.inf, np.nan]
    assert repr(narrow) == repr([float(value) for value in wanted])
    exact = columns_of({"age": values}, interface(AGE, input_dtype="float64"))["age"][:, 0].tolist()
    assert repr(exact) == repr([float(value) for value in values])


def test_the_callers_rows_are_left_alone() -> None:
    rows = {"age": np.array([0.1, np.nan]), "city": np.array(["a", np.nan], object)}
    before = repr(rows)
    columns_of(rows, TABLE)["age"][0] = 7
    assert repr(rows) == before


NUMBER, TEXT = {"kind": "number", "name": "n"}, {"kind": "string", "name": "s"}


@pytest.mark.parametrize(
    ("declared", "values", "wanted"),
    [
        (Input(**NUMBER), [1.0, 2.0], []),
        (Input(**NUMBER), [1.0, None, None], ["n: missing (row 1); the model needs a value here"]),
        (Input(**NUMBER, accepts_missing=True), [None], []),
        (Input(**NUMBER), [1.0, -np.inf], ["n: -inf (row 1) is not finite; give a number or leave it out"]),
        (Input(**NUMBER), [1e39, np.inf], [
            "n: inf (row 1) is not finite; give a number or leave it out",
            "n: 1e+39 (row 0) is beyond float32; give a smaller number",
        ]),
        (Input(**NUMBER, categories=(1.0, 2.0), accepts_unknown=False), [1, 2.5, None], [
            "n: missing (row 2); the model needs a value here",
            "n: 2.5 (row 1) is not one of the 2 fitted categories; give one",
        ]),
        (Input(**NUMBER, categories=(1.0,), accepts_unknown=True), [3.0], []),
        (Input(**NUMBER, categories=(1.0,), accepts_unknown=False, accepts_missing=True), [None], []),
        (Input(**TEXT), ["a", None], ["s: missing (row 1); the model needs a value here"]),
        (Input(**TEXT, accepts_missing=True), ["a", None], []),
        (Input(**TEXT, accepts_missing=True), ["<NA>"], [
            "s: '<NA>' (row 0) is the word for missing in an artifact; give None instead"]),
        (Input(**TEXT, accepts_missing=True, missing_token="?"), ["<NA>"], []),
        (Input(**TEXT), ["<NA>"], []),
        (Input(**TEXT, categories=("a", "b"), accepts_unknown=False), ["a", "c", "d"], [
            "s: 'c' (row 1) is not one of the 2 fitted categories; give one"]),
        (Input(**TEXT, categories=("a",), accepts_unknown=False, accepts_missing=True), [None, "a"], []),
        (Input(**TEXT, categories=()), [], []),
    ],
)  # fmt: skip
def test_what_the_server_would_refuse_is_told_a_line_each(declared: Input, values: Any, wanted: list[str]) -> None:
    given = interface(declared)
    assert domain_errors(columns_of({declared.name: values}, given), given) == wanted


def test_float64_inputs_may_be_beyond_float32() -> None:
    given = interface(AGE, input_dtype="float64")
    assert domain_errors(columns_of({"age": [1e300]}, given), given) == []


def test_the_first_bad_row_of_a_wide_input_is_told() -> None:
    rows = [[1, 2, 3], [1, np.inf, 3], [np.inf, 2, None]]
    assert domain_errors(columns_of(rows, WIDE), WIDE) == [
        "X: missing (row 2); the model needs a value here",
        "X: inf (row 1) is not finite; give a number or leave it out",
    ]
