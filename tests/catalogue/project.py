"""Projections: decompositions, partial least squares, random features, codes and pools."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from sklearn import (
    cluster,
    cross_decomposition,
    decomposition,
    kernel_approximation,
    manifold,
    neighbors,
    neural_network,
    random_projection,
)

from catalogue.case import Case


def transform(make: Callable[[], Any], **options: Any) -> Case:
    """What the transformer makes of a row."""
    return Case(make=make, output="transform", **{"target": "none", **options})


CANCELS = 1e9
"""Beyond it, the order of additions decides what is left where large numbers of one size cancel."""

DICTIONARY = np.random.default_rng(3).normal(size=(5, 6))

PRINCIPAL = {
    **{
        f"PCA{', whiten' * whiten}, n_components {count}, {solver}": transform(
            lambda whiten=whiten, count=count, solver=solver: decomposition.PCA(
                count, whiten=whiten, svd_solver=solver, random_state=0
            )
        )
        for whiten, (count, solver) in product(
            (False, True),
            [(None, "auto"), (1, "full"), (0.9, "full"), ("mle", "full"), (3, "arpack"), (2, "randomized")],
        )
    },
    "PCA, covariance_eigh": transform(lambda: decomposition.PCA(3, whiten=True, svd_solver="covariance_eigh")),
    "PCA, arpack, sparse": transform(lambda: decomposition.PCA(3, svd_solver="arpack"), sparse=True),
    **{
        f"IncrementalPCA{', whiten' * whiten}{', sparse' * sparse}": transform(
            lambda whiten=whiten: decomposition.IncrementalPCA(3, whiten=whiten, batch_size=60), sparse=sparse
        )
        for whiten, sparse in product((False, True), repeat=2)
    },
    **{
        f"TruncatedSVD, {algorithm}{', sparse' * sparse}": transform(
            lambda algorithm=algorithm: decomposition.TruncatedSVD(3, algorithm=algorithm, random_state=0),
            sparse=sparse,
        )
        for algorithm, sparse in product(("arpack", "randomized"), (False, True))
    },
    **{
        f"{kind.__name__}, {count} components, ridge {ridge}": transform(
            lambda kind=kind, count=count, ridge=ridge: kind(count, ridge_alpha=ridge, max_iter=20, random_state=0)
        )
        for kind, count, ridge in product(
            (decomposition.SparsePCA, decomposition.MiniBatchSparsePCA), (1, 3, 8), (0.01, 1)
        )
    },
    **{
        f"FactorAnalysis, rotation {rotation}, {svd}": transform(
            lambda rotation=rotation, svd=svd: decomposition.FactorAnalysis(2, rotation=rotation, svd_method=svd)
        )
        for rotation, svd in product((None, "varimax", "quartimax"), ("lapack", "randomized"))
    },
    **{
        f"FastICA, whiten {whiten}, {algorithm}": transform(
            lambda whiten=whiten, algorithm=algorithm: decomposition.FastICA(
                3 if whiten else None, whiten=whiten, algorithm=algorithm, random_state=0
            ),
            rows="unit",
        )
        for whiten, algorithm in product(("unit-variance", "arbitrary-variance", False), ("parallel", "deflation"))
    },
}

LEAST_SQUARES = {
    f"{kind.__name__}, {output}, {target}{'' if scale else ', unscaled'}": Case(
        make=lambda kind=kind, scale=scale, count=count: kind(count, scale=scale), target=target, output=output
    )
    for kind, output, (target, count), scale in product(
        (cross_decomposition.PLSRegression, cross_decomposition.PLSCanonical, cross_decomposition.CCA),
        ("predict", "transform"),
        [("value", 1), ("pair", 2)],
        (True, False),
    )
} | {
    f"PLSSVD, {target}{'' if scale else ', unscaled'}": transform(
        lambda scale=scale, count=count: cross_decomposition.PLSSVD(count, scale=scale), target=target
    )
    for (target, count), scale in product([("value", 1), ("pair", 2)], (True, False))
}

RANDOM = {
    **{
        f"GaussianRandomProjection{', sparse' * sparse}": transform(
            lambda: random_projection.GaussianRandomProjection(4, random_state=0), sparse=sparse
        )
        for sparse in (False, True)
    },
    **{
        f"SparseRandomProjection, density {density}{', sparse' * sparse}{', dense output' * dense}": transform(
            lambda density=density, dense=dense: random_projection.SparseRandomProjection(
                4, density=density, dense_output=dense, random_state=0
            ),
            sparse=sparse,
            limit=CANCELS,
        )
        for density, (sparse, dense) in product(("auto", 0.5), [(False, False), (True, False), (True, True)])
    },
    # the cosine of a large angle has no digits left: the angle is rounded by more than a turn's fraction
    **{
        f"RBFSampler, gamma {gamma}{', sparse' * sparse}": transform(
            lambda gamma=gamma: kernel_approximation.RBFSampler(gamma=gamma, n_components=20, random_state=0),
            sparse=sparse,
            limit=1e6,
        )
        for gamma, sparse in product((0.2, "scale"), (False, True))
    },
    **{
        f"SkewedChi2Sampler, skewedness {skew}": transform(
            lambda skew=skew: kernel_approximation.SkewedChi2Sampler(skewedness=skew, n_components=20, random_state=0),
            rows=rows,
        )
        for skew, rows in [(1.0, "positive"), (0.01, "positive"), (30.0, "plain")]
    },
    **{
        f"AdditiveChi2Sampler, steps {steps}, interval {interval}{', sparse' * sparse}": transform(
            lambda steps=steps, interval=interval: kernel_approximation.AdditiveChi2Sampler(
                sample_steps=steps, sample_interval=interval
            ),
            rows="positive",
            sparse=sparse,
            limit=1e38,  # Core ML takes the root in float32
        )
        for (steps, interval), sparse in product([(1, None), (2, None), (3, None), (4, 0.3), (2, 0.7)], (False, True))
    },
    # the server's own Fourier transform leaves 1e-16 of the largest product beside the smaller ones
    **{
        f"PolynomialCountSketch, degree {degree}, coef0 {coef0}{', sparse' * sparse}": transform(
            lambda degree=degree, coef0=coef0: kernel_approximation.PolynomialCountSketch(
                degree=degree, coef0=coef0, gamma=0.3, n_components=15, random_state=0
            ),
            sparse=sparse,
            limit=limit,
        )
        for (degree, limit), coef0, sparse in product([(1, 1e6), (2, 1e4), (3, 1e3)], (0, 1.5), (False, True))
    },
}

CODES = {
    **{
        f"{kind.__name__}, threshold{', split' * split}{', positive' * positive}": transform(
            lambda kind=kind, split=split, positive=positive, options=options: kind(
                **options, transform_algorithm="threshold", split_sign=split, positive_code=positive
            ),
        )
        for (kind, options), split, positive in product(
            [
                (decomposition.SparseCoder, {"dictionary": DICTIONARY}),
                (decomposition.SparseCoder, {"dictionary": DICTIONARY, "transform_alpha": 0.4}),
                (
                    decomposition.DictionaryLearning,
                    # lars, its default, cannot keep a code positive
                    {"n_components": 3, "max_iter": 5, "fit_algorithm": "cd", "alpha": 0.5, "random_state": 0},
                ),
                (
                    decomposition.MiniBatchDictionaryLearning,
                    {
                        "n_components": 3,
                        "max_iter": 5,
                        "fit_algorithm": "cd",
                        "transform_alpha": 0.1,
                        "random_state": 0,
                    },
                ),
            ],
            (False, True),
            (False, True),
        )
    },
    **{
        f"FeatureAgglomeration, {pool.__name__}, {count} clusters": transform(
            lambda pool=pool, count=count: cluster.FeatureAgglomeration(count, pooling_func=pool),
            limit=CANCELS if pool in (np.sum, np.mean) else np.inf,
        )
        for pool, count in product((np.mean, np.median, np.max, np.min, np.sum, np.prod), (1, 2, 3, 6))
    },
    **{
        f"BernoulliRBM{', sparse' * sparse}": transform(
            lambda: neural_network.BernoulliRBM(4, n_iter=3, learning_rate=0.5, random_state=0),
            rows="unit",
            sparse=sparse,
        )
        for sparse in (False, True)
    },
    **{
        f"NeighborhoodComponentsAnalysis, init {init}": transform(
            lambda init=init: neighbors.NeighborhoodComponentsAnalysis(2, init=init, max_iter=5, random_state=0),
            target="words",
        )
        for init in ("auto", "random")
    },
}

MANIFOLDS = {
    f"Isomap, {', '.join(f'{k} {v}' for k, v in options.items())}": transform(
        lambda options=options: manifold.Isomap(**options), limit=limit
    )
    # the server squares distances and takes their means away; a large number to the third hides the others, and all tie
    for limit, options in [
        (1e7, {"n_neighbors": 5}),
        (1e7, {"n_neighbors": 1, "n_components": 3}),
        (1e7, {"n_neighbors": 12, "metric": "manhattan"}),
        (1e3, {"n_neighbors": 4, "p": 3}),
        (1e7, {"n_neighbors": 6, "neighbors_algorithm": "brute", "path_method": "D"}),
    ]
}

CASES = {**PRINCIPAL, **LEAST_SQUARES, **RANDOM, **CODES, **MANIFOLDS}
