"""Mixtures of normal distributions."""

from __future__ import annotations

from itertools import product

from sklearn.mixture import BayesianGaussianMixture, GaussianMixture

from catalogue.case import Case

CASES = {
    **{
        f"GaussianMixture, {covariance}, {count} components, {output}": Case(
            make=lambda covariance=covariance, count=count: GaussianMixture(
                count, covariance_type=covariance, random_state=0
            ),
            target="none",
            output=output,
        )
        for covariance, count, output in product(
            ("full", "tied", "diag", "spherical"), (1, 3), ("predict", "predict_proba", "score_samples")
        )
    },
    **{
        f"BayesianGaussianMixture, {covariance}, {prior}, {output}": Case(
            make=lambda covariance=covariance, prior=prior: BayesianGaussianMixture(
                n_components=4,
                covariance_type=covariance,
                weight_concentration_prior_type=prior,
                max_iter=20,
                random_state=0,
            ),
            target="none",
            output=output,
        )
        for covariance, prior, output in product(
            ("full", "tied", "diag", "spherical"),
            ("dirichlet_process", "dirichlet_distribution"),
            ("predict", "predict_proba", "score_samples"),
        )
    },
}
