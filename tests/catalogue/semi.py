"""Labels that spread, envelopes, and imputation round by round."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer
from sklearn.linear_model import BayesianRidge, HuberRegressor, LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from catalogue.case import Case

# farther away, every weight is 0 to the server
SPREADING = {
    f"{kind.__name__}, {', '.join(f'{k} {v}' for k, v in options.items())}, {target}{', sparse' * sparse}": Case(
        make=partial(kind, **options),
        rows="unit",
        target=target,
        limit=limit,
        sparse=sparse,
    )
    for kind, (options, limit), (target, sparse) in product(
        [LabelPropagation, LabelSpreading],
        [
            ({"kernel": "rbf", "gamma": 3.0}, 1.5),
            ({"kernel": "rbf"}, 1.5),
            ({"kernel": "knn"}, 1e3),
            ({"kernel": "knn", "n_neighbors": 3}, 1e3),
        ],
        [("words", False), ("binary", False), ("flags", False), ("thirds", True)],
    )
    if not (sparse and options["kernel"] == "knn")
}

ENVELOPES = {
    f"EllipticEnvelope, {', '.join(f'{k} {v}' for k, v in options.items()) or 'defaults'}, {output}": Case(
        make=partial(EllipticEnvelope, random_state=0, **options),
        rows="unit",
        target="none",
        output=output,
        limit=1e18,
    )
    for options, output in product(
        [{}, {"contamination": 0.3}, {"assume_centered": True}, {"store_precision": False, "support_fraction": 0.9}],
        [None, "decision_function", "score_samples"],
    )
}


def _imputer(**options: Any) -> Case:
    return Case(
        make=partial(IterativeImputer, random_state=0, **options),
        rows="missing",
        target="none",
        output="transform",
        limit=1e6,
    )


IMPUTERS = {
    "IterativeImputer": _imputer(),
    **{
        f"IterativeImputer, {type(estimator).__name__}, {order}, {rounds} rounds": _imputer(
            estimator=estimator, imputation_order=order, max_iter=rounds
        )
        for estimator, (order, rounds) in product(
            [BayesianRidge(), LinearRegression(), Ridge(2.0), HuberRegressor()],
            [("ascending", 10), ("roman", 3), ("random", 1), ("arabic", 0)],
        )
    },
    **{
        f"IterativeImputer, {initial}, {name}": _imputer(initial_strategy=initial, **options)
        for initial, (name, options) in product(
            ["mean", "median", "most_frequent", "constant"],
            [
                ("limits", {"min_value": -0.5, "max_value": [5.0, 20.0, 1.0, 4.0, 0.8, np.inf]}),
                ("nearest 2", {"n_nearest_features": 2}),
                ("indicator", {"add_indicator": True, "skip_complete": True}),
            ],
        )
    },
    "IterativeImputer, pipeline": Case(
        make=lambda: make_pipeline(StandardScaler(), IterativeImputer(random_state=0), Ridge()),
        rows="missing",
        limit=1e6,
    ),
}

CASES = {**SPREADING, **ENVELOPES, **IMPUTERS}
