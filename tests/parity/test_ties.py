"""Where a search for neighbours chooses among equals, anywhere in a pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    GradientBoostingRegressor,
    RandomForestRegressor,
    StackingRegressor,
    VotingRegressor,
)
from sklearn.frozen import FrozenEstimator
from sklearn.impute import KNNImputer
from sklearn.linear_model import LinearRegression, RANSACRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputRegressor
from sklearn.neighbors import KernelDensity, KNeighborsClassifier, KNeighborsRegressor, NearestCentroid
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import KBinsDiscretizer

from edgepack.parity.ties import ties

X = np.array([[0.0, 1.0], [1.0, 2.0], [-1.0, 3.0], [4.0, 4.0], [7.0, np.nan]])
NEAR = np.repeat(np.arange(10.0)[:, None], 2, axis=1)
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


@pytest.mark.parametrize(
    "compose",
    [
        lambda search: GridSearchCV(search, {"algorithm": ["brute", "kd_tree"]}, cv=2),
        lambda search: TransformedTargetRegressor(search, func=np.log1p, inverse_func=np.expm1),
        lambda search: VotingRegressor([("a", LinearRegression()), ("b", search)]),
        lambda search: StackingRegressor([("a", LinearRegression()), ("b", search)], cv=2),
        lambda search: StackingRegressor([("a", LinearRegression())], search, cv=2, passthrough=True),
        lambda search: BaggingRegressor(search, 1, max_features=0.5, bootstrap=False, random_state=0),
        lambda search: MultiOutputRegressor(search),
        lambda search: make_pipeline(FeatureUnion([("a", KNNImputer()), ("b", "drop")]), search),
        lambda search: RANSACRegressor(search, min_samples=8, random_state=0),
        lambda search: FrozenEstimator(search.fit(NEAR[:, :1], NEAR[:, 0])),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_within_an_estimator_made_of_others(compose: Any) -> None:
    """The second column is the first, so that bagging may take either; 1.5 lies between 1 and 2."""
    composed = compose(KNeighborsRegressor(1))
    table = NEAR[:, :1] if isinstance(composed, FrozenEstimator | TransformedTargetRegressor) else NEAR
    y = table[:, :1] if isinstance(composed, MultiOutputRegressor) else table[:, 0]
    if not isinstance(composed, FrozenEstimator):
        composed.fit(table, y)
    rows = np.array([[1.5, 1.5], [1.7, 1.7]])[:, : table.shape[1]]
    assert ties(composed, rows).tolist() == [True, False]


@pytest.mark.filterwarnings("ignore")
def test_a_calibrated_search_and_one_of_fewer_columns() -> None:
    labels = [0, 1] * 5
    rows = np.array([[1.5, 1.5], [1.7, 1.7]])
    calibrated = CalibratedClassifierCV(FrozenEstimator(KNeighborsClassifier(1).fit(NEAR, labels))).fit(NEAR, labels)
    assert ties(calibrated, rows).tolist() == [True, False]
    rest = OneVsRestClassifier(KNeighborsClassifier(1)).fit(NEAR, labels)
    assert ties(rest, rows).tolist() == [True, False]
    assert not ties(ClassifierChain(KNeighborsClassifier(1)).fit(NEAR, np.c_[labels, labels]), rows).any()
    for trees in (RandomForestRegressor(2), GradientBoostingRegressor(n_estimators=2), AdaBoostRegressor()):
        assert not ties(trees.fit(NEAR, NEAR[:, 0]), rows).any()


@pytest.mark.parametrize("form", [np.asarray, csr_matrix, lambda x: pd.DataFrame(x, columns=["a", "b"])])
def test_bagging_may_take_a_column_twice(form: Any) -> None:
    table = form(NEAR)
    bagging = BaggingRegressor(KNeighborsRegressor(1), 3, bootstrap_features=True, bootstrap=False, random_state=0)
    bagging.fit(table, NEAR[:, 0])
    assert any(len(set(features)) < len(features) for features in bagging.estimators_features_)
    assert ties(bagging, form(np.array([[1.5, 1.5], [1.7, 1.7]]))).tolist() == [True, False]
