"""Where scikit-learn's transformers change their mind by a hair, or answer by accident."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.preprocessing import PowerTransformer, QuantileTransformer, SplineTransformer

from edgepack.contract import EmitOptions
from edgepack.errors import UnsupportedError
from edgepack.lower import lower
from edgepack.lower.preprocess.quantile import BOUND, last_within
from edgepack.passes import optimize
from edgepack.targets import find_target

X = np.random.default_rng(0).integers(0, 2, (60, 2)).astype(np.float64)
ENDS = np.array([1.0, 23.0, 1e-7, 0.0, -3.0, 1e12, -1e-7, 0.99278259, 3e38, 1e-300])


def test_the_last_number_within_a_bound_is_the_last() -> None:
    found = last_within(ENDS)
    assert np.all(found + BOUND <= ENDS)
    assert np.all(np.nextafter(found, np.inf) + BOUND > ENDS)


@pytest.mark.parametrize("target", ["onnx", "coreml"])
def test_a_quantile_a_hair_below_the_last_is_the_last(target: str, tmp_path: Path) -> None:
    est = QuantileTransformer(n_quantiles=7, output_distribution="normal").fit(X)
    below = np.nextafter(np.float32(1), np.float32(0))
    rows = np.array([[below, 1e-9], [0.999, 0.001], [1.0, 0.0]]).astype(np.float32).astype(np.float64)
    program, kind = optimize(lower(est, rows)), find_target(target)
    runner: Any = kind.open(kind.emit(program, tmp_path, EmitOptions(name="case")).path, program.interface)
    np.testing.assert_allclose(runner.run({"X": rows})["value"], est.transform(rows), rtol=1e-5, atol=1e-5)


def test_a_spline_goes_on_from_between_equal_knots() -> None:
    est = SplineTransformer(extrapolation="continue", knots="quantile").fit(X)
    rows = np.array([[-3.0, -1e-6], [0.0, 0.5], [1.0, 1.0], [1.5, 4.0]])
    program = lower(est, rows)
    np.testing.assert_allclose(program.run({"X": rows})["value"], est.transform(rows), rtol=1e-12, atol=1e-12)


def test_a_spline_that_fills_from_the_batch_is_refused() -> None:
    """scikit-learn zeroes what was missing in the first column alone."""
    options: dict[str, Any] = {"extrapolation": "periodic", "handle_missing": "zeros"}
    with pytest.raises(UnsupportedError, match="set sparse_output=False"):
        lower(SplineTransformer(sparse_output=True, **options).fit(X), X)
    assert lower(SplineTransformer(sparse_output=True, **options).fit(X[:, :1]), X[:, :1])
    assert lower(SplineTransformer(**options).fit(X), X)


def test_core_ml_takes_no_logarithm_of_float64_numbers() -> None:
    """It starts in float32, for which 5e-324 is 0."""
    est = PowerTransformer(method="box-cox").fit(X + np.random.default_rng(1).uniform(1, 2, X.shape))
    target = find_target("coreml")
    assert [p for p in target.check(optimize(lower(est, X + 1, input_dtype="float64"))) if "float64" in p.reason]
    assert target.check(optimize(lower(est, X + 1))) == []
