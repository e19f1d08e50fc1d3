"""Discriminant analysis."""

from __future__ import annotations

from itertools import product

from sklearn import covariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis

from catalogue.case import Case

SOLVERS = {
    "svd": {"solver": "svd"},
    "lsqr": {"solver": "lsqr"},
    "lsqr shrinkage auto": {"solver": "lsqr", "shrinkage": "auto"},
    "lsqr covariance estimator": {"solver": "lsqr", "covariance_estimator": covariance.OAS()},
    "eigen": {"solver": "eigen"},
    "eigen shrinkage 0.3": {"solver": "eigen", "shrinkage": 0.3},
}
TARGETS = ["binary", "words", "flags", "floats", "thirds"]
UNEVEN = {"binary": [0.2, 0.8], "thirds": [0.2, 0.7, 0.1]}

LINEAR = {
    **{
        f"LinearDiscriminantAnalysis, {solver}, {target}": Case(
            make=lambda solver=solver: LinearDiscriminantAnalysis(**SOLVERS[solver]), target=target
        )
        for solver, target in product(SOLVERS, TARGETS)
    },
    **{
        f"LinearDiscriminantAnalysis, priors, {target}, {output}": Case(
            make=lambda target=target: LinearDiscriminantAnalysis(priors=UNEVEN[target]), target=target, output=output
        )
        for target, output in product(UNEVEN, ["predict", "decision_function"])
    },
    **{
        f"LinearDiscriminantAnalysis, transform, {solver}, {target}, {count} components": Case(
            make=lambda solver=solver, count=count: LinearDiscriminantAnalysis(n_components=count, **SOLVERS[solver]),
            target=target,
            output="transform",
        )
        for solver, (target, count) in product(
            ["svd", "eigen", "eigen shrinkage 0.3"], [("binary", None), ("thirds", None), ("thirds", 1)]
        )
    },
}

QUADRATIC = {
    **{
        f"QuadraticDiscriminantAnalysis, {solver}, {target}": Case(
            make=lambda options=options: QuadraticDiscriminantAnalysis(**options), target=target
        )
        for (solver, options), target in product(
            {
                "svd": {},
                "svd reg_param 0.3": {"reg_param": 0.3},
                "eigen": {"solver": "eigen"},
                "eigen shrinkage auto": {"solver": "eigen", "shrinkage": "auto"},
                "eigen shrinkage 0.3": {"solver": "eigen", "shrinkage": 0.3},
                "eigen covariance estimator": {"solver": "eigen", "covariance_estimator": covariance.OAS()},
            }.items(),
            TARGETS,
        )
    },
    **{
        f"QuadraticDiscriminantAnalysis, priors, {target}, {output}": Case(
            make=lambda target=target: QuadraticDiscriminantAnalysis(priors=UNEVEN[target]),
            target=target,
            output=output,
        )
        for target, output in product(UNEVEN, ["predict", "decision_function"])
    },
}

CASES = {**LINEAR, **QUADRATIC}
