"""Feature selection: each selector alone, and in front of a linear model."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn import feature_selection as fs
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from catalogue.case import Case


def _logistic() -> Any:
    return LogisticRegression(max_iter=2_000)


def _forest() -> Any:
    return RandomForestClassifier(8, max_depth=4, random_state=0)


def _given_model() -> Any:
    x = np.random.default_rng(0).normal(size=(60, 6))
    return fs.SelectFromModel(LinearRegression().fit(x, x @ [3.0, 0, 2, 0, 1, 0]), prefit=True, threshold=0.5)


# of each: how to make it, and what it learns
SELECTORS: dict[str, tuple[Any, str]] = {
    "GenericUnivariateSelect": (partial(fs.GenericUnivariateSelect, mode="k_best", param=2), "binary"),
    "GenericUnivariateSelect, fwe": (partial(fs.GenericUnivariateSelect, mode="fwe", param=0.1), "binary"),
    "SelectFdr": (partial(fs.SelectFdr, alpha=0.2), "words"),
    "SelectFpr": (partial(fs.SelectFpr, fs.f_regression), "value"),
    "SelectFwe": (partial(fs.SelectFwe, fs.f_regression), "value"),
    "SelectFromModel": (lambda: fs.SelectFromModel(_forest()), "words"),
    "SelectFromModel, mean": (lambda: fs.SelectFromModel(Ridge(), threshold="1.25*mean"), "value"),
    "SelectFromModel, median": (lambda: fs.SelectFromModel(_logistic(), threshold="median"), "thirds"),
    "SelectFromModel, most": (lambda: fs.SelectFromModel(Lasso(0.1), max_features=2, threshold=-np.inf), "value"),
    "SelectFromModel, function": (lambda: fs.SelectFromModel(_forest(), max_features=len), "binary"),
    "SelectFromModel, prefit": (_given_model, "value"),
    "SelectKBest": (partial(fs.SelectKBest, k=3), "words"),
    "SelectKBest, all": (partial(fs.SelectKBest, k="all"), "flags"),
    "SelectPercentile": (partial(fs.SelectPercentile, fs.f_regression, percentile=40), "value"),
    "SequentialFeatureSelector": (
        lambda: fs.SequentialFeatureSelector(Ridge(), n_features_to_select=2, cv=2),
        "value",
    ),
    "SequentialFeatureSelector, backward": (
        lambda: fs.SequentialFeatureSelector(Ridge(), n_features_to_select=0.5, direction="backward", cv=2),
        "value",
    ),
    "VarianceThreshold": (partial(fs.VarianceThreshold, 0.9), "none"),
    "RFE, transform": (lambda: fs.RFE(Ridge(), n_features_to_select=3), "value"),
    "RFECV, transform": (lambda: fs.RFECV(Ridge(), cv=2), "value"),
}

CASES = {
    **{name: Case(make=make, target=target, output="transform") for name, (make, target) in SELECTORS.items()},
    "VarianceThreshold, missing": Case(make=lambda: fs.VarianceThreshold(0.5), rows="missing", target="none"),
    "VarianceThreshold, sparse": Case(make=lambda: fs.VarianceThreshold(0.5), target="none", sparse=True),
    "SelectKBest, pipeline": Case(
        make=lambda: make_pipeline(fs.SelectKBest(k=3), StandardScaler(), _logistic()), target="words"
    ),
    "SelectFromModel, pipeline": Case(make=lambda: make_pipeline(fs.SelectFromModel(Ridge()), Ridge())),
    "RFE": Case(make=lambda: fs.RFE(Ridge(), n_features_to_select=3)),
    "RFECV": Case(make=lambda: fs.RFECV(_logistic(), cv=2), target="flags"),
    **{
        f"RFE, {output}, {target}": Case(
            make=lambda: make_pipeline(StandardScaler(), fs.RFE(_logistic(), n_features_to_select=2)),
            target=target,
            output=output,
        )
        for output in ("predict", "predict_proba", "decision_function")
        for target in ("words", "binary")
    },
}
