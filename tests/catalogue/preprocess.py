"""Preprocessing: each transformer alone, and some in front of a linear model."""

from __future__ import annotations

import math
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from scipy import special
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from catalogue.case import Case

ROWS = {
    **{
        f"Normalizer, {norm}{', sparse' * sparse}": Case(
            make=lambda norm=norm: Normalizer(norm=norm), target="none", sparse=sparse
        )
        for norm, sparse in product(["l2", "l1", "max"], [False, True])
    },
    "Normalizer, logistic": Case(make=lambda: make_pipeline(Normalizer(), LogisticRegression()), target="words"),
    **{
        f"Binarizer, {threshold}{', sparse' * sparse}": Case(
            make=lambda threshold=threshold: Binarizer(threshold=threshold), target="none", sparse=sparse
        )
        for threshold, sparse in [(0.0, False), (1.5, False), (-0.25, False), (0, True), (2, True)]
    },
    "Binarizer, ridge": Case(make=lambda: make_pipeline(Binarizer(threshold=1.0), Ridge())),
}

BINS = {
    **{
        f"KBinsDiscretizer, {encode}, {strategy}": Case(
            make=lambda encode=encode, strategy=strategy: _bins(encode=encode, strategy=strategy), target="none"
        )
        for encode, strategy in product(["onehot", "onehot-dense", "ordinal"], ["uniform", "quantile", "kmeans"])
    },
    "KBinsDiscretizer, unequal": Case(
        make=lambda: KBinsDiscretizer([2, 3, 4, 5, 6, 2], quantile_method="averaged_inverted_cdf"), target="none"
    ),
    "KBinsDiscretizer, ridge": Case(make=lambda: make_pipeline(_bins(), Ridge())),
    "KBinsDiscretizer, logistic": Case(
        make=lambda: make_pipeline(_bins(encode="ordinal"), LogisticRegression()), target="thirds"
    ),
}

POLYNOMIALS = {
    **{
        f"PolynomialFeatures, {degree}, {interaction=}, {bias=}, {order}{', sparse' * sparse}": Case(
            make=lambda degree=degree, interaction=interaction, bias=bias, order=order: PolynomialFeatures(
                degree, interaction_only=interaction, include_bias=bias, order=order
            ),
            target="none",
            sparse=sparse,
            # the server multiplies sparse columns in another order: one product overflows before the other
            limit=1e75 if sparse else math.inf,
        )
        for degree, interaction, bias, order, sparse in [
            *product([2, 3, (2, 3)], [False, True], [True, False], ["C"], [False, True]),
            (1, False, True, "C", False),
            (0, False, True, "C", False),
            ((0, 2), False, True, "F", False),
            ((2, 2), False, True, "F", False),
            ((3, 3), True, False, "C", False),
            (4, False, True, "C", True),
            (4, True, False, "C", False),
        ]
    },
    "PolynomialFeatures, ridge": Case(
        make=lambda: make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()),
        limit=1e6,  # squares of 3e38 cancel in the server's own sum
    ),
}

CURVES = {
    **{
        f"PowerTransformer, {method}{', raw' * (not standardize)}": Case(
            make=lambda method=method, standardize=standardize: PowerTransformer(method, standardize=standardize),
            rows="strictly positive" if method == "box-cox" else "missing",
            target="none",
        )
        for method, standardize in product(["yeo-johnson", "box-cox"], [True, False])
    },
    "PowerTransformer, ridge": Case(make=lambda: make_pipeline(PowerTransformer(), Ridge())),
    **{
        f"QuantileTransformer, {ends}, {n}, {rows}": Case(
            make=lambda ends=ends, n=n: QuantileTransformer(n_quantiles=n, output_distribution=ends),
            rows=rows,
            target="none",
        )
        for ends, n, rows in product(["uniform", "normal"], [7, 200], ["plain", "missing", "ordinal"])
    },
    "QuantileTransformer, logistic": Case(
        make=lambda: make_pipeline(
            QuantileTransformer(n_quantiles=50, output_distribution="normal"), LogisticRegression()
        ),
        target="words",
    ),
}

