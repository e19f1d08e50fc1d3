"""The matrix: every preprocessing step that edgepack lowers, in front of every estimator that it lowers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn import ensemble, linear_model, tree
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

NUMBERS = ["area", "year", "slope", "rooms"]
STRINGS = ["zone", "roof"]
Make = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Data:
    """A table with missing values in numbers and strings, and targets of every kind."""

    frame: pd.DataFrame
    value: np.ndarray
    binary: np.ndarray
    labels: np.ndarray


def data(rows: int = 500, seed: int = 0) -> Data:
    """Skewed, integral and centred numbers; string categories with rare levels; 5 to 10 % missing."""
    r = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "area": r.lognormal(4, 0.5, rows),
            "year": r.integers(1900, 2024, rows).astype(float),
            "slope": r.normal(size=rows),
            "rooms": r.poisson(3, rows).astype(float),
        }
    )
    zone = r.choice(
        ["north", "south", "café", "mill", "rare one", "rare two"], rows, p=[0.4, 0.25, 0.2, 0.11, 0.02, 0.02]
    )
    value = np.log(frame["area"]) + 0.01 * (frame["year"] - 1950) + 0.5 * frame["slope"]
    value = (value + np.where(zone == "south", 0.7, 0.0) + r.normal(0, 0.3, rows)).to_numpy()
    frame["zone"] = pd.Series(zone, dtype=object)
    frame["roof"] = pd.Series(r.choice(["flat", "gable", "hip"], rows), dtype=object)
    for name, share in {"area": 0.1, "slope": 0.08, "zone": 0.06}.items():
        frame.loc[r.random(rows) < share, name] = np.nan
    thirds = np.digitize(value, np.quantile(value, [1 / 3, 2 / 3]))
    return Data(frame, value, (value > np.median(value)).astype(int), np.array(["low", "middle", "high"])[thirds])


def columns(numbers: Any, strings: Any) -> ColumnTransformer:
    """The two kinds of columns, each through its own steps."""
    return ColumnTransformer([("num", numbers, NUMBERS), ("cat", strings, STRINGS)])


def filled(*steps: Any) -> Any:
    """Steps behind a median imputer."""
    return make_pipeline(SimpleImputer(strategy="median"), *steps)


def named(*steps: Any) -> Any:
    """Steps behind an imputer that names the missing category."""
    return make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), *steps)


HOT = {"handle_unknown": "ignore"}

PREPROCESSORS: Mapping[str, Make] = {
    "impute mean": lambda: columns(SimpleImputer(), named(OneHotEncoder(**HOT))),
    "impute most_frequent": lambda: columns(
        SimpleImputer(strategy="most_frequent"),
        make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(**HOT)),
    ),
    "impute constant, add_indicator": lambda: columns(
        SimpleImputer(strategy="constant", fill_value=-1.0, add_indicator=True), named(OneHotEncoder(**HOT))
    ),
    "StandardScaler": lambda: columns(filled(StandardScaler()), named(OneHotEncoder(**HOT))),
    "StandardScaler without mean, sparse": lambda: columns(
        filled(StandardScaler(with_mean=False)), make_pipeline(OneHotEncoder(**HOT), StandardScaler(with_mean=False))
    ),
    "MinMaxScaler": lambda: columns(filled(MinMaxScaler((-1, 1))), named(OneHotEncoder(sparse_output=False, **HOT))),
    "MinMaxScaler clip": lambda: columns(filled(MinMaxScaler(clip=True)), named(OneHotEncoder(**HOT))),
    "MaxAbsScaler": lambda: columns(filled(MaxAbsScaler()), OneHotEncoder(**HOT)),
    "RobustScaler": lambda: columns(filled(RobustScaler()), OneHotEncoder(drop="first", **HOT)),
    "one-hot drop if_binary, error": lambda: columns(
        filled(), named(OneHotEncoder(drop="if_binary", handle_unknown="error", sparse_output=False))
    ),
    "one-hot infrequent_if_exist": lambda: columns(
        filled(), OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=20, sparse_output=False)
    ),
    "one-hot max_categories, drop": lambda: columns(
        filled(), named(OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=3, drop="first"))
    ),
    "ordinal use_encoded_value": lambda: columns(
        filled(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    ),
    "ordinal error": lambda: columns(filled(), named(OrdinalEncoder())),
    "log1p": lambda: columns(
        filled(MinMaxScaler(), FunctionTransformer(np.log1p), StandardScaler()),
        named(OneHotEncoder(**HOT)),
    ),
    "tanh": lambda: columns(filled(StandardScaler(), FunctionTransformer(np.tanh)), named(OneHotEncoder(**HOT))),
    "FeatureUnion": lambda: columns(
        make_pipeline(
            SimpleImputer(),
            FeatureUnion([("a", StandardScaler()), ("b", MinMaxScaler())], transformer_weights={"b": 2.0}),
        ),
        named(OneHotEncoder(**HOT)),
    ),
    "remainder passthrough": lambda: ColumnTransformer(
        [("cat", named(OneHotEncoder(sparse_output=False, **HOT)), STRINGS), ("gone", "drop", ["slope", "area"])],
        remainder="passthrough",
    ),
}

LOGISTIC = {"solver": "newton-cholesky"}  # unscaled columns take lbfgs thousands of rounds
SMALL = {"n_estimators": 20, "random_state": 0}
ESTIMATORS: Mapping[str, tuple[Make, str]] = {
    "LinearRegression": (linear_model.LinearRegression, "value"),
    "Ridge, two targets": (linear_model.Ridge, "pair"),
    "Lasso": (lambda: linear_model.Lasso(alpha=0.01), "value"),
    "ElasticNet": (lambda: linear_model.ElasticNet(alpha=0.01), "value"),
    "LogisticRegression binary": (lambda: linear_model.LogisticRegression(**LOGISTIC), "binary"),
    "LogisticRegression multinomial": (lambda: linear_model.LogisticRegression(**LOGISTIC), "labels"),
    "LogisticRegression one-versus-rest": (
        lambda: OneVsRestClassifier(linear_model.LogisticRegression(**LOGISTIC)),
        "labels",
    ),
    "DecisionTreeClassifier": (lambda: tree.DecisionTreeClassifier(random_state=0), "labels"),
    "DecisionTreeRegressor": (lambda: tree.DecisionTreeRegressor(random_state=0), "value"),
    "RandomForestClassifier binary": (lambda: ensemble.RandomForestClassifier(**SMALL), "binary"),
    "RandomForestClassifier 3 classes": (lambda: ensemble.RandomForestClassifier(max_depth=8, **SMALL), "labels"),
    "RandomForestRegressor": (lambda: ensemble.RandomForestRegressor(**SMALL), "value"),
    "RandomForestRegressor, two targets": (lambda: ensemble.RandomForestRegressor(max_depth=6, **SMALL), "pair"),
    "ExtraTreesClassifier": (lambda: ensemble.ExtraTreesClassifier(max_depth=10, **SMALL), "binary"),
    "ExtraTreesRegressor": (lambda: ensemble.ExtraTreesRegressor(max_depth=10, **SMALL), "value"),
    "GradientBoostingClassifier binary": (lambda: ensemble.GradientBoostingClassifier(**SMALL), "binary"),
    "GradientBoostingClassifier 3 classes": (lambda: ensemble.GradientBoostingClassifier(**SMALL), "labels"),
    "GradientBoostingRegressor": (lambda: ensemble.GradientBoostingRegressor(**SMALL), "value"),
    "HistGradientBoostingClassifier binary": (lambda: ensemble.HistGradientBoostingClassifier(max_iter=20), "binary"),
    "HistGradientBoostingClassifier 3 classes": (
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=20),
        "labels",
    ),
    "HistGradientBoostingRegressor": (lambda: ensemble.HistGradientBoostingRegressor(max_iter=20), "value"),
    "TransformedTarget(Ridge, StandardScaler)": (
        lambda: TransformedTargetRegressor(linear_model.Ridge(), transformer=StandardScaler()),
        "value",
    ),
    "TransformedTarget(RandomForest, log1p)": (
        lambda: TransformedTargetRegressor(
            ensemble.RandomForestRegressor(**SMALL), func=np.log1p, inverse_func=np.expm1, check_inverse=False
        ),
        "exponential",
    ),
}

NATIVE: Mapping[str, tuple[Make, Make, str]] = {
    "NaN-native DecisionTree": (lambda: native("drop"), lambda: tree.DecisionTreeClassifier(random_state=0), "labels"),
    "NaN-native RandomForest": (lambda: native("drop"), lambda: ensemble.RandomForestClassifier(**SMALL), "binary"),
    "NaN-native ExtraTrees": (lambda: native("drop"), lambda: ensemble.ExtraTreesRegressor(**SMALL), "value"),
    "NaN-native log1p RandomForest": (
        lambda: columns(FunctionTransformer(np.log1p), "drop"),
        lambda: ensemble.RandomForestRegressor(**SMALL),
        "value",
    ),
    "NaN-native HistGradientBoosting": (
        lambda: native("drop"),
        lambda: ensemble.HistGradientBoostingRegressor(max_iter=20),
        "value",
    ),
    "category splits of HistGradientBoosting": (
        lambda: native(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)),
        lambda: ensemble.HistGradientBoostingClassifier(max_iter=20, categorical_features=[4, 5]),
        "binary",
    ),
}


def native(strings: Any) -> ColumnTransformer:
    """Numbers as they are, NaN and all."""
    return columns("passthrough", strings)


COMBINATIONS: Mapping[str, tuple[Make, Make, str]] = {
    **{
        f"{p} | {e}": (pre, make, target)
        for p, pre in PREPROCESSORS.items()
        for e, (make, target) in ESTIMATORS.items()
    },
    **NATIVE,
}


def fit(name: str) -> tuple[Any, pd.DataFrame]:
    """A combination's fitted pipeline, and the rows that it was fitted on."""
    pre, make, target = COMBINATIONS[name]
    d = data()
    targets = {
        "value": d.value,
        "pair": np.stack([d.value, -2 * d.value], axis=1),
        "binary": d.binary,
        "labels": d.labels,
        "exponential": np.exp(d.value),
    }
    pipeline = Pipeline([("preprocess", pre()), ("model", make())])
    return pipeline.fit(d.frame, targets[target]), d.frame
