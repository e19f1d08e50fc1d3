"""SimpleImputer and MissingIndicator."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from zoo import NUMBERS, STRINGS, check, fitted, matrix, matrix_target, table, target, usual

from edgepack.errors import UnsupportedError
from edgepack.lower import lower

FRAME = table()
VALUE = target(FRAME)
HOT: dict[str, Any] = {"handle_unknown": "ignore"}


def forest() -> RandomForestRegressor:
    return RandomForestRegressor(5, max_depth=6, random_state=0)


def holed(sentinel: float) -> pd.DataFrame:
    return FRAME.assign(area=FRAME["area"].fillna(sentinel), slope=FRAME["slope"].fillna(sentinel))


@pytest.mark.parametrize(
    ("strategy", "add_indicator", "keep_empty"),
    product(["mean", "median", "most_frequent", "constant"], [False, True], [False, True]),
)
def test_imputed_numbers_with_an_empty_column(strategy: str, add_indicator: bool, keep_empty: bool) -> None:
    x = FRAME.assign(year=np.nan)
    imputer = SimpleImputer(strategy=strategy, add_indicator=add_indicator, keep_empty_features=keep_empty)
    check(fitted(make_pipeline(usual(imputer), forest()), x, VALUE), x)


@pytest.mark.parametrize(("sentinel", "add_indicator"), product([-1.0, 0.0, 3.0], [False, True]))
def test_a_number_that_stands_for_missing(sentinel: float, add_indicator: bool) -> None:
    x = holed(sentinel)
    imputer = SimpleImputer(missing_values=sentinel, add_indicator=add_indicator)
    check(fitted(make_pipeline(usual(imputer), forest()), x, VALUE), x)
    linear = usual(make_pipeline(imputer, StandardScaler()))
    check(fitted(make_pipeline(linear, Ridge()), x, VALUE), x, exact=False)


@pytest.mark.parametrize(("strategy", "add_indicator"), product(["most_frequent", "constant"], [False, True]))
def test_imputed_strings(strategy: str, add_indicator: bool) -> None:
    strings = make_pipeline(SimpleImputer(strategy=strategy, add_indicator=add_indicator), OneHotEncoder(**HOT))
    check(fitted(make_pipeline(usual(strings=strings), forest()), FRAME, VALUE), FRAME)
    check(fitted(make_pipeline(usual(strings=strings), Ridge()), FRAME, VALUE), FRAME, exact=False)


@pytest.mark.parametrize("sentinel", ["north", "?", ""])
def test_a_string_that_stands_for_missing(sentinel: str) -> None:
    x = FRAME.assign(zone=FRAME["zone"].fillna(sentinel))
    strings = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="none", missing_values=sentinel), OrdinalEncoder()
    )
    check(fitted(make_pipeline(usual(strings=strings), forest()), x, VALUE), x)


@pytest.mark.parametrize(
    ("missing", "encoder"), product([None, np.nan, pd.NA], [OneHotEncoder(**HOT), OneHotEncoder(drop="first", **HOT)])
)
def test_missing_strings_that_are_none(missing: Any, encoder: OneHotEncoder) -> None:
    zone = pd.Series([None if v != v else v for v in FRAME["zone"]], dtype=object)
    x = FRAME.assign(zone=zone)
    strings = make_pipeline(SimpleImputer(strategy="most_frequent", missing_values=missing), encoder)
    model = fitted(make_pipeline(usual(strings=strings), forest()), x, VALUE)
    program = check(model, x)
    assert program.none_columns >= (set() if missing is pd.NA else {"zone"})
    assert program.interface.inputs[4].accepts_missing


def test_none_is_a_category_for_an_imputer_of_nan() -> None:
    x = FRAME.assign(zone=pd.Series([None if v != v else v for v in FRAME["zone"]], dtype=object))
    imputed = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(**HOT))
    both = FeatureUnion([("hot", imputed), ("code", OneHotEncoder(**HOT))])
    check(fitted(make_pipeline(usual(strings=both), forest()), x, VALUE), x)


def test_an_indicator_of_nan_refuses_a_column_of_none() -> None:
    zone = pd.Series([None if v != v else v for v in FRAME["zone"]], dtype=object)
    zone[3] = np.nan
    x = FRAME.assign(zone=zone)
    strings = FeatureUnion([("hot", OneHotEncoder(**HOT)), ("missing", MissingIndicator(features="all"))])
    with pytest.raises(UnsupportedError, match=r"missing → MissingIndicator: missing_values=nan, but None is what"):
        lower(fitted(make_pipeline(usual(strings=strings), forest()), x, VALUE), x)


@pytest.mark.parametrize("fill", ["most_frequent", "constant"])
def test_numbers_and_strings_in_one_table(fill: str) -> None:
    x = FRAME.fillna({"area": 30.0, "slope": 0.0}) if fill == "constant" else FRAME
    imputer = SimpleImputer(strategy=fill, **({"fill_value": "none"} if fill == "constant" else {}))
    both = ColumnTransformer([("in", imputer, ["rooms", *STRINGS])])
    if fill == "constant":
        with pytest.raises(UnsupportedError, match="fill value 'none' in a column of numbers"):
            lower(fitted(make_pipeline(both, OneHotEncoder(**HOT), forest()), x, VALUE), x)
        return
    check(fitted(make_pipeline(both, OneHotEncoder(**HOT), forest()), x, VALUE), x)


def test_a_mean_of_float32_rows_is_rounded_to_float32() -> None:
    x = FRAME.astype(dict.fromkeys(NUMBERS, np.float32))
    numbers = make_pipeline(SimpleImputer(strategy="mean"), StandardScaler())
    check(fitted(make_pipeline(usual(numbers), Ridge()), x, VALUE), x, exact=False)


@pytest.mark.parametrize(("features", "sparse"), product(["missing-only", "all"], ["auto", True, False]))
def test_indicators_of_numbers(features: str, sparse: Any) -> None:
    x = matrix(missing=True)
    x[:, 2] = np.nan_to_num(x[:, 2])
    indicator = MissingIndicator(features=features, sparse=sparse, error_on_new=False)
    union = FeatureUnion([("is", indicator), ("x", SimpleImputer())])
    check(fitted(make_pipeline(union, forest()), x, matrix_target(x)), x)


def test_indicators_of_strings_and_of_values() -> None:
    parts = [
        ("strings", MissingIndicator(features="all"), STRINGS),
        ("rooms", MissingIndicator(missing_values=3.0), ["rooms"]),
        ("x", "passthrough", NUMBERS),
    ]
    check(fitted(make_pipeline(ColumnTransformer(parts), forest()), FRAME, VALUE), FRAME)


def test_an_imputer_of_plain_arrays() -> None:
    x = matrix(missing=True)
    check(fitted(make_pipeline(SimpleImputer(add_indicator=True), forest()), x, matrix_target(x)), x)


def test_a_fill_that_is_itself_a_category() -> None:
    strings = make_pipeline(SimpleImputer(strategy="constant", fill_value="north"), OrdinalEncoder())
    program = check(fitted(make_pipeline(usual(strings=strings), forest()), FRAME, VALUE), FRAME)
    assert program.interface.inputs[4].accepts_unknown is False
