"""Pipelines, ColumnTransformers and FeatureUnions: which columns go where, in which order, weighed how."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler
from zoo import NUMBERS, STRINGS, check, fitted, matrix, matrix_target, table, target, usual

FRAME = table()
VALUE = target(FRAME)
HOT = OneHotEncoder(handle_unknown="ignore")
DENSE = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
SCALED = make_pipeline(SimpleImputer(), StandardScaler())


def forest() -> RandomForestRegressor:
    return RandomForestRegressor(5, max_depth=6, random_state=0)


def numeric_columns(frame: Any) -> list[str]:
    return [name for name in frame.columns if frame[name].dtype != object]


SELECTORS: dict[str, tuple[Any, Any]] = {
    "names": (NUMBERS, STRINGS),
    "names in another order": (["rooms", "area", "slope", "year"], ["roof", "zone"]),
    "one name": (["area"], ["roof"]),
    "positions": ([0, 1, 2, 3], [4, 5]),
    "negative positions": ([-4, -6], [-1]),
    "slice": (slice(0, 4), slice(4, 6)),
    "slice of names": (slice("area", "rooms"), slice("zone", "roof")),
    "masks": ([True, False, True, True, False, False], np.array([0, 0, 0, 0, 1, 1], bool)),
    "a callable": (numeric_columns, ["zone"]),
    "selector": (make_column_selector(dtype_include=np.number), make_column_selector(dtype_exclude=np.number)),
    "pattern": (make_column_selector(pattern="^(area|year)$"), make_column_selector(pattern="^ro{2}f")),
    "overlapping": (NUMBERS, [*STRINGS, "rooms"]),
    "nothing": ([], STRINGS),
}


@pytest.mark.parametrize("name", SELECTORS)
def test_columns_are_chosen_as_scikit_learn_chooses_them(name: str) -> None:
    numbers, strings = SELECTORS[name]
    hot = OneHotEncoder(handle_unknown="ignore", max_categories=8)
    model = make_pipeline(ColumnTransformer([("n", SCALED, numbers), ("s", hot, strings)]), forest())
    if name == "overlapping":
        model = make_pipeline(
            ColumnTransformer([("n", SCALED, numbers), ("s", hot, ["roof"]), ("r", hot, ["rooms"])]), forest()
        )
    check(fitted(model, FRAME, VALUE), FRAME)


@pytest.mark.parametrize(
    ("remainder", "last"), product(["drop", "passthrough", SimpleImputer(), SCALED], [forest(), Ridge()])
)
def test_remainder(remainder: Any, last: Any) -> None:
    x = FRAME.fillna({"slope": 1.5}) if isinstance(last, Ridge) else FRAME
    parts = [("s", HOT, STRINGS), ("area", SCALED, ["area"]), ("gone", "drop", ["rooms"])]
    model = make_pipeline(ColumnTransformer(parts, remainder=remainder), last)
    check(fitted(model, x, VALUE), x, exact=not isinstance(last, Ridge))


@pytest.mark.parametrize(
    ("weights", "threshold", "last"),
    product([{"n": 0.3}, {"s": -2.0, "n": 7}, {"p": 0.1}, {"s": 0}], [0.0, 1.0], [forest(), Ridge()]),
)
def test_weights(weights: dict[str, float], threshold: float, last: Any) -> None:
    parts = [("n", SCALED, ["area", "slope"]), ("s", HOT, STRINGS), ("p", "passthrough", ["year", "rooms"])]
    table_ = ColumnTransformer(parts, transformer_weights=weights, sparse_threshold=threshold)
    check(fitted(make_pipeline(table_, last), FRAME, VALUE), FRAME, exact=not isinstance(last, Ridge))
    if isinstance(last, Ridge):
        check(fitted(make_pipeline(table_, StandardScaler(with_mean=False), last), FRAME, VALUE), FRAME, exact=False)


@pytest.mark.parametrize(("encoder", "threshold"), product([HOT, DENSE], [0.0, 0.3, 0.7, 1.0]))
def test_sparse_and_dense_tables(encoder: Any, threshold: float) -> None:
    table_ = usual(strings=encoder, sparse_threshold=threshold)
    scaled = make_pipeline(table_, StandardScaler(with_mean=False), forest())
    check(fitted(scaled, FRAME, VALUE), FRAME)


def test_transformers_inside_transformers() -> None:
    inner = ColumnTransformer([("area", SCALED, ["area"]), ("rest", SimpleImputer(), ["year", "slope"])])
    strings = Pipeline([("fill", SimpleImputer(strategy="most_frequent")), ("skip", "passthrough"), ("hot", HOT)])
    outer = ColumnTransformer(
        [("s", strings, STRINGS), ("n", Pipeline([("in", inner), ("mm", MinMaxScaler())]), NUMBERS)]
    )
    twice = ColumnTransformer([("first", MinMaxScaler(), slice(0, 3)), ("last", "passthrough", [-1, -2])])
    check(fitted(make_pipeline(outer, twice, forest()), FRAME, VALUE), FRAME)
    check(fitted(make_pipeline(outer, twice, Ridge()), FRAME, VALUE), FRAME, exact=False)


def test_frames_between_steps() -> None:
    numbers = make_pipeline(SimpleImputer(add_indicator=True), RobustScaler())
    first = ColumnTransformer([("n", numbers, NUMBERS), ("s", DENSE, STRINGS)], verbose_feature_names_out=False)
    then = ColumnTransformer([("x", StandardScaler(), ["area", "rooms"]), ("hot", "passthrough", ["roof_flat"])])
    model = make_pipeline(first, then, forest()).set_output(transform="pandas")
    check(fitted(model, FRAME, VALUE), FRAME)


@pytest.mark.parametrize("weights", [None, {"a": 3.0, "skip": -0.5}])
def test_unions(weights: Any) -> None:
    parts = [
        ("a", SCALED),
        ("gone", "drop"),
        ("skip", "passthrough"),
        ("both", FeatureUnion([("x", SimpleImputer(strategy="median")), ("y", SimpleImputer(add_indicator=True))])),
    ]
    x = matrix(missing=True)
    check(fitted(make_pipeline(FeatureUnion(parts, transformer_weights=weights), forest()), x, matrix_target(x)), x)


def test_a_union_of_sparse_and_dense() -> None:
    strings = FeatureUnion(
        [("hot", HOT), ("code", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1))]
    )
    x = FRAME.fillna({"zone": "none"})
    model = make_pipeline(ColumnTransformer([("s", strings, STRINGS)]), StandardScaler(with_mean=False), forest())
    check(fitted(model, x, VALUE), x)


def test_a_pipeline_of_the_predictor_alone_and_of_pipelines() -> None:
    x = matrix()
    y = matrix_target(x)
    check(fitted(Pipeline([("only", forest())]), x, y), x)
    nested = Pipeline(
        [("in", Pipeline([("s", StandardScaler()), ("none", None)])), ("out", Pipeline([("f", forest())]))]
    )
    check(fitted(nested, x, y), x)


def test_columns_that_no_step_takes_are_no_inputs() -> None:
    x = FRAME.assign(note="free text", other=1.0)
    program = check(fitted(make_pipeline(usual(), forest()), x, VALUE), FRAME.assign(note="free text", other=1.0))
    assert [i.name for i in program.interface.inputs] == [*NUMBERS, *STRINGS]


def test_a_column_transformer_on_arrays() -> None:
    x = matrix(missing=True)
    parts = [("a", SimpleImputer(), [4, 0]), ("b", "passthrough", [2]), ("c", SCALED, slice(1, 4))]
    check(fitted(make_pipeline(ColumnTransformer(parts), forest()), x, matrix_target(x)), x)


def test_a_column_transformer_on_object_arrays() -> None:
    x = FRAME.to_numpy(object)
    parts = [("n", SCALED, [0, 1, 2, 3]), ("s", HOT, [4, 5])]
    program = check(fitted(make_pipeline(ColumnTransformer(parts), forest()), x, VALUE), x)
    assert [(i.name, i.kind) for i in program.interface.inputs] == [
        ("x0", "number"), ("x1", "number"), ("x2", "number"), ("x3", "number"), ("x4", "string"), ("x5", "string"),
    ]  # fmt: skip
