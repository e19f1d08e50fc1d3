"""Where a search for neighbours chooses among equals, anywhere in a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import KNNImputer
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KernelDensity, KNeighborsRegressor, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer

from edgepack.parity.ties import ties

X = np.array([[0.0, 1.0], [1.0, 2.0], [-1.0, 3.0], [4.0, 4.0], [7.0, np.nan]])
ROWS = np.array([[0.4, np.nan], [0.0, np.nan], [2.5, np.nan], [2.5, 1.0], [5.0, np.nan]])


@pytest.mark.parametrize(
    ("imputer", "tied"),
    [
        (KNNImputer(n_neighbors=1), [False, False, True, False, False]),
        (KNNImputer(n_neighbors=2), [False, True, False, False, False]),
        (KNNImputer(n_neighbors=9), [False, False, False, False, False]),
        (KNNImputer(n_neighbors=9, weights="distance"), [False, True, False, False, False]),
    ],
)
def test_an_imputer(imputer: Any, tied: list[bool]) -> None:
    imputer.fit(X)
    assert ties(imputer, ROWS).tolist() == tied
    piped = make_pipeline(imputer, LinearRegression()).fit(X, np.arange(5))
    assert ties(piped, ROWS).tolist() == tied
    frame = pd.DataFrame(X, columns=["a", "b"])
    split = ColumnTransformer([("n", imputer, ["a", "b"]), ("d", "drop", ["a"])]).fit(frame)
    assert ties(split, pd.DataFrame(ROWS, columns=["a", "b"])).tolist() == tied


@pytest.mark.parametrize("algorithm", ["brute", "kd_tree"])
def test_at_a_fitted_row_brute_force_finds_no_distance_of_0(algorithm: Any) -> None:
    search = KNeighborsRegressor(1, weights="distance", algorithm=algorithm).fit(X[:4, :1], np.arange(4))
    assert ties(search, np.array([[0.1], [1.0], [4.0]])).tolist() == [False, *[algorithm == "brute"] * 2]


@pytest.mark.parametrize("priors", ["uniform", [0.9, 0.1]])
def test_between_centroids(priors: Any) -> None:
    x = np.array([[-1.0], [1.0], [3.0], [5.0]])
    estimator = NearestCentroid(priors=priors).fit(x, [0, 0, 1, 1])
    spread = estimator.within_class_std_dev_[0]
    assert ties(estimator, np.array([[2.0], [0.5], [2.0 + spread**2 * np.log(9) / 4]])).tolist() == [
        True,
        False,
        priors != "uniform",
    ]


def test_behind_a_step_that_gives_a_sparse_matrix() -> None:
    x = X[:4, :1]
    bins = KBinsDiscretizer(2, encode="onehot", strategy="uniform")
    piped = make_pipeline(bins, KNeighborsRegressor(1)).fit(x, np.arange(4))
    assert ties(piped, np.array([[0.1], [3.9]])).tolist() == [True, False]


def test_a_density_of_rests_of_sums_is_none() -> None:
    """At the edge of a kernel that ends, and where the answer is next to nothing beside its peak."""
    fitted = KernelDensity(kernel="linear", bandwidth=2.0).fit([[0.0], [0.5]])
    rows = np.array([[0.1], [2.4], [2.5 - 1e-7], [2.5 - 1e-13], [9.0]])
    assert ties(fitted, rows).tolist() == [False, False, True, True, False]
    assert not ties(KernelDensity(bandwidth=0.1).fit([[0.0]]), np.array([[0.0], [50.0]])).any()
