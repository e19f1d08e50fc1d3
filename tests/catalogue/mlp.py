"""Multi-layer perceptrons, and isotonic regression."""

from __future__ import annotations

from itertools import product
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.isotonic import IsotonicRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from catalogue.case import Case

# columns of 3e38 add up to sums, in another order than the server's, that the next layer subtracts from each other
LIMIT = 1e6


def _scaled(kind: Any, **options: Any) -> Any:
    return make_pipeline(StandardScaler(), kind(hidden_layer_sizes=(9, 5), max_iter=40, random_state=0, **options))


def _of_one(**options: Any) -> Any:
    return make_pipeline(ColumnTransformer([("one", "passthrough", [2])]), IsotonicRegression(**options))


NETWORKS = {
    **{
        f"MLPClassifier, {activation}, {target}": Case(
            make=lambda activation=activation: _scaled(MLPClassifier, activation=activation),
            target=target,
            limit=LIMIT,
        )
        for activation, target in product(["relu", "tanh", "logistic", "identity"], ["words", "binary", "labels"])
    },
    **{
        f"MLPClassifier, {target}": Case(make=lambda: _scaled(MLPClassifier), target=target, limit=LIMIT)
        for target in ("flags", "floats", "thirds")
    },
    "MLPClassifier, probabilities of labels": Case(
        make=lambda: _scaled(MLPClassifier), target="labels", output="predict_proba", limit=LIMIT
    ),
    "MLPClassifier, sparse": Case(
        make=lambda: MLPClassifier(hidden_layer_sizes=(8,), max_iter=40, random_state=0),
        rows="counts",
        target="words",
        sparse=True,
        limit=LIMIT,
    ),
    **{
        f"MLPRegressor, {activation}, {target}": Case(
            make=lambda activation=activation: _scaled(MLPRegressor, activation=activation),
            target=target,
            limit=LIMIT,
        )
        for activation, target in product(["relu", "tanh", "logistic", "identity"], ["value", "pair"])
    },
    "MLPRegressor, poisson": Case(
        make=lambda: _scaled(MLPRegressor, loss="poisson"),
        target="positive",
        limit=100.0,  # beyond it, exp overflows
    ),
    "MLPRegressor, no hidden layer": Case(
        make=lambda: make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(), max_iter=40, random_state=0)),
        limit=LIMIT,
    ),
}

CURVES = {
    f"IsotonicRegression, {bounds}, {increasing}": Case(
        make=lambda bounds=bounds, increasing=increasing: _of_one(out_of_bounds=bounds, increasing=increasing)
    )
    for bounds, increasing in product(["nan", "clip", "raise"], [True, False, "auto"])
}

CASES = {
    **NETWORKS,
    **CURVES,
    "IsotonicRegression, transform": Case(
        make=lambda: make_pipeline(_of_one(y_min=-0.5, y_max=0.5, out_of_bounds="clip")), output="transform"
    ),
}
