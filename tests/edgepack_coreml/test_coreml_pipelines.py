"""Fitted scikit-learn pipelines: the model's answers are scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack_coreml import target
from edgepack_coreml.plan import plan

Make = Callable[..., Any]
NUMBERS, STRINGS = ["age", "fare (USD)"], ["city", "deck"]


def frame() -> Any:
    rng = np.random.default_rng(0)
    n = 600
    data = pd.DataFrame(
        {
            "age": rng.normal(40, 12, n).astype(np.float32).astype(np.float64),
            "fare (USD)": rng.lognormal(3, 1, n).astype(np.float32).astype(np.float64),
            "city": rng.choice(np.array(["oslo", "rome", "café", "東京"], object), n),
            "deck": rng.choice(np.array(["a", "b", "", "d", np.nan], object), n),
        }
    )
    data.loc[rng.random(n) < 0.1, "age"] = np.nan
    return data


DATA = frame()
FARE, ROME = DATA["fare (USD)"], DATA["city"] == "rome"
TARGETS: dict[str, Any] = {
    "three": np.select([FARE > 30, ROME], ["high", "mid"], "low"),
    "two": ((FARE > 20) & ~ROME).to_numpy(),
    "price": (FARE * 2 + 10 * ROME).to_numpy(),
    "prices": np.stack([FARE * 2, FARE + 10 * ROME], axis=1),
}
HOT = make_pipeline(
    SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
)
CODES = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=np.nan)
FEW = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=140, sparse_output=False)


def columns(numbers: Any, strings: Any) -> Any:
    return ColumnTransformer([("n", numbers, NUMBERS), ("s", strings, STRINGS)])


SCALED = columns(make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), HOT)
CLIPPED = columns(make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler(clip=True)), FEW)
RAW = columns("passthrough", HOT)
CODED = columns("passthrough", CODES)

MODELS: dict[str, tuple[Any, Any, str]] = {
    "logistic, two": (SCALED, LogisticRegression(max_iter=300), "two"),
    "logistic, three": (CLIPPED, LogisticRegression(max_iter=300), "three"),
    "one versus rest": (SCALED, OneVsRestClassifier(LogisticRegression(max_iter=300)), "three"),
    "ridge": (SCALED, Ridge(), "price"),
    "ridge of two": (CLIPPED, Ridge(), "prices"),
    "ridge of a scaled target": (SCALED, TransformedTargetRegressor(Ridge(), transformer=StandardScaler()), "price"),
    "ridge of log prices": (
        SCALED,
        TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
        "price",
    ),
    "histograms, poisson": (CODED, HistGradientBoostingRegressor(max_iter=8, loss="poisson"), "price"),
    "tree": (RAW, DecisionTreeClassifier(max_depth=6, random_state=0), "three"),
    "forest, two": (RAW, RandomForestClassifier(10, random_state=0), "two"),
    "forest, three, scaled": (SCALED, RandomForestClassifier(10, max_depth=6, random_state=0), "three"),
    "forest on codes": (CODED, RandomForestClassifier(10, max_depth=6, random_state=0), "three"),
    "forest of two": (RAW, RandomForestRegressor(5, max_depth=5, random_state=0), "prices"),
    "extra trees": (SCALED, ExtraTreesRegressor(10, max_depth=6, random_state=0), "price"),
    "boosted, two": (SCALED, GradientBoostingClassifier(n_estimators=8, loss="exponential", random_state=0), "two"),
    "boosted, three": (CLIPPED, GradientBoostingClassifier(n_estimators=8, random_state=0), "three"),
    "boosted": (SCALED, GradientBoostingRegressor(n_estimators=8, random_state=0), "price"),
    "histograms, two": (CODED, HistGradientBoostingClassifier(max_iter=8), "two"),
    "histograms, three": (RAW, HistGradientBoostingClassifier(max_iter=8), "three"),
    "histograms": (CODED, HistGradientBoostingRegressor(max_iter=8), "price"),
}


def new_rows() -> Any:
    """New values, missing values, and strings that were never seen."""
    rows = frame().sample(frac=1, random_state=1).reset_index(drop=True)
    rows.loc[:20, "city"] = "unseen"
    rows.loc[10:40, "age"] = np.nan
    rows.loc[30:60, "deck"] = "Ⅷ"
    return rows


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("fold", [True, False], ids=["folded", "as lowered"])
def test_the_answers_are_scikit_learns(save: Make, name: str, fold: bool) -> None:
    before, estimator, wanted = MODELS[name]
    model = make_pipeline(clone(before), clone(estimator)).fit(DATA, TARGETS[wanted])
    program = lower(model, DATA.head(20), fallback=False)
    program = optimize(program) if fold else program
    problems = plan(program).problems
    if not fold and any("rounding" in problem.reason for problem in problems):
        pytest.skip("splits behind a scaler need folding")
    rows = new_rows()
    given = {
        i.name: rows[[i.name]].to_numpy(np.float64)
        if i.kind == "number"
        else np.where(rows[[i.name]].isna(), None, rows[[i.name]].to_numpy(object))
        for i in program.interface.inputs
    }
    answers = target.open(save(program), program.interface).run(given)
    if "value" in answers:
        np.testing.assert_allclose(answers["value"], model.predict(rows), rtol=1e-12, atol=1e-12)
        return
    np.testing.assert_allclose(answers["probabilities"], model.predict_proba(rows), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(answers["label"], model.predict(rows))


def test_logarithms_of_features_are_float32(save: Make) -> None:
    before = ColumnTransformer([("n", make_pipeline(FunctionTransformer(np.log1p), StandardScaler()), NUMBERS[1:])])
    model = make_pipeline(before, Ridge()).fit(DATA, TARGETS["price"])
    program = optimize(lower(model, DATA.head(20), fallback=False))
    given = {NUMBERS[1]: DATA[NUMBERS[1:]].to_numpy(np.float64)}
    answers = target.open(save(program), program.interface).run(given)
    np.testing.assert_allclose(answers["value"], model.predict(DATA), rtol=1e-6, atol=1e-6 * np.ptp(TARGETS["price"]))
