"""Support vector machines of libsvm."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
from sklearn import svm

from catalogue.case import Case

# beyond the limit, sums of products cancel, and the order of additions decides what is left
KERNELS: dict[str, tuple[dict[str, Any], float]] = {
    "linear": ({"kernel": "linear"}, 1e4),
    "poly": ({"kernel": "poly", "degree": 2, "gamma": 0.5, "coef0": 0.3}, 1e2),
    "poly, degree 3": ({"kernel": "poly", "gamma": "auto"}, 1e2),
    "rbf": ({"kernel": "rbf", "gamma": 0.7}, 1e100),
    "rbf, scale": ({}, 1e100),
    "sigmoid": ({"kernel": "sigmoid", "gamma": 0.1, "coef0": 0.2}, np.inf),
}


def _case(kind: Any, options: dict[str, Any], limit: float, **more: Any) -> Case:
    return Case(make=partial(kind, **options), limit=limit, **{"rows": "unit", **more})


CLASSIFIERS = {
    **{
        f"{kind.__name__}, {kernel}, {target}, {output}": _case(
            kind,
            {**fixed, **options},
            limit,
            target=target,
            output=output,
        )
        for (kind, fixed), (kernel, (options, limit)), target, output in product(
            [(svm.SVC, {}), (svm.NuSVC, {"nu": 0.3})],
            KERNELS.items(),
            ["binary", "words"],
            [None, "decision_function"],
        )
    },
    **{
        f"SVC, {shape}{', break ties' * ties}, {target}, {output}": _case(
            svm.SVC,
            {"decision_function_shape": shape, "break_ties": ties, "C": 0.3},
            1e100,
            target=target,
            output=output,
        )
        for shape, ties in [("ovr", True), ("ovo", False)]
        for target, output in product(["thirds", "flags", "floats"], [None, "decision_function"])
    },
    **{
        f"{kind.__name__}, probability, {kernel}, {target}": _case(
            kind,
            {**fixed, **KERNELS[kernel][0], "probability": True, "random_state": 0},
            KERNELS[kernel][1],
            target=target,
        )
        for (kind, fixed), kernel, target in product(
            [(svm.SVC, {}), (svm.NuSVC, {"nu": 0.3})], ["rbf", "linear"], ["binary", "words", "flags"]
        )
    },
    **{
        f"{kind.__name__}, class_weight, {target}": _case(
            kind, {"class_weight": "balanced", **options}, 1e100, target=target
        )
        for (kind, options), target in product([(svm.SVC, {"C": 2.0}), (svm.NuSVC, {"nu": 0.2})], ["thirds", "binary"])
    },
}

VALUES = {
    f"{kind.__name__}, {kernel}": _case(kind, {**fixed, **options}, limit)
    for (kind, fixed), (kernel, (options, limit)) in product(
        [(svm.SVR, {"C": 5.0}), (svm.NuSVR, {"nu": 0.4})], KERNELS.items()
    )
}

OUTLIERS = {
    f"OneClassSVM, {kernel}, {output}": _case(
        svm.OneClassSVM, {"nu": 0.2, **options}, limit, target="none", output=output
    )
    for (kernel, (options, limit)), output in product(KERNELS.items(), (None, "decision_function", "score_samples"))
}

SPARSE = {
    f"{kind.__name__}, {kernel}, {target}, sparse": _case(
        kind, {**fixed, **KERNELS[kernel][0]}, KERNELS[kernel][1], target=target, sparse=True
    )
    for (kind, fixed, target), kernel in product(
        [
            (svm.SVC, {}, "binary"),
            (svm.SVC, {"probability": True, "random_state": 0}, "words"),
            (svm.NuSVC, {"nu": 0.3}, "thirds"),
            (svm.SVR, {}, "value"),
            (svm.NuSVR, {}, "value"),
            (svm.OneClassSVM, {"nu": 0.2}, "none"),
        ],
        ["rbf", "linear", "poly"],
    )
}

CASES = {**CLASSIFIERS, **VALUES, **OUTLIERS, **SPARSE}
