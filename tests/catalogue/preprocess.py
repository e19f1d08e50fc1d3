"""Preprocessing: each transformer alone, and some in front of a linear model."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    KBinsDiscretizer,
    Normalizer,
    PolynomialFeatures,
    StandardScaler,
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

CASES = {**ROWS, **BINS, **POLYNOMIALS}


def _bins(**options: Any) -> KBinsDiscretizer:
    options = {"n_bins": 4, "random_state": 0, "quantile_method": "averaged_inverted_cdf", **options}
    return KBinsDiscretizer(**options)
