"""Linear models over raw numbers and one lookup per category column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from zoo import NUMBERS, STRINGS, check, classes, fitted, matrix, matrix_target, table, target, usual

from edgepack.ir import Program
from edgepack.ir.ops import Linear, Lookup

FRAME = table()
VALUE = target(FRAME)
WHOLE = FRAME.fillna({"area": 33.0, "slope": 0.25, "zone": "none"})
HOT = OneHotEncoder(handle_unknown="ignore")


def names(program: Program) -> list[str]:
    return [type(n.op).__name__ for n in program.nodes]


LAST: list[Any] = [Ridge(), LogisticRegression(max_iter=300), OneVsRestClassifier(LogisticRegression(max_iter=300))]


@pytest.mark.parametrize("last", LAST, ids=str)
@pytest.mark.parametrize("sparse", [0.0, 1.0])
def test_scalers_and_encoders_become_weights(last: Any, sparse: float) -> None:
    y = VALUE if isinstance(last, Ridge) else classes(VALUE, ["a", "b", "c"])
    program = check(fitted(make_pipeline(usual(sparse_threshold=sparse), last), FRAME, y), FRAME, exact=False)
    assert set(names(program)[:6]) == {"Concat", "Impute", "Linear", "Lookup", "Sum"}
    assert "Affine" not in names(program) and "OneHot" not in names(program)


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler(), MaxAbsScaler(), RobustScaler()], ids=str)
def test_a_scaled_linear_model_on_an_array_is_one_product(scaler: Any) -> None:
    x = matrix()
    program = check(fitted(make_pipeline(scaler, StandardScaler(), Ridge()), x, matrix_target(x)), x, exact=False)
    assert names(program) == ["Linear"]
    assert program.nodes[0].inputs == ("i0",)


def test_a_column_used_several_times_gets_one_weight() -> None:
    x = matrix()
    union = FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler()), ("c", "passthrough")])
    program = check(fitted(make_pipeline(union, Ridge()), x, matrix_target(x)), x, exact=False)
    assert names(program) == ["Linear"]
    op = program.nodes[0].op
    assert isinstance(op, Linear) and op.coef.shape == (1, 5)


def test_categories_alone_are_a_sum_of_lookups() -> None:
    model = make_pipeline(ColumnTransformer([("s", HOT, STRINGS)]), Ridge())
    program = check(fitted(model, FRAME, VALUE), FRAME, exact=False)
    assert names(program) == ["Lookup", "Lookup", "Sum"]
    one = make_pipeline(ColumnTransformer([("s", HOT, ["roof"])]), Ridge())
    assert names(check(fitted(one, FRAME, VALUE), FRAME, exact=False)) == ["Lookup", "Sum"]


def test_all_of_a_column_is_one_lookup() -> None:
    filled = make_pipeline(SimpleImputer(strategy="most_frequent"), HOT)
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    both = FeatureUnion([("hot", HOT), ("filled", filled), ("code", codes), ("none", MissingIndicator(features="all"))])
    program = check(
        fitted(make_pipeline(ColumnTransformer([("s", both, STRINGS)]), Ridge()), FRAME, VALUE), FRAME, exact=False
    )
    assert names(program) == ["Lookup", "Lookup", "Sum"]


def test_functions_and_clips_stay_before_the_product() -> None:
    for step, scalers in ((FunctionTransformer(np.square), 1), (MinMaxScaler(clip=True), 2)):
        numbers = make_pipeline(SimpleImputer(), StandardScaler(), step, StandardScaler())
        program = check(fitted(make_pipeline(usual(numbers), Ridge()), FRAME, VALUE), FRAME, exact=False)
        assert names(program).count("Affine") == scalers


def test_unknown_and_missing_weigh_what_scikit_learn_says() -> None:
    for options in ({}, {"min_frequency": 20}, {"drop": "first"}):
        for unknown in ("ignore", "infrequent_if_exist"):
            hot = OneHotEncoder(handle_unknown=unknown, **options)
            program = check(fitted(make_pipeline(usual(strings=hot), Ridge()), FRAME, VALUE), FRAME, exact=False)
            assert sum(isinstance(n.op, Lookup) for n in program.nodes) == 2


def test_several_targets() -> None:
    y = np.stack([VALUE, -2 * VALUE, VALUE**2], axis=1)
    program = check(fitted(make_pipeline(usual(), Ridge()), FRAME, y), FRAME, exact=False)
    assert {n.op.table.shape[1] for n in program.nodes if isinstance(n.op, Lookup)} == {3}


def test_weights_of_zero() -> None:
    model = fitted(make_pipeline(usual(), Ridge()), FRAME, VALUE)
    model[-1].coef_ = np.zeros_like(model[-1].coef_)
    check(model, FRAME, exact=False)


def test_lookups_keep_only_categories_that_differ_from_unknown() -> None:
    model = fitted(make_pipeline(ColumnTransformer([("s", HOT, STRINGS)]), Ridge()), WHOLE, VALUE)
    model[-1].coef_[:3] = 0.0
    program = check(model, WHOLE, exact=False)
    first = program.nodes[0].op
    assert isinstance(first, Lookup) and len(first.keys) == len(set(WHOLE["zone"])) - 3


def test_encoded_numbers() -> None:
    x = FRAME[NUMBERS].round().fillna(2.0)
    hot = OneHotEncoder(handle_unknown="ignore", min_frequency=5)
    parts = ColumnTransformer([("r", hot, ["rooms", "slope"]), ("n", StandardScaler(), NUMBERS)])
    program = check(fitted(make_pipeline(parts, Ridge()), x, VALUE), x, exact=False)
    assert names(program).count("Lookup") == 2
