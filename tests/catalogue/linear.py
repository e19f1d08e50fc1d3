"""Linear models."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from sklearn import linear_model, svm

from catalogue.case import Case

REGRESSORS: tuple[Any, ...] = (
    linear_model.ARDRegression,
    linear_model.BayesianRidge,
    linear_model.ElasticNet,
    linear_model.ElasticNetCV,
    linear_model.HuberRegressor,
    linear_model.Lars,
    linear_model.LarsCV,
    linear_model.Lasso,
    linear_model.LassoCV,
    linear_model.LassoLars,
    linear_model.LassoLarsCV,
    linear_model.LassoLarsIC,
    linear_model.LinearRegression,
    linear_model.OrthogonalMatchingPursuit,
    linear_model.OrthogonalMatchingPursuitCV,
    linear_model.PassiveAggressiveRegressor,
    linear_model.QuantileRegressor,
    linear_model.Ridge,
    linear_model.RidgeCV,
    linear_model.SGDRegressor,
    linear_model.TheilSenRegressor,
    svm.LinearSVR,
)

OF_SEVERAL: tuple[Any, ...] = (
    linear_model.ElasticNet,
    linear_model.Lars,
    linear_model.Lasso,
    linear_model.LassoLars,
    linear_model.LinearRegression,
    linear_model.MultiTaskElasticNet,
    linear_model.MultiTaskElasticNetCV,
    linear_model.MultiTaskLasso,
    linear_model.MultiTaskLassoCV,
    linear_model.OrthogonalMatchingPursuit,
    linear_model.Ridge,
    linear_model.RidgeCV,
)

VALUES = {
    **{kind.__name__: Case(make=kind) for kind in REGRESSORS},
    **{f"{kind.__name__}, two targets": Case(make=kind, target="pair") for kind in OF_SEVERAL},
    **{
        f"{kind.__name__}, no intercept": Case(make=lambda kind=kind: kind(fit_intercept=False))
        for kind in (linear_model.LinearRegression, linear_model.Ridge, linear_model.HuberRegressor, svm.LinearSVR)
    },
    "LinearRegression, two targets, no intercept": Case(
        make=lambda: linear_model.LinearRegression(fit_intercept=False), target="pair"
    ),
    "LinearRegression, sparse": Case(make=linear_model.LinearRegression, sparse=True),
    "Lasso, sparse": Case(make=linear_model.Lasso, sparse=True),
    "LinearRegression, positive": Case(make=lambda: linear_model.LinearRegression(positive=True)),
    "SGDRegressor, averaged": Case(make=lambda: linear_model.SGDRegressor(average=True, loss="huber")),
    "RANSACRegressor": Case(make=lambda: linear_model.RANSACRegressor(random_state=0)),
    "RANSACRegressor, two targets": Case(
        make=lambda: linear_model.RANSACRegressor(linear_model.Ridge(), min_samples=0.5, random_state=0), target="pair"
    ),
}

LINKS = {
    **{
        kind.__name__: Case(make=kind, target="positive")
        for kind in (linear_model.GammaRegressor, linear_model.PoissonRegressor, linear_model.TweedieRegressor)
    },
    **{
        f"TweedieRegressor, {link}, power {power}, intercept {intercept}": Case(
            make=lambda link=link, power=power, intercept=intercept: linear_model.TweedieRegressor(
                link=link, power=power, fit_intercept=intercept
            ),
            rows="unit",
            target="positive",
        )
        for link, power, intercept in product(["auto", "log", "identity"], [0, 1.5, 3], [True, False])
        if link != "identity" or power == 0
    },
}

CLASSIFIERS: tuple[Any, ...] = (
    linear_model.LogisticRegression,
    linear_model.LogisticRegressionCV,
    linear_model.PassiveAggressiveClassifier,
    linear_model.Perceptron,
    linear_model.RidgeClassifier,
    linear_model.RidgeClassifierCV,
    linear_model.SGDClassifier,
    svm.LinearSVC,
)

# weights that are small multiples of one step cancel two columns of 3e38 or 1e300: no digit of the others is left
LIMITS = {linear_model.Perceptron: 1e30, linear_model.SGDClassifier: 1e30}

DECISIONS = {
    **{kind.__name__: Case(make=kind, target="binary", limit=LIMITS.get(kind, np.inf)) for kind in CLASSIFIERS},
    **{
        f"{kind.__name__}, {target}, {output}": Case(
            make=kind, target=target, output=output, limit=LIMITS.get(kind, np.inf)
        )
        for kind, target, output in product(
            CLASSIFIERS, ["thirds", "words", "flags", "floats"], ["predict", "decision_function"]
        )
    },
    **{
        f"{kind.__name__}, {target}, no intercept": Case(
            make=lambda kind=kind: kind(fit_intercept=False), target=target, limit=LIMITS.get(kind, np.inf)
        )
        for kind, target in product(CLASSIFIERS, ["binary", "words"])
    },
    **{
        f"{kind.__name__}, sparse": Case(make=kind, target="words", sparse=True, limit=LIMITS.get(kind, np.inf))
        for kind in CLASSIFIERS
        if kind is not linear_model.RidgeClassifierCV
    },
    **{
        f"{kind.__name__}, several labels, {output}": Case(make=kind, target="labels", output=output)
        for kind, output in product(
            (linear_model.RidgeClassifier, linear_model.RidgeClassifierCV), ["predict", "decision_function"]
        )
    },
    "LinearSVC, Crammer and Singer": Case(
        make=lambda: svm.LinearSVC(multi_class="crammer_singer"), target="words", output="decision_function"
    ),
    "LinearSVC, Crammer and Singer, binary": Case(
        make=lambda: svm.LinearSVC(multi_class="crammer_singer"), target="flags", output="decision_function"
    ),
}

PROBABILITIES = {
    f"{name}, {target}, probabilities": Case(make=make, target=target)
    for (name, make), target in product(
        {
            "LogisticRegression": linear_model.LogisticRegression,
            "LogisticRegression, saga": lambda: linear_model.LogisticRegression(solver="saga", l1_ratio=0.5),
            "LogisticRegressionCV": linear_model.LogisticRegressionCV,
            "SGDClassifier, log_loss": lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0),
            "SGDClassifier, modified_huber": lambda: linear_model.SGDClassifier(loss="modified_huber", random_state=0),
        }.items(),
        ["binary", "words"],
    )
}

LOSSES = {
    f"SGDClassifier, {loss}, {target}": Case(
        make=lambda loss=loss: linear_model.SGDClassifier(loss=loss, random_state=0), target=target, limit=1e30
    )
    for loss, target in product(
        ["hinge", "squared_hinge", "perceptron", "huber", "epsilon_insensitive", "squared_error"], ["binary", "words"]
    )
}

OUTLIERS = {
    f"SGDOneClassSVM{flag}": Case(
        make=lambda intercept=intercept: linear_model.SGDOneClassSVM(nu=0.2, random_state=0, fit_intercept=intercept),
        target="none",
        output=output,
    )
    for flag, intercept, output in [
        ("", True, None),
        (", decision", True, "decision_function"),
        (", scores", True, "score_samples"),
        (", no intercept", False, None),
    ]
}

CASES = {**VALUES, **LINKS, **DECISIONS, **PROBABILITIES, **LOSSES, **OUTLIERS}
