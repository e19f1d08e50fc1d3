"""Small fitted models over a number with missing values, a number, and a category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from edgepack.contract import Columns
from edgepack.ir import Program
from edgepack.lower import lower
from edgepack.parity import Reference
from edgepack.passes import optimize
from edgepack.rows import columns_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A fitted estimator, both Programs, and its rows."""

    estimator: Any
    frame: pd.DataFrame
    lowered: Program
    folded: Program
    reference: Reference
    columns: Columns


def training_rows(rows: int = 300) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 12, rows).astype(np.float32),
            "income": rng.lognormal(3, 1, rows).astype(np.float32),
            "city": rng.choice(["Bern", "Lyon", "Turin"], rows),
        }
    )
    score = frame.age / 12 + np.log(frame.income) + (frame.city == "Lyon") * 1.5 + rng.normal(0, 0.3, rows)
    frame.loc[rng.random(rows) < 0.15, "age"] = np.nan
    return frame, np.where(score > score.median(), "yes", "no")


def lowered_model(pipeline: Any, frame: pd.DataFrame) -> Model:
    lowered = lower(pipeline, frame.head(20))
    return Model(
        estimator=pipeline,
        frame=frame,
        lowered=lowered,
        folded=optimize(lowered),
        reference=Reference(estimator=pipeline, interface=lowered.interface, none_columns=lowered.none_columns),
        columns=columns_of(frame, lowered.interface),
    )


def model_of(estimator: Any, *, fill: bool) -> Model:
    frame, target = training_rows()
    if "Regressor" in type(estimator).__name__:
        target = np.log(frame.income) + (target == "yes")
    number: Any = StandardScaler()
    steps = make_pipeline(SimpleImputer(), number) if fill else number
    columns = make_column_transformer(
        (steps, ["age", "income"]), (OneHotEncoder(handle_unknown="ignore"), ["city"]), sparse_threshold=0
    )
    return lowered_model(make_pipeline(columns, estimator).fit(frame, target), frame)


def indicated() -> Model:
    """Two columns of words that share one table on a device, and an imputer's indicator."""
    frame, target = training_rows()
    frame["plan"] = np.where(frame.income > 20, "large", np.where(frame.income > 10, "small", "none"))
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["age", "income"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city", "plan"]),
    )
    return lowered_model(make_pipeline(columns, LogisticRegression()).fit(frame, target), frame)


MODELS = {
    "tree": lambda: model_of(DecisionTreeClassifier(max_depth=4, random_state=0), fill=False),
    "random forest": lambda: model_of(RandomForestClassifier(3, max_depth=3, random_state=0), fill=False),
    "boosted regressor": lambda: model_of(GradientBoostingRegressor(n_estimators=4, max_depth=3), fill=True),
    "histogram boosted": lambda: model_of(HistGradientBoostingClassifier(max_iter=4, max_leaf_nodes=6), fill=False),
    "logistic": lambda: model_of(LogisticRegression(), fill=True),
    "indicated": indicated,
}
FORESTS = [name for name in MODELS if name not in ("logistic", "indicated")]


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest) -> Model:
    """The model that a test is parametrised with, by name."""
    return MODELS[request.param]()


@pytest.fixture(scope="session")
def forest_model() -> Model:
    """A random forest with missing-value routing."""
    return MODELS["random forest"]()


@pytest.fixture(scope="session")
def logistic_model() -> Model:
    """An imputer, a scaler, one-hot and a logistic regression: it refuses nothing but infinities."""
    return MODELS["logistic"]()
