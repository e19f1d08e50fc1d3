"""What cannot be compiled is told by name, all at once, and never as a traceback."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn import cluster, decomposition, impute, neighbors, preprocessing, svm
from sklearn.cluster import DBSCAN
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    StandardScaler,
)
from zoo import NUMBERS, STRINGS, classes, fitted, matrix, matrix_target, table, target

from edgepack.contract import Problem
from edgepack.errors import EdgepackError, UnsupportedError, UsageError
from edgepack.lower import lower

X = matrix()
Y = matrix_target(X)
FRAME = table()
VALUE = target(FRAME)


def problems(model: Any, sample: Any) -> tuple[Problem, ...]:
    with pytest.raises(UnsupportedError) as caught:
        lower(model, sample, fallback=False)
    assert str(caught.value) == "\n".join(map(str, caught.value.problems))
    return caught.value.problems


def lowercased(x: pd.DataFrame) -> pd.DataFrame:
    return x.apply(lambda column: column.str.lower())


class KMeans(cluster.KMeans):
    """Its subclass: no lowering."""


class PCA(decomposition.PCA):
    """Its subclass: no lowering."""


class KNNImputer(impute.KNNImputer):
    """Its subclass: no lowering."""


class KNeighborsClassifier(neighbors.KNeighborsClassifier):
    """Its subclass: no lowering."""


class SVC(svm.SVC):
    """Its subclass: no lowering."""


class KBinsDiscretizer(preprocessing.KBinsDiscretizer):
    """Its subclass: no lowering."""


class PolynomialFeatures(preprocessing.PolynomialFeatures):
    """Its subclass: no lowering."""


class QuantileTransformer(preprocessing.QuantileTransformer):
    """Its subclass: no lowering."""


class TargetEncoder(preprocessing.TargetEncoder):
    """Its subclass: no lowering."""


class Mine(StandardScaler):
    """A subclass may mean something else."""


def test_every_unsupported_step_is_named_at_once() -> None:
    numbers = Pipeline([("knn", KNNImputer()), ("scale", StandardScaler()), ("pca", PCA(2))])
    strings = Pipeline([("lower", FunctionTransformer(lowercased)), ("hot", OneHotEncoder(handle_unknown="ignore"))])
    parts = [("num", numbers, NUMBERS), ("cat", TargetEncoder(), ["zone"]), ("str", strings, ["roof"])]
    model = Pipeline([("preprocess", ColumnTransformer(parts)), ("model", KNeighborsClassifier())])
    found = problems(fitted(model, FRAME, classes(VALUE, [0, 1])), FRAME)
    assert [p.step for p in found] == [
        "preprocess → num → knn → KNNImputer",
        "preprocess → num → pca → PCA",
        "preprocess → cat → TargetEncoder",
        "preprocess → str → lower → FunctionTransformer",
        "model → KNeighborsClassifier",
    ]
    assert all(p.reason and p.remedy for p in found)
    assert "lowercased" in found[3].reason


@pytest.mark.parametrize(
    "step", [PCA(2), PolynomialFeatures(), QuantileTransformer(n_quantiles=9), KBinsDiscretizer(3), Mine()], ids=str
)
def test_an_unknown_transformer_is_named(step: Any) -> None:
    (found,) = problems(fitted(Pipeline([("step", step), ("m", Ridge())]), X, Y), X)
    name = f"{type(step).__module__}.{type(step).__qualname__}"
    remedy = f"leave it out, or teach edgepack {name} (docs/extending.md)"
    assert str(found) == f"step → {type(step).__name__}: no lowering; {remedy}"


@pytest.mark.parametrize("last", [SVC(), KMeans(2), KNeighborsClassifier()], ids=str)
def test_an_unknown_predictor_is_named(last: Any) -> None:
    (found,) = problems(fitted(Pipeline([("s", StandardScaler()), ("m", last)]), X, classes(Y, [0, 1])), X)
    assert str(found).startswith(f"m → {type(last).__name__}: no lowering; ")


def test_a_target_transformer_and_its_regressor_are_both_told() -> None:
    model = TransformedTargetRegressor(SVRLike(), transformer=QuantileTransformer(n_quantiles=9))
    found = problems(fitted(model, X, Y), X)
    assert [p.step for p in found] == [
        "TransformedTargetRegressor → regressor → SVRLike",
        "TransformedTargetRegressor → transformer → QuantileTransformer",
    ]


class SVRLike(Ridge):
    """A regressor without a lowering."""


@pytest.mark.parametrize(
    "unfitted",
    [
        RandomForestRegressor(),
        LogisticRegression(),
        make_pipeline(StandardScaler(), Ridge()),
        make_pipeline(ColumnTransformer([("s", StandardScaler(), [0])]), Ridge()),
        TransformedTargetRegressor(Ridge()),
    ],
    ids=str,
)
def test_what_was_not_fitted_is_told(unfitted: Any) -> None:
    found = problems(unfitted, X)
    assert {p.reason for p in found} == {"is not fitted"}


@pytest.mark.parametrize(
    "useless",
    [DBSCAN(), make_pipeline(StandardScaler(), DBSCAN()), cluster.AgglomerativeClustering(2)],
)
def test_clusters_of_the_fitted_rows_alone_are_told(useless: Any) -> None:
    (problem,) = problems(useless.fit(X), X)
    assert "labels only the rows that it is fitted on" in problem.reason
    assert problem.remedy == "use KMeans or Birch"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_clusterer_that_found_no_cluster_is_told() -> None:
    (problem,) = problems(cluster.AffinityPropagation(max_iter=1, random_state=0).fit(X), X)
    assert "found no cluster" in problem.reason


@pytest.mark.parametrize("thing", [None, "model", 3, object(), StandardScaler])
def test_what_is_no_estimator_is_told(thing: Any) -> None:
    assert "predicts nothing" in problems(thing, X)[0].reason


def test_strings_that_reach_a_model_are_named() -> None:
    parts = ColumnTransformer([("n", SimpleImputer(), NUMBERS), ("s", "passthrough", STRINGS)])
    model = make_pipeline(parts, RandomForestRegressor(2))
    numeric = FRAME.assign(zone=1.0, roof=2.0)
    (found,) = problems(fitted(model, numeric, VALUE), FRAME)
    assert found.reason == "strings arrive here (zone, roof)"


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (X[0], "sample of shape (5,); give rows as a 2-D array or a DataFrame"),
        (FRAME[["area"]], "columns year, slope, rooms, zone, roof are not in the sample"),
        (FRAME.assign(zone=["a", 1.0] * 150), "column 'zone' mixes strings and other values"),
        (FRAME.assign(roof=[pd.Timestamp("2020-01-01")] * 300), "column 'roof' mixes strings and other values"),
        (pd.concat([FRAME, FRAME[["area"]]], axis=1), "columns area are there more than once"),
    ],
)
def test_a_sample_that_does_not_fit_is_told(sample: Any, message: str) -> None:
    hot = OneHotEncoder(handle_unknown="ignore")
    parts = ColumnTransformer([("n", SimpleImputer(), NUMBERS), ("s", hot, STRINGS)])
    with pytest.raises(UsageError) as caught:
        lower(fitted(make_pipeline(parts, Ridge()), FRAME, VALUE), sample)
    assert message in str(caught.value)


def test_a_sample_of_another_width_is_told() -> None:
    for model in (
        make_pipeline(StandardScaler(), Ridge()),
        RandomForestClassifier(2),
        make_pipeline(SimpleImputer(), Ridge()),
    ):
        y = classes(Y, [0, 1]) if isinstance(model, RandomForestClassifier) else Y
        with pytest.raises(EdgepackError):
            lower(fitted(model, X, y), X[:, :3])


def test_a_union_in_a_search_keeps_its_path() -> None:
    union = FeatureUnion([("a", StandardScaler()), ("b", PCA(1))])
    (found,) = problems(fitted(Pipeline([("u", union), ("m", Ridge())]), X, Y), X)
    assert found.step == "u → b → PCA"


def test_a_problem_is_one_line() -> None:
    for found in problems(fitted(Pipeline([("pca", PCA(2)), ("m", SVRLike())]), X, Y), X):
        assert "\n" not in str(found)
    assert np.isfinite(Y).all()


def test_what_gives_no_columns_is_told() -> None:
    found = problems(fitted(impute.MissingIndicator(), X, None), X)
    assert [p.reason for p in found] == ["no columns arrive here"]


def test_rows_that_differ_in_length_are_told() -> None:
    with pytest.raises(UsageError, match=r"^sample of rows that differ in length; give rows as a 2-D array"):
        lower(fitted(Ridge(), X, Y), [[1.0], [1.0, 2.0]])


class Sparsely(preprocessing.MaxAbsScaler):
    """Gives a sparse matrix, and nobody lowers it."""

    def transform(self, x: Any) -> Any:
        return csr_matrix(super().transform(x))


def test_an_unknown_transformer_that_gives_a_sparse_matrix_is_told() -> None:
    with pytest.raises(UnsupportedError, match="no lowering, and skl2onnx says"):
        lower(Sparsely().fit(X), X)
