"""Gaussian processes."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import numpy as np
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process import kernels as k

from catalogue.case import Case

FIXED = {"optimizer": None}
EACH = np.array([0.5, 1.0, 0.7, 2.0, 0.4, 1.5])

KERNELS: dict[str, tuple[Any, float]] = {
    "RBF": (k.RBF(0.6), np.inf),
    "RBF of each column": (k.RBF(EACH), np.inf),
    "Matern 0.5": (k.Matern(0.8, nu=0.5), np.inf),
    "Matern 1.5": (k.Matern(0.8, nu=1.5), 1e30),
    "Matern 2.5": (k.Matern(EACH, nu=2.5), 1e30),
    "Matern inf": (k.Matern(0.8, nu=np.inf), np.inf),
    "RationalQuadratic": (k.RationalQuadratic(0.7, alpha=1.3), np.inf),
    # the sine of a large angle has no digits left
    "ExpSineSquared": (k.ExpSineSquared(1.2, periodicity=2.5), 30.0),
    "DotProduct": (k.DotProduct(0.5), 1e4),
    "PairwiseKernel, laplacian": (k.PairwiseKernel(metric="laplacian", gamma=0.6), np.inf),
    "PairwiseKernel, poly": (
        k.PairwiseKernel(metric="poly", gamma=0.3, pairwise_kernels_kwargs={"degree": 2}),
        1e2,
    ),
    "Constant": (k.ConstantKernel(0.7), np.inf),
    "scaled": (k.ConstantKernel(2.5) * k.RBF(0.6) + k.WhiteKernel(0.1), np.inf),
    "sum": (k.RBF(0.5) + 0.3 * k.DotProduct(0.2) + k.ConstantKernel(0.4), 1e4),
    "product": (k.RBF(0.9) * k.Matern(1.2, nu=1.5) * 1.5, 1e30),
    "power": (k.DotProduct(0.8) ** 2 + (0.5 * k.RBF(0.7)) ** 1.5, 1e2),
    "sum times sum": ((k.RBF(0.8) + 0.2) * (k.Matern(0.9, nu=0.5) + k.WhiteKernel(0.5)), np.inf),
}


BOTH = [("binary", "one_vs_rest"), ("words", "one_vs_rest"), ("words", "one_vs_one")]

# of more than two classes, the label is the largest of sums of error functions with weights of thousands: float32 has
# too few digits for these
CLASSIFIED = {
    **dict.fromkeys(("words", "thirds"), ("onnx",)),
    **dict.fromkeys(("binary", "flags", "floats"), ("onnx", "coreml")),
}


def _case(kind: Any, options: dict[str, Any], **more: Any) -> Case:
    return Case(make=partial(kind, **FIXED, **options), **{"rows": "unit", **more})


CASES = {
    **{
        f"GaussianProcessRegressor, {name}, {target}{', normalized' * normalize}": _case(
            GaussianProcessRegressor,
            {"kernel": kernel, "alpha": 0.1, "normalize_y": normalize},
            target=target,
            limit=limit,
        )
        for (name, (kernel, limit)), (target, normalize) in product(KERNELS.items(), [("value", False), ("pair", True)])
    },
    "GaussianProcessRegressor, optimized": Case(
        make=lambda: GaussianProcessRegressor(k.RBF() + k.WhiteKernel(), random_state=0), rows="unit"
    ),
    "GaussianProcessRegressor, default kernel": _case(GaussianProcessRegressor, {"alpha": 0.05}),
    **{
        f"GaussianProcessClassifier, {name}, {target}, {way}, {output}": _case(
            GaussianProcessClassifier,
            {"kernel": KERNELS[name][0], "multi_class": way},
            target=target,
            output=output,
            limit=KERNELS[name][1],
            targets=CLASSIFIED[target],
        )
        for (name, targets), output in product(
            [
                ("RBF", BOTH),
                ("scaled", BOTH),
                ("power", BOTH),
                *(
                    (name, BOTH[:1])
                    for name in ("Matern 0.5", "Matern 2.5", "RationalQuadratic", "product", "DotProduct")
                ),
            ],
            [None, "predict"],
        )
        for target, way in targets
    },
    **{
        f"GaussianProcessClassifier, {target}": _case(
            GaussianProcessClassifier, {}, target=target, targets=CLASSIFIED[target]
        )
        for target in ("flags", "floats", "thirds")
    },
}
