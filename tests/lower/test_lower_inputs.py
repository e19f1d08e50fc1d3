"""The inputs that a model declares, and rows of every type that pandas and numpy have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import CategoricalNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from zoo import NUMBERS, STRINGS, check, classes, fitted, matrix, matrix_target, table, target, usual

from edgepack.contract import Input
from edgepack.lower import lower
from edgepack.lower.schema import with_one_tree

FRAME = table()
VALUE = target(FRAME)
X = matrix()
Y = matrix_target(X)
HOT = OneHotEncoder(handle_unknown="ignore")


def forest() -> RandomForestRegressor:
    return RandomForestRegressor(4, max_depth=6, random_state=0)


def test_a_plain_array_is_one_wide_input() -> None:
    program = check(fitted(forest(), X, Y), X)
    assert program.interface.inputs == (Input(name="X", kind="number", width=5, accepts_missing=True),)
    assert program.interface.outputs == ("value",)
    assert program.interface.classes is None


def test_a_frame_of_numbers_is_one_input_per_column() -> None:
    x = pd.DataFrame(X, columns=list("abcde"))
    program = check(fitted(make_pipeline(StandardScaler(), forest()), x, Y), x)
    assert [i.name for i in program.interface.inputs] == list("abcde")


def test_columns_come_in_the_fitted_order() -> None:
    x = pd.DataFrame(X, columns=list("abcde"))
    program = check(fitted(forest(), x, Y), x[list("edcba")])
    assert [i.name for i in program.interface.inputs] == list("abcde")


def test_columns_named_by_numbers() -> None:
    x = pd.DataFrame(matrix(missing=True), columns=range(5))
    parts = ColumnTransformer([("n", SimpleImputer(), [0, 1, 2]), ("p", "passthrough", [4])])
    program = check(fitted(make_pipeline(parts, forest()), x, Y), x)
    assert all(i.accepts_missing for i in program.interface.inputs if i.name in "0124")


@pytest.mark.parametrize("dtype", ["int64", "int8", "float32", "float16", "Int64", "Float64", "Float32", "UInt8"])
def test_columns_of_every_number_type(dtype: str) -> None:
    r = np.random.default_rng(0)
    x = pd.DataFrame(
        {"k": r.integers(0, 50, 200), "n": r.integers(-9, 9, 200) if dtype != "UInt8" else r.integers(0, 9, 200)}
    )
    x = x.astype(dtype)
    y = x["k"].astype(float) * 0.1 + x["n"].astype(float)
    check(fitted(forest(), x, y), x)
    check(fitted(make_pipeline(StandardScaler(), Ridge()), x, y), x, exact=False)


@pytest.mark.parametrize("dtype", ["bool", "boolean", "Int64", "Float64", "object"])
def test_columns_with_missing_values_of_every_type(dtype: str) -> None:
    r = np.random.default_rng(0)
    flag = pd.Series(r.random(200) < 0.5)
    x = pd.DataFrame(
        {"flag": flag.astype(dtype if dtype != "object" else float), "n": r.integers(0, 9, 200).astype(float)}
    )
    if dtype != "bool":
        x.loc[::7, "flag"] = pd.NA if dtype in ("boolean", "Int64", "Float64") else np.nan
    if dtype == "object":
        x["flag"] = pd.Series([None if v != v else v for v in x["flag"]], dtype=object)
    y = flag * 3.0 + x["n"]
    numeric = x.assign(flag=x["flag"].astype("Float64").to_numpy(np.float64, na_value=np.nan))
    model = fitted(make_pipeline(SimpleImputer(strategy="mean"), forest()), numeric, y)
    check(model, x)


@pytest.mark.parametrize("dtype", ["object", "category", "string", "str"])
def test_columns_of_every_string_type(dtype: str) -> None:
    x = FRAME.astype(dict.fromkeys(STRINGS, dtype))
    whole = x.assign(zone=FRAME["zone"].fillna("none").astype(dtype))
    missing = [] if dtype == "string" else [(x, HOT)]  # scikit-learn cannot fit an encoder on pandas' NA
    for rows, steps in [(whole, HOT), (whole, OrdinalEncoder()), *missing]:
        model = fitted(make_pipeline(usual(strings=steps), forest()), rows, VALUE)
        program = check(model, rows)
        assert [i.kind for i in program.interface.inputs] == ["number"] * 4 + ["string"] * 2


def test_a_category_column_of_numbers() -> None:
    x = FRAME.assign(rooms=FRAME["rooms"].astype("category"))
    parts = ColumnTransformer([("r", HOT, ["rooms"]), ("n", "passthrough", ["area", "year"])], sparse_threshold=0)
    program = check(fitted(make_pipeline(parts, forest()), x, VALUE), x)
    rooms = next(i for i in program.interface.inputs if i.name == "rooms")
    assert rooms.kind == "number" and set(rooms.categories or ()) == set(FRAME["rooms"])


@pytest.mark.parametrize("dtype", ["U9", object])
def test_arrays_of_strings(dtype: Any) -> None:
    x = FRAME[STRINGS].fillna("none").to_numpy(dtype)
    program = check(fitted(make_pipeline(HOT, forest()), x, VALUE), x)
    assert [i.name for i in program.interface.inputs] == ["x0", "x1"]
    one = check(fitted(make_pipeline(HOT, forest()), x[:, :1], VALUE), x[:, :1])
    assert one.interface.inputs[0].kind == "string"


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, bool])
def test_arrays_of_numbers(dtype: Any) -> None:
    x = (np.abs(X) * 10).astype(dtype)
    check(fitted(make_pipeline(StandardScaler(), forest()), x, Y), x)


def test_lists_of_rows() -> None:
    assert lower(fitted(forest(), X, Y), X.tolist()).interface.inputs[0].width == 5


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_answers_hold_for_the_input_type(dtype: Any) -> None:
    x = np.random.default_rng(0).normal(size=(300, 3)) * [1e-4, 1, 3e5]
    y = x @ [1e4, 1.0, 1e-5]
    for model in (forest(), HistGradientBoostingRegressor(max_iter=4), RandomForestClassifier(4, random_state=0)):
        goal = classes(y, [0, 1]) if isinstance(model, RandomForestClassifier) else y
        check(fitted(model, x, goal), x, input_dtype=dtype)
        check(fitted(make_pipeline(StandardScaler(), model), x, goal), x, input_dtype=dtype)
    parts = usual(make_pipeline(SimpleImputer(), StandardScaler()))
    check(fitted(make_pipeline(parts, forest()), FRAME, VALUE), FRAME, input_dtype=dtype)
    check(fitted(make_pipeline(parts, Ridge()), FRAME, VALUE), FRAME, exact=False, input_dtype=dtype)


def test_what_may_be_missing_is_found_by_asking() -> None:
    parts = ColumnTransformer([("n", SimpleImputer(), ["area"]), ("p", "passthrough", ["year"]), ("s", HOT, STRINGS)])
    program = lower(fitted(make_pipeline(parts, Ridge()), FRAME, VALUE), FRAME)
    assert {i.name: i.accepts_missing for i in program.interface.inputs} == {
        "area": True,
        "year": False,
        "zone": True,
        "roof": True,
    }


def test_a_single_row_is_sample_enough() -> None:
    program = lower(fitted(make_pipeline(usual(), forest()), FRAME, VALUE), FRAME.iloc[[0]])
    assert [i.name for i in program.interface.inputs] == [*NUMBERS, *STRINGS]


def test_what_a_server_raises_for_an_unknown_category_is_no_traceback() -> None:
    x = pd.DataFrame(np.tile(np.arange(4.0), 8)[:, None] * [1, 1], columns=["a", "b"])
    program = lower(fitted(CategoricalNB(), x, np.tile([0, 1], 16)), x)  # it indexes an array with the category
    assert not any(i.accepts_unknown for i in program.interface.inputs)


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesRegressor])
def test_a_forest_is_asked_by_its_first_tree(kind: Any) -> None:
    x = np.random.default_rng(0).normal(size=(40, 3))
    forest = kind(5, random_state=0).fit(x, x[:, 0] > 0)
    last = with_one_tree(make_pipeline(StandardScaler(), forest).fit(x, x[:, 0] > 0)).steps[-1][1]
    for short in (with_one_tree(forest), last):
        assert [len(short.estimators_), len(forest.estimators_)] == [1, 5]
        with pytest.raises(ValueError, match="infinity"):
            short.predict(np.full((1, 3), np.inf))
    scaler = StandardScaler().fit(x)
    assert with_one_tree(scaler) is scaler
