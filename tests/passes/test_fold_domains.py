"""Functions that are not defined everywhere: outside their domain a forest takes NaN's branch."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor
from zoo import check, fitted, matrix, matrix_target, refolded

from edgepack.ir.ops import Forest
from edgepack.lower import lower

FUNCTIONS = ["log", "log1p", "log2", "log10", "sqrt"]
X = (matrix(missing=True) * [1, 1, 0.1, 0.01, 1]).astype(np.float32).astype(np.float64)
Y = matrix_target(X)


def f(name: str) -> FunctionTransformer:
    return FunctionTransformer(getattr(np, name))


def forest() -> RandomForestRegressor:
    return RandomForestRegressor(6, max_depth=7, random_state=0)


LAST: list[Any] = [
    forest(),
    DecisionTreeRegressor(random_state=0),
    HistGradientBoostingRegressor(max_iter=8, min_samples_leaf=4),
]


@pytest.mark.parametrize(("name", "last"), product(FUNCTIONS, LAST), ids=str)
def test_a_function_before_a_forest_that_knows_nan(name: str, last: Any) -> None:
    program = check(fitted(make_pipeline(f(name), StandardScaler(), last), X, Y), X)
    assert [type(n.op) for n in program.nodes] == [Forest]


@pytest.mark.parametrize(("name", "last"), product(["log1p", "sqrt"], LAST), ids=str)
def test_a_falling_function_is_bounded_above(name: str, last: Any) -> None:
    program = check(fitted(make_pipeline(f("negative"), f(name), StandardScaler(), last), X, Y), X)
    assert [type(n.op) for n in program.nodes] == [Forest]
    check(fitted(make_pipeline(f(name), f("negative"), last), X, Y), X)


@pytest.mark.parametrize(("name", "last"), product(["log1p", "sqrt"], LAST), ids=str)
def test_missing_values_are_imputed_before_the_function(name: str, last: Any) -> None:
    for fill in (0.5, -2.0):
        imputer = SimpleImputer(strategy="constant", fill_value=fill)
        program = check(fitted(make_pipeline(imputer, f(name), StandardScaler(), last), X, Y), X)
        assert [type(n.op) for n in program.nodes] == [Forest]


@pytest.mark.parametrize(("name", "last"), product(["log1p", "sqrt"], LAST), ids=str)
def test_what_is_outside_the_domain_is_imputed_behind_the_function(name: str, last: Any) -> None:
    for imputer in (
        SimpleImputer(),
        SimpleImputer(add_indicator=True),
        SimpleImputer(strategy="constant", fill_value=-9.0),
    ):
        check(fitted(make_pipeline(f(name), imputer, MinMaxScaler(), last), X, Y), X)


@pytest.mark.parametrize("last", LAST, ids=str)
def test_one_column_inside_and_outside_of_several_domains(last: Any) -> None:
    union = FeatureUnion(
        [
            ("x", "passthrough"),
            ("log", f("log1p")),
            ("sqrt", f("sqrt")),
            ("neg", make_pipeline(f("negative"), f("sqrt"))),
        ]
    )
    program = check(fitted(make_pipeline(union, last), X, Y), X)
    assert [type(n.op) for n in program.nodes] == [Forest]


@pytest.mark.parametrize("last", LAST, ids=str)
def test_a_domain_with_two_ends_stays_computed(last: Any) -> None:
    x = np.abs(X) / np.nanmax(np.abs(X), axis=0) * 0.9 + 0.01
    x = x.astype(np.float32).astype(np.float64)
    program = check(fitted(make_pipeline(f("log"), f("negative"), f("sqrt"), last), x, Y), x)
    assert "Elementwise" in {type(n.op).__name__ for n in program.nodes}
    check(fitted(make_pipeline(f("log1p"), f("negative"), f("log1p"), last), x, Y), x)


def test_an_edge_is_tested_once_on_a_path() -> None:
    whole = X[:, :1]
    model = fitted(make_pipeline(f("sqrt"), DecisionTreeRegressor(random_state=0, max_depth=9)), whole, Y)
    program = check(model, whole)
    before, after = refolded(lower(model, whole)), refolded(program)
    edges = (after.threshold < 0) & ~after.is_leaf
    assert 0 < edges.sum() <= before.is_leaf.sum() / 2
    assert len(after.feature) < 1.5 * len(before.feature)


def test_a_function_before_an_encoder() -> None:
    x = np.abs(np.round(X[:, :2])) % 5
    x[::9] = -1.0
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    check(fitted(make_pipeline(f("sqrt"), encoder, forest()), x, Y), x)


@pytest.mark.parametrize(("name", "dtype"), product(FUNCTIONS, ["float64"]))
def test_double_inputs_near_the_edge(name: str, dtype: Any) -> None:
    x = np.random.default_rng(0).normal(size=(300, 2))
    check(fitted(make_pipeline(f(name), forest()), x, np.nan_to_num(x).sum(axis=1)), x, input_dtype=dtype)
