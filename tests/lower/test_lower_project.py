"""Projections and densities beyond what the catalogue says: refusals, float32 attributes, degenerate shapes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import (
    cluster,
    decomposition,
    discriminant_analysis,
    kernel_approximation,
    manifold,
    mixture,
)

from edgepack.errors import UnsupportedError
from edgepack.ir import Program
from edgepack.lower import lower

ROWS = np.random.default_rng(5).normal(size=(60, 6)) + np.arange(6)
COUNTS = np.random.default_rng(5).poisson(3, (60, 6)).astype(float)
TARGET = np.arange(60) % 3


def lowered(est: Any, rows: Any = ROWS, **options: Any) -> Program:
    return lower(est, rows[:4], fallback=False, input_dtype="float64", **options)


def values(est: Any, rows: Any, asked: Any = None, **options: Any) -> Any:
    return lowered(est, rows, **options).run({"X": rows if asked is None else asked})["value"]


@pytest.mark.parametrize(
    ("est", "reason"),
    [
        (decomposition.NMF(2, max_iter=5), "a rule over all rows that are given together"),
        (decomposition.MiniBatchNMF(2, max_iter=5), "a rule over all rows that are given together"),
        (decomposition.LatentDirichletAllocation(2, max_iter=2), "a stopping rule of its own"),
        (decomposition.DictionaryLearning(2, max_iter=2), "transform_algorithm='omp' solves"),
        (manifold.LocallyLinearEmbedding(n_neighbors=7), "each row solves a linear system"),
        (manifold.Isomap(n_neighbors=None, radius=9.0), "radius takes as many neighbours as there are"),
        (cluster.FeatureAgglomeration(2, pooling_func=np.ptp), "pooling_func ptp"),
        (kernel_approximation.Nystroem(kernel=lambda x, y: float(x @ y), n_components=4), "is a Python function"),
        (discriminant_analysis.LinearDiscriminantAnalysis(solver="lsqr"), "solver='lsqr' transforms nothing"),
    ],
    ids=lambda v: type(v).__name__ if hasattr(v, "fit") else "",
)
def test_what_has_no_meaning_for_a_row_says_why(est: Any, reason: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        est.fit(COUNTS, TARGET)
    with pytest.raises(UnsupportedError, match=reason):
        lowered(est, COUNTS, output="transform")


@pytest.mark.parametrize("whiten", [False, True])
def test_a_pca_that_was_fitted_on_float32_keeps_its_rounding(whiten: bool) -> None:
    rows = (ROWS + 1e5).astype(np.float32)
    est = decomposition.PCA(3, whiten=whiten).fit(rows)
    assert est.mean_.dtype == np.float32
    asked = rows.astype(np.float64)
    np.testing.assert_allclose(values(est, asked), est.transform(asked), rtol=0, atol=1e-9)


def test_a_whitened_component_without_variance_is_divided_by_epsilon() -> None:
    rows = np.column_stack([ROWS[:, 0], ROWS[:, 0] * 2.0])
    est = decomposition.PCA(2, whiten=True, svd_solver="full").fit(rows)
    est.explained_variance_[1] = 1e-40
    np.testing.assert_allclose(values(est, rows), est.transform(rows), rtol=1e-12)


def test_threshold_codes_are_zero_at_the_threshold_itself() -> None:
    est = decomposition.SparseCoder(np.eye(3), transform_algorithm="threshold", transform_alpha=0.5).fit(np.eye(3))
    asked = np.array([[0.5, np.nextafter(0.5, 1), -0.5], [-2.0, 0.0, np.nextafter(-0.5, -1)]])
    np.testing.assert_array_equal(values(est, asked), est.transform(asked))
    np.testing.assert_array_equal(values(est, asked) == 0, [[True, False, True], [False, True, False]])


def test_the_additive_chi2_of_zero_is_zero_in_every_step() -> None:
    est = kernel_approximation.AdditiveChi2Sampler(sample_steps=3).fit(COUNTS)
    asked = np.zeros((1, 6))
    np.testing.assert_array_equal(values(est, COUNTS, asked), est.transform(asked))


@pytest.mark.parametrize("count", [2, 3, 4, 5])
def test_the_median_of_any_number_of_columns(count: int) -> None:
    rows = ROWS[:, :count]
    est = cluster.FeatureAgglomeration(1, pooling_func=np.median).fit(rows)
    asked = np.vstack([rows, np.zeros(rows.shape), np.arange(rows.size).reshape(rows.shape)[:1]])
    np.testing.assert_array_equal(values(est, rows, asked), est.transform(asked)[:, 0])


def test_isomap_takes_the_first_of_equal_neighbours_and_a_fitted_row_itself() -> None:
    est = manifold.Isomap(n_neighbors=4).fit(ROWS)
    np.testing.assert_allclose(values(est, ROWS), est.transform(ROWS), rtol=1e-9, atol=1e-12)


def test_a_mixture_component_without_weight_is_never_chosen() -> None:
    est = mixture.GaussianMixture(3, random_state=0).fit(ROWS)
    est.weights_ = np.array([0.0, 0.4, 0.6])
    with np.errstate(divide="ignore"):
        answers = lowered(est, output="predict_proba").run({"X": ROWS})
        np.testing.assert_allclose(answers["probabilities"], est.predict_proba(ROWS), rtol=0, atol=1e-12)
    assert (answers["probabilities"][:, 0] == 0).all()


def test_far_from_every_component_each_share_is_one_as_on_the_server() -> None:
    est = mixture.GaussianMixture(3, covariance_type="tied", random_state=0).fit(ROWS)
    far = np.full((1, 6), 3e38)
    answers = lowered(est, output="predict_proba").run({"X": far})
    np.testing.assert_array_equal(answers["probabilities"], est.predict_proba(far))


def test_a_class_without_spread_refuses() -> None:
    est = discriminant_analysis.QuadraticDiscriminantAnalysis().fit(ROWS, TARGET)
    est.scalings_[1][2] = 0.0
    with pytest.raises(UnsupportedError, match="no spread in some direction"):
        lowered(est)
