"""What the catalogue cannot say of LightGBM, XGBoost and CatBoost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostRegressor
from lightgbm import Booster, LGBMClassifier, LGBMRanker, LGBMRegressor, early_stopping
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from xgboost import XGBClassifier, XGBRanker, XGBRegressor
from zoo import check, classes, matrix, matrix_target, usual
from zoo import table as frame_of
from zoo import target as target_of

from edgepack.errors import UnsupportedError
from edgepack.lower import lower

X = matrix()
Y = matrix_target(X)
SMALL = {"n_estimators": 12, "n_jobs": 1}


def same(model: Any, rows: Any = X, *, tolerance: float = 0.0, method: str = "predict") -> None:
    program = lower(model, rows, fallback=False)
    got = program.run({"X": rows})["value"]
    np.testing.assert_allclose(got, getattr(model, method)(rows), rtol=tolerance, atol=tolerance)


def test_lightgbm_stops_at_its_best_iteration() -> None:
    model = LGBMRegressor(n_estimators=200, verbose=-1, learning_rate=0.5)
    model.fit(X, Y, eval_set=[(X[::3], np.roll(Y[::3], 1))], callbacks=[early_stopping(2, verbose=False)])
    assert 0 < model.best_iteration_ < 200
    same(model)


def test_xgboost_stops_at_its_best_iteration() -> None:
    model = XGBRegressor(n_estimators=200, learning_rate=0.5, early_stopping_rounds=2, n_jobs=1)
    model.fit(X, Y, eval_set=[(X[::3], np.roll(Y[::3], 1))], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    same(model, tolerance=1e-6)


def test_rankers_give_their_scores() -> None:
    relevance, groups = (np.median(Y) < Y).astype(int), [len(X) // 2, len(X) - len(X) // 2]
    same(LGBMRanker(verbose=-1, **SMALL).fit(X, relevance, group=groups))
    same(XGBRanker(**SMALL).fit(X, relevance, qid=np.repeat([0, 1], groups)), tolerance=1e-6)


def test_a_booster_gives_what_its_predict_gives() -> None:
    model = LGBMClassifier(verbose=-1, **SMALL).fit(X, classes(Y, ["a", "b", "c"]))
    same(Booster(model_str=model.booster_.model_to_string()), tolerance=1e-15)


@pytest.mark.parametrize("cut", [0.0, 1e-40, -1e-40, 1e-35, -1e-35, 2e-35])
def test_lightgbm_takes_the_smallest_numbers_for_zero(cut: float) -> None:
    x = np.repeat([-1.0, 1.0], 50)[:, None]
    model = LGBMRegressor(n_estimators=1, min_child_samples=1, verbose=-1).fit(x, x[:, 0])
    text = model.booster_.model_to_string()
    (line,) = [line for line in text.splitlines() if line.startswith("threshold=")]
    moved = Booster(model_str=text.replace(line, f"threshold={cut!r}"))
    tiny = float(np.float32(1e-35))
    near = [cut, tiny, -tiny, 0.0, -0.0, 3e-36, -3e-36, 1.0, -1.0, np.nan]
    rows = np.array([y for v in near for y in (np.nextafter(v, -1), v, np.nextafter(v, 1))])[:, None]
    got = lower(moved, rows, input_dtype="float64").run({"X": rows})["value"]
    np.testing.assert_array_equal(got, moved.predict(rows))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_xgboost_rounds_numbers_before_it_looks_for_missing_ones_and_categories(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 6, (300, 2)).astype(np.float64)
    types = {"feature_types": ["c", "q"], "enable_categorical": True, "max_cat_to_onehot": 1}
    model = XGBRegressor(missing=2.0, **types, **SMALL).fit(x, np.sin(3 * x[:, 0]) + (x[:, 1] == 0))
    near = np.array([-1.0, -0.0, 0.0, 1.0, 2.0, 5.0, 6.0, 1e-46, 1e-45, -1e-46])
    near = np.concatenate([near, near * (1 + 1e-9), near * (1 - 1e-9), np.nextafter(near, 9), np.nextafter(near, -9)])
    rows = np.stack([np.repeat(near, len(near)), np.tile(near, len(near))], axis=1)
    if dtype == "float32":
        rows = rows.astype(np.float32).astype(np.float64)
    got = lower(model, x, input_dtype=dtype).run({"X": rows})["value"]
    np.testing.assert_allclose(got, model.predict(rows), rtol=1e-6, atol=1e-6)


def test_a_pipeline_in_front_folds_into_the_trees() -> None:
    frame = frame_of()
    value = target_of(frame)
    model = make_pipeline(usual(), LGBMClassifier(verbose=-1, **SMALL)).fit(frame, classes(value, ["x", "y"]))
    program = check(model, frame, exact=False)
    assert [type(node.op).__name__ for node in program.nodes].count("Affine") == 0
    check(
        make_pipeline(SimpleImputer(), StandardScaler(), XGBClassifier(**SMALL)).fit(X, classes(Y, [0, 1])),
        X,
        exact=False,
        tolerance=1e-6,
    )


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (LGBMRegressor(linear_tree=True, verbose=-1, **SMALL), "linear_tree=True"),
        (XGBRegressor(multi_strategy="multi_output_tree", **SMALL), "multi_strategy='multi_output_tree'"),
        (
            CatBoostRegressor(iterations=5, cat_features=[3], verbose=False, allow_writing_files=False),
            "CatBoost's own categorical, text or embedding features",
        ),
    ],
    ids=["linear trees", "vector leaves", "categories"],
)
def test_what_has_no_form_is_refused_by_name(model: Any, reason: str) -> None:
    rows: Any = X
    if "cat_features" in model.get_params():
        rows = pd.DataFrame(X).assign(**{"3": 1}).drop(columns=3)
        rows.columns = range(X.shape[1])
        rows[3] = np.arange(len(X)) % 20
    y = np.stack([Y, -Y], axis=1) if "multi_strategy" in model.get_params() and model.multi_strategy else Y
    with pytest.raises(UnsupportedError, match=reason):
        lower(model.fit(rows, y), rows if rows is X else rows.rename(columns=str), fallback=False)
