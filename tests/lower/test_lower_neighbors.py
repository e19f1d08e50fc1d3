"""What searches for neighbours refuse, and the rows where a distance is 0 or nobody is near."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import neighbors
from sklearn.impute import KNNImputer

from edgepack.contract import EmitOptions
from edgepack.errors import UnsupportedError
from edgepack.lower import lower
from edgepack.targets import find_target

X = np.random.default_rng(0).integers(0, 4, (40, 2)).astype(np.float64)
Y = np.arange(40) % 3


def answers(est: Any, rows: np.ndarray, output: Any = None) -> Any:
    """What the lowered Program says."""
    program = lower(est, rows, output=output)
    return program.run({program.interface.inputs[0].name: rows})


@pytest.mark.parametrize("metric", ["braycurtis", "canberra", "hamming"])
@pytest.mark.parametrize("algorithm", ["auto", "brute"])
@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_shares(metric: str, algorithm: Any, weights: Any) -> None:
    est = neighbors.KNeighborsRegressor(40, metric=metric, algorithm=algorithm, weights=weights).fit(
        X - 1, np.arange(40)
    )
    rows = np.concatenate([X[:9] - 1, [[0.5, -0.25], [0.0, 0.0], [-3.0, 2.0**-100]]])
    np.testing.assert_allclose(answers(est, rows)["value"], est.predict(rows), rtol=1e-12)


@pytest.mark.parametrize("k", [1, 3, 40])
def test_what_lies_here_has_all_the_weight(k: int) -> None:
    x = np.concatenate([X, [[9.0, 9.0], [9.0, 9.0], [9.5, 9.0]]])
    est = neighbors.KNeighborsRegressor(k, weights="distance").fit(x, np.arange(43.0))
    rows = np.array([[9.0, 9.0], [9.25, 9.0], [9.5, 9.0]])
    expected = est.predict(rows)
    here = slice(None) if k > 1 else slice(2, None)  # one of two that lie here is a tie
    np.testing.assert_allclose(answers(est, rows)["value"][here], expected[here], rtol=1e-12)


def test_among_many_equal_rows_the_density_is_not_infinite() -> None:
    x = np.concatenate([np.zeros((9, 2)), X])
    est = neighbors.LocalOutlierFactor(4, novelty=True).fit(x)
    rows = np.array([[0.0, 0.0], [1e-9, 0.0], [5.0, 5.0]])
    expected = est.score_samples(rows)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(answers(est, rows, "score_samples")["value"][:2], expected[:2], rtol=1e-6)


def test_a_radius_includes_its_edge() -> None:
    est = neighbors.RadiusNeighborsRegressor(2.0).fit(X, np.arange(40.0))
    rows = np.array([[0.0, 0.0], [3.0, 5.0], [9.0, 9.0]])
    np.testing.assert_allclose(answers(est, rows)["value"], est.predict(rows))
    assert np.isnan(est.predict(rows)[2])


@pytest.mark.parametrize(
    ("est", "message"),
    [
        (neighbors.KNeighborsClassifier(metric="haversine"), "metric 'haversine'; use one of euclidean"),
        (neighbors.KNeighborsClassifier(metric=lambda a, b: abs(a - b).sum()), "is a Python function"),
        (neighbors.KNeighborsClassifier(weights=lambda d: d + 1), "weights is a Python function"),
        (neighbors.RadiusNeighborsClassifier(outlier_label=7), "outlier_label=7 is none of the classes"),
        (neighbors.LocalOutlierFactor(), "novelty=False judges no new rows; fit with novelty=True"),
        (neighbors.KernelDensity(rtol=0.1), "let the server stop early; set both to 0"),
    ],
)
def test_what_is_refused(est: Any, message: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        lower(est.fit(X, Y), X)
    assert message.split(";")[0] in str(error.value)
    assert error.value.problems[0].remedy


def test_an_imputer_with_a_metric_of_its_own_is_refused() -> None:
    est = KNNImputer(metric=lambda a, b, missing_values: 1.0).fit(X)
    with pytest.raises(UnsupportedError, match="metric is a Python function"):
        lower(est, X)


@pytest.mark.parametrize("keep", [False, True])
def test_a_column_that_was_empty(keep: bool) -> None:
    x = np.array([[1.0, np.nan, 3.0], [2.0, np.nan, np.nan], [4.0, np.nan, 8.0]])
    est = KNNImputer(n_neighbors=1, keep_empty_features=keep).fit(x)
    rows = np.array([[1.2, np.nan, np.nan], [np.nan, np.nan, 7.0], [np.nan, np.nan, np.nan]])
    np.testing.assert_allclose(answers(est, rows, "transform")["value"], est.transform(rows))


@pytest.mark.parametrize("target", ["the Program", "onnx", "coreml"])
def test_a_row_without_length_has_no_direction(target: str, tmp_path: Path) -> None:
    """scikit-learn divides a row by its length, unless that is below ten times the machine epsilon."""
    est = neighbors.RadiusNeighborsRegressor(0.1, metric="cosine").fit(X + 1, np.arange(40.0))
    rows = np.array([[1e-20, 1e-20], [1e-14, 1e-14], [1e-45, 1e-45], [0.0, 0.0]])
    program = lower(est, rows)
    runner: Any = program
    if target != "the Program":
        kind = find_target(target)
        runner = kind.open(kind.emit(program, tmp_path, EmitOptions(name="case")).path, program.interface)
    assert np.isnan(est.predict(rows)).tolist() == [True, False, True, True]
    found = runner.run({"X": rows.astype(np.float32).astype(np.float64)})["value"]
    np.testing.assert_allclose(found, est.predict(rows), rtol=1e-5)


def test_a_weighted_distance_to_a_fitted_row_is_0_in_float32_too(tmp_path: Path) -> None:
    x = np.random.default_rng(1).uniform(size=(40, 3)).astype(np.float32).astype(np.float64)
    est = neighbors.KNeighborsRegressor(3, p=3, metric_params={"w": np.array([0.3, 2.0, 1.7])}, weights="distance")
    est.fit(x, np.arange(40.0))
    kind = find_target("coreml")
    program = lower(est, x)
    runner = kind.open(kind.emit(program, tmp_path, EmitOptions(name="case")).path, program.interface)
    assert runner.run({"X": x})["value"].tolist() == np.arange(40.0).tolist()
