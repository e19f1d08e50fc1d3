"""A made-up housing market and the pipelines that are compared on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS = tuple(f"x{k}" for k in range(10))
LEVELS: Mapping[str, int] = {"zone": 5, "roof": 8, "county": 12, "agent": 40}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A fitted pipeline and rows to time it with."""

    name: str
    estimator: Any
    rows: pd.DataFrame


def houses(rows: int, seed: int = 0) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    """A table with skewed numbers (5 % missing) and four string columns (3 % empty), and a target."""
    r = np.random.default_rng(seed)
    x = np.empty((rows, len(NUMBERS)))
    x[:, 0] = r.lognormal(4.6, 0.4, rows)
    x[:, 1] = r.lognormal(10.5, 0.5, rows)
    x[:, 2] = r.uniform(32.5, 42, rows)
    x[:, 3] = r.uniform(-124.3, -114.3, rows)
    x[:, 4] = r.integers(1900, 2024, rows)
    x[:, 5] = r.poisson(3, rows) + 1
    x[:, 6] = r.gamma(2, 4, rows)
    x[:, 7] = r.normal(0, 1, rows)
    x[:, 8] = r.integers(1, 40_000, rows)
    x[:, 9] = r.beta(2, 5, rows)
    score = 1.5 * np.log(x[:, 0]) + 1.3 * np.log(x[:, 1]) - 0.05 * x[:, 6] + 0.4 * x[:, 7] + 0.01 * x[:, 4]
    frame = pd.DataFrame(np.where(r.random(x.shape) < 0.05, np.nan, x), columns=list(NUMBERS))
    for k, (name, levels) in enumerate(LEVELS.items()):
        weights = 1 / np.arange(1, levels + 1)
        drawn = r.choice(levels, rows, p=weights / weights.sum())
        named = np.array([f"{name}_{v}" for v in drawn], object)
        frame[name] = pd.Series(np.where(r.random(rows) < 0.03, "", named), dtype=object)
        score += np.random.default_rng(7 + k).normal(0, 0.6, levels)[drawn]
    score += r.normal(0, 1, rows)
    return frame, (score > np.median(score)).astype(np.int64)


def prepared(numbers: Any) -> ColumnTransformer:
    """Numbers as given; strings imputed and one-hot. skl2onnx imputes strings only where missing is a string."""
    imputer = SimpleImputer(missing_values="", strategy="most_frequent")
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("num", numbers, list(NUMBERS)), ("cat", make_pipeline(imputer, encoder), list(LEVELS))])


def scaled() -> Any:
    """Median imputation, then standard scaling."""
    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler())


def cases() -> list[Case]:
    """The pipelines of the table, fitted."""
    frame, target = houses(20_000)
    models: dict[str, Any] = {
        "RandomForest 100 × depth 10": (scaled(), RandomForestClassifier(100, max_depth=10, n_jobs=2, random_state=0)),
        "HistGradientBoosting 300": (
            scaled(),
            HistGradientBoostingClassifier(max_iter=300, early_stopping=False, random_state=0),
        ),
        "GradientBoosting 200 × depth 4": (
            scaled(),
            GradientBoostingRegressor(n_estimators=200, max_depth=4, subsample=0.5, random_state=0),
        ),
        "LogisticRegression": (scaled(), LogisticRegression(max_iter=1000)),
    }
    return [
        Case(
            name=name, estimator=Pipeline([("prepare", prepared(p)), ("model", m)]).fit(frame, target), rows=frame[:512]
        )
        for name, (p, m) in models.items()
    ]
