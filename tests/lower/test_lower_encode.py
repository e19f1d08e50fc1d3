"""OneHotEncoder and OrdinalEncoder: every option, over every kind of category."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from zoo import STRINGS, check, classes, columns_of, fitted, table, target, usual

from edgepack.errors import UnsupportedError
from edgepack.lower import lower

FRAME = table()
WHOLE = FRAME.fillna({"zone": "none"})
VALUE = target(FRAME)


def forest() -> RandomForestRegressor:
    return RandomForestRegressor(5, max_depth=6, random_state=0)


def encoded(encoder: Any, x: pd.DataFrame, last: Any = None) -> Any:
    model = make_pipeline(usual("passthrough", encoder), last or forest())
    return fitted(model, x, VALUE)


GROUPS: list[dict[str, Any]] = [{}, {"min_frequency": 20}, {"max_categories": 3}, {"min_frequency": 0.1}]


@pytest.mark.parametrize(
    ("drop", "unknown", "groups"),
    product([None, "first", "if_binary"], ["error", "ignore", "infrequent_if_exist", "warn"], GROUPS[:3]),
)
def test_one_hot_flags(drop: Any, unknown: str, groups: dict[str, Any]) -> None:
    encoder = OneHotEncoder(drop=drop, handle_unknown=unknown, **groups)
    check(encoded(encoder, FRAME), FRAME, rows=600)


@pytest.mark.parametrize(("sparse", "threshold"), product([True, False], [0, 0.3, 1]))
def test_one_hot_before_a_linear_model(sparse: bool, threshold: float) -> None:
    encoder = OneHotEncoder(handle_unknown="ignore", min_frequency=20, sparse_output=sparse)
    model = make_pipeline(ColumnTransformer([("c", encoder, STRINGS)], sparse_threshold=threshold), Ridge())
    check(fitted(model, FRAME, VALUE), FRAME, exact=False)
    bare = make_pipeline(encoder, LogisticRegression())
    check(fitted(bare, FRAME[STRINGS], classes(VALUE, ["a", "b", "c"])), FRAME[STRINGS], exact=False)


def test_named_categories_are_dropped() -> None:
    check(encoded(OneHotEncoder(drop=["south", "hip"]), WHOLE), WHOLE)
    check(encoded(OneHotEncoder(drop=[np.nan, "hip"], handle_unknown="ignore"), FRAME), FRAME)


def test_given_categories() -> None:
    given = [["south", "north", "none", "café", "mill", "rare one", "rare two", "never"], ["hip", "gable", "flat"]]
    check(encoded(OneHotEncoder(categories=given), WHOLE), WHOLE)
    check(encoded(OrdinalEncoder(categories=given), WHOLE), WHOLE)


def test_a_column_of_one_category_that_is_dropped_still_refuses_unknown_values() -> None:
    x = WHOLE.assign(roof=pd.Series(["flat"] * len(WHOLE), dtype=object))
    program = check(encoded(OneHotEncoder(drop="first"), x), x)
    roof = program.interface.inputs[-1]
    assert (roof.name, roof.categories, roof.accepts_unknown) == ("roof", ("flat",), False)


NUMERIC: dict[str, np.ndarray] = {
    "integral": np.array([1.0, 2.0, 5.0, 0.0]),
    "negative": np.array([-3.0, -1.0, 0.0, 7.0]),
    "fractions": np.array([0.5, 0.25, -1.5]),
    "not float32": np.array([0.1, 0.2, 0.3, 0.5]),
    "missing": np.array([1.0, 2.0, np.nan]),
    "unseen candidate": np.array([0.5, 1.5, 2.5]),
}


@pytest.mark.parametrize(
    ("name", "encoder"),
    product(
        NUMERIC,
        [
            OneHotEncoder(handle_unknown="ignore"),
            OneHotEncoder(drop="first", handle_unknown="ignore", sparse_output=False),
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
            OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
        ],
    ),
)
def test_categories_that_are_numbers(name: str, encoder: Any) -> None:
    r = np.random.default_rng(0)
    x = pd.DataFrame({"k": r.choice(NUMERIC[name], 200), "n": r.normal(size=200).astype(np.float32).astype(float)})
    y = np.nan_to_num(x["k"], nan=4.0) + x["n"]
    model = make_pipeline(ColumnTransformer([("k", encoder, ["k"])], remainder="passthrough"), forest())
    check(fitted(model, x, y), x)


def truths(dtype: Any) -> tuple[pd.DataFrame, Any]:
    r = np.random.default_rng(0)
    x = pd.DataFrame({"flag": pd.Series(r.random(200) < 0.4, dtype=dtype), "n": r.integers(0, 9, 200).astype(float)})
    return x, x["flag"].astype(float) * 3 + x["n"]


@pytest.mark.parametrize(
    "encoder", [OneHotEncoder(drop="if_binary"), OrdinalEncoder(), OneHotEncoder(handle_unknown="ignore")], ids=repr
)
def test_categories_that_are_truth_values(encoder: Any) -> None:
    x, y = truths(bool)
    model = make_pipeline(ColumnTransformer([("k", encoder, ["flag"])], remainder="passthrough"), forest())
    check(fitted(model, x, y), x)


@pytest.mark.parametrize("encoder", [OneHotEncoder(), OrdinalEncoder()], ids=repr)
def test_categories_fitted_as_objects_are_refused(encoder: Any) -> None:
    x, y = truths(object)
    model = make_pipeline(ColumnTransformer([("k", encoder, ["flag"])], remainder="passthrough"), forest())
    with pytest.raises(UnsupportedError, match=r"Encoder: category 0.0 was fitted as an object; fit on floats"):
        lower(fitted(model, x, y), x)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.int8, bool])
def test_one_hot_types(dtype: Any) -> None:
    check(encoded(OneHotEncoder(handle_unknown="ignore", dtype=dtype), FRAME), FRAME)


@pytest.mark.parametrize(
    ("unknown", "missing", "groups", "dtype"),
    product([None, -1, 99, np.nan], [np.nan, -2, 50], [{}, {"min_frequency": 20, "max_categories": 4}], ["f8", "i4"]),
)
def test_ordinal_flags(unknown: Any, missing: Any, groups: dict[str, Any], dtype: str) -> None:
    if dtype == "i4" and (unknown != unknown or missing != missing):
        pytest.skip("scikit-learn wants a float type for NaN")
    known = {} if unknown is None else {"handle_unknown": "use_encoded_value", "unknown_value": unknown}
    encoder = OrdinalEncoder(encoded_missing_value=missing, dtype=np.dtype(dtype), **known, **groups)
    check(encoded(encoder, FRAME), FRAME, rows=600)


def test_the_encoders_output_setting_is_left_alone() -> None:
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore").set_output(transform="pandas")
    model = encoded(encoder, FRAME)
    inner = model[0].named_transformers_["cat"]
    before = inner.transform(FRAME[STRINGS])
    lower(model, FRAME)
    after = inner.transform(FRAME[STRINGS])
    assert isinstance(after, pd.DataFrame) and after.equals(before)
    check(model, FRAME)


def test_strings_that_look_like_markers_are_ordinary_categories() -> None:
    odd = ["", " ", "nan", "None", "<NA>", "\N{REPLACEMENT CHARACTER}", "e\u0301", "\u00e9", "a\x00b", "x" * 300]
    r = np.random.default_rng(0)
    x = pd.DataFrame({"s": pd.Series(r.choice(np.array(odd, object), 300), dtype=object), "n": r.normal(size=300)})
    x["n"] = x["n"].astype(np.float32).astype(float)
    y = x["s"].map({s: i for i, s in enumerate(odd)}) + x["n"]
    for encoder in (OneHotEncoder(handle_unknown="ignore"), OrdinalEncoder()):
        model = make_pipeline(ColumnTransformer([("s", encoder, ["s"])], remainder="passthrough"), forest())
        check(fitted(model, x, y), x)


def test_many_categories_in_many_columns() -> None:
    r = np.random.default_rng(0)
    x = pd.DataFrame({f"c{j}": pd.Series([f"v{v}" for v in r.integers(0, 40, 250)], dtype=object) for j in range(8)})
    y = classes(x["c0"].str[1:].astype(float) + x["c1"].str[1:].astype(float), [False, True])
    model = fitted(
        make_pipeline(OneHotEncoder(handle_unknown="ignore"), RandomForestClassifier(5, random_state=0)), x, y
    )
    check(model, x)


def test_what_the_interface_says_about_categories() -> None:
    program = lower(encoded(OneHotEncoder(handle_unknown="error"), FRAME), FRAME)
    zone = program.interface.inputs[4]
    assert zone.categories == ("café", "mill", "north", "rare one", "rare two", "south")
    assert zone.accepts_missing and not zone.accepts_unknown
    roof = program.interface.inputs[5]
    assert not roof.accepts_missing
    answers = program.run(columns_of(FRAME, program.interface))
    assert np.isfinite(answers["value"]).all()


def test_categories_of_two_kinds_are_refused() -> None:
    x = pd.DataFrame({"k": pd.Series(["1", "b", "1"] * 30, dtype=object)})
    model = fitted(make_pipeline(OneHotEncoder(handle_unknown="ignore"), forest()), x, np.arange(90))
    with pytest.raises(UnsupportedError, match="category '1' in a column of numbers; pass the column as strings"):
        lower(model, x.assign(k=1.0))
    numbers = fitted(make_pipeline(OneHotEncoder(handle_unknown="ignore"), forest()), x.assign(k=1.0), np.arange(90))
    with pytest.raises(
        UnsupportedError, match=r"category 1\.0 in a column of strings; encode strings and numbers apart"
    ):
        lower(numbers, x)