SPLINES = {
    **{
        f"SplineTransformer, {degree}, {extrapolation}, {knots}": Case(
            make=lambda degree=degree, extrapolation=extrapolation, knots=knots: SplineTransformer(
                degree=degree, extrapolation=extrapolation, knots=knots
            ),
            target="none",
            limit=1e75 if extrapolation == "continue" else math.inf,  # beyond, the server has inf − inf
        )
        for degree, extrapolation, knots in [
            *product([1, 2, 3, 4], ["constant", "linear", "continue", "periodic"], ["uniform"]),
            (0, "linear", "uniform"),
            (0, "continue", "uniform"),
            (0, "periodic", "uniform"),
            *product([3], ["constant", "linear", "continue"], ["quantile"]),
            (3, "error", "uniform"),
        ]
    },
    **{
        f"SplineTransformer, {extrapolation}, missing{', sparse' * sparse}": Case(
            make=lambda sparse=sparse, extrapolation=extrapolation: SplineTransformer(
                4, include_bias=False, sparse_output=sparse, extrapolation=extrapolation, handle_missing="zeros"
            ),
            rows="missing",
            target="none",
        )
        for extrapolation, sparse in product(["constant", "linear", "periodic"], [False, True])
        if not (sparse and extrapolation == "periodic")  # refused: what it answers hangs on the other rows
    },
    "SplineTransformer, knots": Case(
        make=lambda: SplineTransformer(
            knots=np.sort(np.random.default_rng(0).normal(0, 5, (7, 6)), axis=0), extrapolation="linear", order="F"
        ),
        target="none",
    ),
    "SplineTransformer, ridge": Case(
        make=lambda: make_pipeline(SplineTransformer(include_bias=False, extrapolation="linear"), Ridge()), limit=1e6
    ),
}

TARGETS = {
    **{
        f"TargetEncoder, {target}, {smooth}, {rows}": Case(
            make=lambda smooth=smooth: TargetEncoder(smooth=smooth, random_state=0),
            rows=rows,
            target=target,
            output="transform",
        )
        for target, smooth, rows in product(["value", "binary", "words"], ["auto", 3.0], ["ordinal", "missing"])
    },
    "TargetEncoder, ridge": Case(make=lambda: make_pipeline(TargetEncoder(random_state=0), Ridge()), rows="ordinal"),
}

FUNCTIONS = {
    **{
        f"FunctionTransformer, {function.__name__}": Case(
            make=lambda function=function: FunctionTransformer(function),
            rows=rows,
            target="none",
        )
        for function, rows in [
            (np.arctanh, "unit"),
            (np.cosh, "plain"),
            (np.deg2rad, "plain"),
            (np.nan_to_num, "missing"),
            (np.round, "plain"),
            (np.sinh, "plain"),
            (special.cbrt, "plain"),
            (special.erf, "plain"),
            (special.erfc, "plain"),
            (special.expit, "plain"),
            (special.log1p, "positive"),
            (special.log_expit, "plain"),
            (special.logit, "unit"),
            (special.ndtr, "plain"),
            (special.ndtri, "unit"),
        ]
    },
    "FunctionTransformer, clip": Case(
        make=lambda: FunctionTransformer(np.clip, kw_args={"a_min": -1, "a_max": 2.5}), target="none"
    ),
    "FunctionTransformer, clip below": Case(
        make=lambda: FunctionTransformer(partial(np.clip, min=0.25, max=None)), target="none"
    ),
    "FunctionTransformer, ridge": Case(make=lambda: make_pipeline(FunctionTransformer(special.expit), Ridge())),
}

CASES = {**ROWS, **BINS, **POLYNOMIALS, **CURVES, **SPLINES, **TARGETS, **FUNCTIONS}


def _bins(**options: Any) -> KBinsDiscretizer:
    options = {"n_bins": 4, "random_state": 0, "quantile_method": "averaged_inverted_cdf", **options}
    return KBinsDiscretizer(**options)
