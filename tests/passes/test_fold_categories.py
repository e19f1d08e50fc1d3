"""Splits on categories become codes, equalities and sides."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from zoo import NUMBERS, STRINGS, check, fitted, refolded, table, target, usual

from edgepack.ir.ops import Lookup
from edgepack.passes.categories import code

FRAME = table()
VALUE = target(FRAME)
HOT = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
CODE = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)


def forest(**options: Any) -> RandomForestRegressor:
    return RandomForestRegressor(6, max_depth=8, random_state=0, **options)


@given(sides=hnp.arrays(np.bool_, st.tuples(st.integers(2, 9), st.integers(1, 12))))
@settings(max_examples=200, deadline=None)
def test_a_coding_says_every_split(sides: np.ndarray) -> None:
    coding = code(sides)
    for s in range(sides.shape[1]):
        if coding.side[s] >= 0:
            left = coding.sides[:, coding.side[s]] <= coding.threshold[s]
        elif coding.equal[s]:
            left = coding.codes == coding.threshold[s]
        else:
            left = coding.codes <= coding.threshold[s]
        assert np.array_equal(left ^ coding.flip[s], sides[:, s])


@given(sides=hnp.arrays(np.bool_, st.tuples(st.integers(2, 9), st.integers(1, 12))))
@settings(max_examples=100, deadline=None)
def test_values_that_no_split_tells_apart_share_a_code(sides: np.ndarray) -> None:
    codes = code(sides).codes
    for a in range(len(sides)):
        for b in range(len(sides)):
            assert (codes[a] == codes[b]) == np.array_equal(sides[a], sides[b])


@pytest.mark.parametrize(
    "strings", [HOT, CODE, make_pipeline(CODE, StandardScaler()), make_pipeline(HOT, MinMaxScaler())], ids=str
)
@pytest.mark.parametrize("imputed", [False, True])
def test_one_code_per_column(strings: Any, imputed: bool) -> None:
    steps = make_pipeline(SimpleImputer(strategy="most_frequent"), strings) if imputed else strings
    program = check(fitted(make_pipeline(usual("passthrough", steps), forest()), FRAME, VALUE), FRAME)
    lookups = [n for n in program.nodes if isinstance(n.op, Lookup)]
    assert {n.inputs for n in lookups} == {("i4",), ("i5",)}
    if strings is HOT:
        assert [n.op.table.shape[1] for n in lookups if isinstance(n.op, Lookup)] == [1, 1]


def test_one_column_encoded_twice_is_looked_up_once() -> None:
    strings = FeatureUnion([("hot", HOT), ("code", CODE), ("missing", MissingIndicator(features="all"))])
    program = check(fitted(make_pipeline(usual("passthrough", strings), forest(max_features=0.3)), FRAME, VALUE), FRAME)
    lookups = [n for n in program.nodes if isinstance(n.op, Lookup)]
    assert {n.inputs for n in lookups} == {("i4",), ("i5",)}


def test_missing_strings_alone_can_be_a_feature() -> None:
    parts = ColumnTransformer([("m", MissingIndicator(features="all"), STRINGS), ("n", "passthrough", NUMBERS)])
    program = check(fitted(make_pipeline(parts, forest()), FRAME, VALUE), FRAME)
    assert "Indicate" not in {type(n.op).__name__ for n in program.nodes}


@pytest.mark.parametrize(("sentinel", "behind"), product([3.0, 0.0], [False, True]))
def test_a_number_that_means_missing_is_an_equality(sentinel: float, behind: bool) -> None:
    x = FRAME[["rooms", "year"]].fillna(1.0)
    first = SimpleImputer(missing_values=sentinel, add_indicator=True)
    steps = (
        make_pipeline(first, StandardScaler()) if behind else MissingIndicator(missing_values=sentinel, features="all")
    )
    both = FeatureUnion([("m", steps), ("x", "passthrough")])
    check(fitted(make_pipeline(both, forest(max_features=0.4)), x, (x["rooms"] == sentinel) * 3.0 + x["year"]), x)


def test_one_hot_numbers_are_compared_raw() -> None:
    r = np.random.default_rng(0)
    x = pd.DataFrame(
        {"k": r.integers(0, 6, 300).astype(float), "n": r.normal(size=300).astype(np.float32).astype(float)}
    )
    y = np.array([3, 0, 5, 1, 4, 2])[x["k"].astype(int)] + x["n"]
    parts = ColumnTransformer([("k", HOT, ["k"]), ("n", "passthrough", ["n"])])
    program = check(fitted(make_pipeline(parts, forest()), x, y), x)
    assert "Lookup" not in {type(n.op).__name__ for n in program.nodes}
    assert refolded(program).equal.any()


def test_sets_of_categories_get_sides_of_their_own() -> None:
    r = np.random.default_rng(0)
    x = pd.DataFrame({"k": r.integers(0, 30, 400).astype(float)})
    y = np.sin(x["k"] * 3) * 5
    model = HistGradientBoostingRegressor(categorical_features=[0], max_iter=8, min_samples_leaf=3)
    program = check(fitted(model, x, y), x)
    widths = [n.op.table.shape[1] for n in program.nodes if isinstance(n.op, Lookup)]
    assert max(widths) > 1


def test_unknown_and_missing_have_their_own_answers() -> None:
    strings = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-5, encoded_missing_value=40)
    model = fitted(make_pipeline(usual("passthrough", strings), forest(max_features=2)), FRAME, VALUE)
    check(model, FRAME)


def test_the_same_splits_from_any_scale_of_codes() -> None:
    for scale in (1e-30, 1.0, 1e30):
        parts = ColumnTransformer([("c", CODE, STRINGS)], transformer_weights={"c": scale})
        check(fitted(make_pipeline(parts, forest()), FRAME, VALUE), FRAME)
