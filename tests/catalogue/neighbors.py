"""What looks at the fitted rows that are near."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
from sklearn import neighbors
from sklearn.impute import KNNImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from catalogue.case import Case

METRICS: dict[str, dict[str, Any]] = {
    "euclidean": {},
    "manhattan": {"p": 1},
    "chebyshev": {"metric": "chebyshev"},
    "minkowski 3": {"p": 3},
    "minkowski, weighted": {"p": 3, "metric_params": {"w": np.array([1.0, 0.2, 3.0, 1.0, 0.5, 2.0])}},
    "seuclidean": {"metric": "seuclidean", "metric_params": {"V": np.array([0.1, 0.2, 0.3, 0.2, 0.1, 0.5])}},
    "sqeuclidean": {"metric": "sqeuclidean"},
    "cosine": {"metric": "cosine"},
    "braycurtis": {"metric": "braycurtis"},
    "canberra": {"metric": "canberra"},
}
SEARCHES: list[dict[str, Any]] = [{}, {"algorithm": "brute"}, {"algorithm": "ball_tree"}]
FAR = 1e3
"""Beyond it a distance in float32 has too few digits left of what tells the fitted rows apart."""


def _case(kind: Any, options: dict[str, Any], **more: Any) -> Case:
    return Case(make=partial(kind, **options), **{"rows": "unit", "limit": FAR, **more})


NEAREST = {
    **{
        f"{kind.__name__}, {metric}, {weights}, {target}": _case(
            kind,
            {"weights": weights, "n_neighbors": count, **METRICS[metric]},
            target=target,
        )
        for (kind, target, count), metric, weights in product(
            [
                (neighbors.KNeighborsClassifier, "words", 5),
                (neighbors.KNeighborsClassifier, "binary", 4),
                (neighbors.KNeighborsRegressor, "value", 5),
                (neighbors.KNeighborsRegressor, "pair", 1),
            ],
            METRICS,
            ["uniform", "distance"],
        )
    },
    **{
        f"KNeighborsClassifier, {target}, {weights}, {output}": _case(
            neighbors.KNeighborsClassifier, {"weights": weights}, target=target, output=output
        )
        for target, weights, output in product(
            ["classes", "labels", "flags", "floats"], ["uniform", "distance"], [None, "predict_proba"]
        )
    },
    **{
        f"{kind.__name__}, {', '.join(search.values()) or 'auto'}, {weights}{', sparse' * sparse}": _case(
            kind, {"weights": weights, **search}, target=target, sparse=sparse
        )
        for (kind, target), (search, sparse), weights in product(
            [(neighbors.KNeighborsClassifier, "thirds"), (neighbors.KNeighborsRegressor, "value")],
            [*((search, False) for search in SEARCHES), ({}, True)],
            ["uniform", "distance", None],
        )
        if not (sparse and weights is None)
    },
}

WITHIN = {
    **{
        f"{kind.__name__}, {metric}, {weights}, {target}": _case(
            kind,
            {"weights": weights, "radius": radius, **METRICS[metric], **more},
            target=target,
        )
        for (kind, target, more), (metric, radius), weights in product(
            [
                (neighbors.RadiusNeighborsClassifier, "words", {"outlier_label": "low"}),
                (neighbors.RadiusNeighborsClassifier, "binary", {"outlier_label": "most_frequent"}),
                (neighbors.RadiusNeighborsClassifier, "classes", {"outlier_label": [1, 6]}),
                (neighbors.RadiusNeighborsClassifier, "thirds", {}),
                (neighbors.RadiusNeighborsRegressor, "value", {}),
                (neighbors.RadiusNeighborsRegressor, "pair", {}),
                (neighbors.RadiusNeighborsRegressor, "thirds", {}),
            ],
            [("euclidean", 0.5), ("manhattan", 1.0), ("minkowski 3", 0.4), ("cosine", 0.1)],
            ["uniform", "distance"],
        )
    },
    **{
        f"{kind.__name__}, brute, {weights}, {target}{', sparse' * sparse}": _case(
            kind, {"weights": weights, "radius": 0.5, "algorithm": "brute", **more}, target=target, sparse=sparse
        )
        for (kind, target, more), weights, sparse in product(
            [
                (neighbors.RadiusNeighborsClassifier, "thirds", {"outlier_label": 1}),
                (neighbors.RadiusNeighborsClassifier, "floats", {"outlier_label": "most_frequent"}),
                (neighbors.RadiusNeighborsRegressor, "value", {}),
            ],
            ["uniform", "distance"],
            [False, True],
        )
    },
}

CENTROIDS = {
    f"NearestCentroid, {metric}, shrink {shrink}, {priors}, {target}, {output}": _case(
        neighbors.NearestCentroid,
        {"metric": metric, "shrink_threshold": shrink, "priors": priors},
        target=target,
        output=output,
    )
    for metric, shrink, priors, (target, output) in product(
        ["euclidean", "manhattan"],
        [None, 0.4],
        ["uniform", "empirical", [0.7, 0.2, 0.1]],
        [*product(["words", "binary"], [None, "predict"]), *product(["thirds", "flags"], ["decision_function"])],
    )
    if (metric == "euclidean" or output != "decision_function")
    and not (priors == [0.7, 0.2, 0.1] and target in ("binary", "flags"))
} | {
    f"NearestCentroid, sparse, {target}": _case(neighbors.NearestCentroid, {}, target=target, sparse=True)
    for target in ("words", "binary")
}

OUTLIERS = {
    f"LocalOutlierFactor, {metric}, {count} neighbours, {output}": _case(
        neighbors.LocalOutlierFactor,
        {"novelty": True, "n_neighbors": count, "contamination": share, **METRICS[metric]},
        target="none",
        output=output,
    )
    for metric, (count, share), output in product(
        ["euclidean", "manhattan", "cosine"],
        [(20, "auto"), (3, 0.1), (500, 0.2)],
        ["score_samples", "decision_function", None],
    )
}

DENSITIES = {
    f"KernelDensity, {kernel}, {metric}, {width}": _case(
        neighbors.KernelDensity,
        {"kernel": kernel, "bandwidth": width, **options},
        target="none",
        output="score_samples",
        limit=FAR if kernel in ("gaussian", "exponential", "tophat") else 1.0,
    )
    for (kernel, widths), (metric, options) in product(
        [
            ("gaussian", (0.6, "scott", "silverman")),
            ("exponential", (0.6, "scott")),
            ("tophat", (0.6, 2.0)),
            # where no fitted row is within the width, the server leaves 1e-16 of what it has taken away again
            *((kernel, (7.0, 30.0)) for kernel in ("epanechnikov", "linear", "cosine")),
        ],
        [("euclidean", {}), ("manhattan", {"metric": "manhattan"})],
    )
    for width in widths
}

GRAPHS = {
    f"{kind.__name__}, {mode}, {metric}{', sparse' * sparse}": _case(
        kind, {"mode": mode, **options, **METRICS[metric]}, target="none", output="transform", sparse=sparse
    )
    for (kind, options), mode, metric, sparse in product(
        [
            (neighbors.KNeighborsTransformer, {"n_neighbors": 4}),
            (neighbors.RadiusNeighborsTransformer, {"radius": 0.6}),
        ],
        ["distance", "connectivity"],
        ["euclidean", "manhattan"],
        [False, True],
    )
}

IMPUTERS = {
    **{
        f"KNNImputer, {count}, {weights}{', indicator' * indicator}": Case(
            make=partial(KNNImputer, n_neighbors=count, weights=weights, add_indicator=indicator),
            rows="missing",
            target="none",
            output="transform",
            limit=100.0,
        )
        for count, weights, indicator in product([5, 1, 500], ["uniform", "distance"], [False, True])
    },
    "KNNImputer, missing 0": Case(
        make=partial(KNNImputer, missing_values=0.0), target="none", output="transform", limit=100.0
    ),
    "KNNImputer, pipeline": Case(
        make=lambda: make_pipeline(StandardScaler(), KNNImputer(), Ridge()), rows="missing", limit=100.0
    ),
}

CASES = {**GRAPHS, **IMPUTERS, **NEAREST, **WITHIN, **CENTROIDS, **OUTLIERS, **DENSITIES}
