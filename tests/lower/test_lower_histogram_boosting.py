"""Histogram-based gradient boosting, with category splits."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder, StandardScaler
from zoo import NUMBERS, STRINGS, check, classes, fitted, matrix, matrix_target, refolded, table, target

SMALL: dict[str, Any] = {"max_iter": 6, "min_samples_leaf": 5, "max_leaf_nodes": 8, "random_state": 0}
X = matrix(missing=True)
Y = matrix_target(X)
FRAME = table()
VALUE = target(FRAME)
CODES = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "gamma", "poisson", "quantile"])
def test_every_loss(loss: str) -> None:
    quantile = {"quantile": 0.8} if loss == "quantile" else {}
    model = HistGradientBoostingRegressor(loss=loss, **quantile, **SMALL)
    check(fitted(model, X, Y - Y.min() + 0.1), X)


@pytest.mark.parametrize("labels", [[0, 1], ["x", "y", "z"], [False, True], [1.0, 2.0, 3.0, 9.0], [4, 2]])
def test_labels(labels: list[Any]) -> None:
    check(fitted(HistGradientBoostingClassifier(**SMALL), X, classes(Y, labels)), X)


@pytest.mark.parametrize("scaler", [StandardScaler(), FunctionTransformer(np.negative), FunctionTransformer(np.cbrt)])
def test_steps_before_it_compare_in_float64(scaler: Any) -> None:
    check(fitted(make_pipeline(scaler, HistGradientBoostingRegressor(**SMALL)), X, Y), X)


def test_options() -> None:
    for options in (
        {"l2_regularization": 3.0, "learning_rate": 0.5, "max_bins": 12},
        {"early_stopping": True, "max_iter": 30},
        {"monotonic_cst": [1, 0, -1, 0, 0]},
        {"interaction_cst": "no_interactions"},
        {"max_depth": 1},
    ):
        check(fitted(HistGradientBoostingRegressor(**{**SMALL, **options}), X, Y), X)
    check(fitted(HistGradientBoostingRegressor(**SMALL), X, Y, sample_weight=np.linspace(0, 1, len(X))), X)
    check(fitted(HistGradientBoostingClassifier(class_weight="balanced", **SMALL), X, classes(Y, [0, 1])), X)


def test_single_leaves() -> None:
    model = HistGradientBoostingRegressor(max_iter=3, min_samples_leaf=500)
    check(fitted(model, X, Y), X, rows=300)


def with_codes(r: np.random.Generator) -> pd.DataFrame:
    x = pd.DataFrame({"k": r.integers(0, 12, 300).astype(float), "m": r.choice([2.0, 4.0, 100.0, np.nan], 300)})
    return x.assign(n=r.normal(size=300).astype(np.float32).astype(float))


@pytest.mark.parametrize(
    ("categorical", "as_frame", "kind"),
    product(
        [[0], [1, 0], ["k", "m"], [True, False, False], [False, True, False], None],
        [True, False],
        [HistGradientBoostingRegressor, HistGradientBoostingClassifier],
    ),
)
def test_categorical_numbers(categorical: Any, as_frame: bool, kind: Any) -> None:
    if not as_frame and categorical and isinstance(categorical[0], str):
        pytest.skip("an array has no names")
    frame = with_codes(np.random.default_rng(0))
    y = np.sin(frame["k"] * 2) + (frame["m"] == 4) + 0.3 * frame["n"]
    y = classes(y, ["a", "b", "c"]) if kind is HistGradientBoostingClassifier else y
    x = frame if as_frame else frame.to_numpy()
    check(fitted(kind(categorical_features=categorical, **SMALL), x, y), x)


@pytest.mark.parametrize("kind", [HistGradientBoostingRegressor, HistGradientBoostingClassifier])
def test_categories_from_dtypes(kind: Any) -> None:
    x = FRAME.astype({"zone": "category", "roof": "category"}).assign(
        rooms=FRAME["rooms"].astype(int).astype("category")
    )
    y = classes(VALUE, ["a", "b"]) if kind is HistGradientBoostingClassifier else VALUE
    program = check(fitted(kind(categorical_features="from_dtype", **SMALL), x, y), x)
    kinds = [i.kind for i in program.interface.inputs]
    assert kinds == ["number", "number", "number", "number", "string", "string"]


@pytest.mark.parametrize("strategy", ["most_frequent", "constant"])
def test_ordinal_codes_before_categorical_features(strategy: str) -> None:
    strings = make_pipeline(SimpleImputer(strategy=strategy), CODES)
    for codes in (CODES, strings):
        both = ColumnTransformer([("s", codes, STRINGS), ("n", "passthrough", NUMBERS)])
        model = make_pipeline(both, HistGradientBoostingClassifier(categorical_features=[0, 1], **SMALL))
        program = check(fitted(model, FRAME, classes(VALUE, ["u", "v", "w"])), FRAME)
        assert refolded(program).features >= 5


def test_many_categories() -> None:
    r = np.random.default_rng(0)
    x = np.stack([r.integers(0, 200, 400), r.integers(0, 3, 400)], axis=1).astype(float)
    y = np.sin(x[:, 0] * 7) + x[:, 1]
    model = HistGradientBoostingRegressor(categorical_features=[0], max_iter=10, min_samples_leaf=2)
    check(fitted(model, x, y), x)
