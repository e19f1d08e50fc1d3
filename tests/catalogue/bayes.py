"""Naive Bayes, and predictors that do not look at the row."""

from __future__ import annotations

from itertools import product

import numpy as np
from sklearn import dummy, naive_bayes

from catalogue.case import Case

COUNTING = {
    f"{kind.__name__}{flag}, {target}": Case(
        make=lambda kind=kind, options=options: kind(**options), rows="counts", target=target, sparse=sparse
    )
    for kind, target, (flag, options, sparse) in product(
        (naive_bayes.MultinomialNB, naive_bayes.ComplementNB),
        ["flags", "words"],
        [
            ("", {}, False),
            (", uniform prior", {"fit_prior": False, "alpha": 0.1}, False),
            (", sparse", {}, True),
        ],
    )
}

BAYES = {
    **{
        f"GaussianNB, {rows}, {target}": Case(make=naive_bayes.GaussianNB, rows=rows, target=target)
        for rows, target in product(["plain", "unit"], ["binary", "words", "flags", "floats"])
    },
    "GaussianNB, priors": Case(
        make=lambda: naive_bayes.GaussianNB(priors=[0.2, 0.8, 0.0], var_smoothing=1e-3), target="thirds"
    ),
    **COUNTING,
    "ComplementNB, norm": Case(
        make=lambda: naive_bayes.ComplementNB(norm=True, alpha=0.3), rows="counts", target="words"
    ),
    **{
        f"BernoulliNB, binarize {threshold}, {target}": Case(
            make=lambda threshold=threshold: naive_bayes.BernoulliNB(binarize=threshold),
            rows=rows,
            target=target,
            sparse=sparse,
            limit=np.inf
            if threshold is not None
            else 1e6,  # beyond it, the server's logarithm of a sum of equals rounds
        )
        for (threshold, rows, sparse), target in product(
            [(0.0, "plain", False), (1.5, "counts", False), (None, "binary", False), (0.5, "counts", True)],
            ["binary", "words"],
        )
    },
    "BernoulliNB, given prior": Case(
        make=lambda: naive_bayes.BernoulliNB(class_prior=[0.7, 0.3]), rows="binary", target="flags"
    ),
    **{
        f"CategoricalNB, {target}": Case(make=naive_bayes.CategoricalNB, rows="ordinal", target=target)
        for target in ("words", "binary", "floats")
    },
    "CategoricalNB, min_categories": Case(
        make=lambda: naive_bayes.CategoricalNB(min_categories=[5, 5, 6, 7, 8, 9], alpha=0.2),
        rows="ordinal",
        target="binary",
    ),
    "CategoricalNB, fractions": Case(make=naive_bayes.CategoricalNB, rows="positive", target="words"),
}

DUMMIES = {
    **{
        f"DummyClassifier, {strategy}, {target}, {rows}": Case(
            make=lambda strategy=strategy: dummy.DummyClassifier(strategy=strategy), rows=rows, target=target
        )
        for strategy, target, rows in product(
            ["prior", "most_frequent"], ["words", "flags", "classes"], ["plain", "missing"]
        )
    },
    "DummyClassifier, two targets, probabilities": Case(
        make=dummy.DummyClassifier, target="classes", output="predict_proba"
    ),
    "DummyClassifier, labels": Case(make=dummy.DummyClassifier, target="labels"),
    "DummyClassifier, constant": Case(
        make=lambda: dummy.DummyClassifier(strategy="constant", constant="middle"), target="words"
    ),
    "DummyClassifier, constants": Case(
        make=lambda: dummy.DummyClassifier(strategy="constant", constant=[1, 6]),
        target="classes",
        output="predict_proba",
    ),
    **{
        f"DummyRegressor, {strategy}, {target}": Case(
            make=lambda strategy=strategy: dummy.DummyRegressor(strategy=strategy, quantile=0.3),
            target=target,
            rows="missing",
        )
        for strategy, target in product(["mean", "median", "quantile"], ["value", "pair"])
    },
    "DummyRegressor, constant": Case(make=lambda: dummy.DummyRegressor(strategy="constant", constant=3)),
    "DummyRegressor, constants": Case(
        make=lambda: dummy.DummyRegressor(strategy="constant", constant=np.array([3.0, -1.5])), target="pair"
    ),
}

CASES = {**BAYES, **DUMMIES}
