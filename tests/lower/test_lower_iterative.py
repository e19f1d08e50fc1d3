"""Imputation round by round: empty columns, rows without values, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer

from edgepack.errors import UnsupportedError
from edgepack.lower import lower

R = np.random.default_rng(0)
X = R.normal(size=(60, 4)) @ R.normal(size=(4, 4))
X[R.random(X.shape) < 0.2] = np.nan


def same(est: Any, rows: np.ndarray) -> None:
    program = lower(est, rows, input_dtype="float64")
    answers = program.run({program.interface.inputs[0].name: rows})["value"]
    np.testing.assert_allclose(answers, est.transform(rows), atol=1e-12)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("indicator", [False, True])
def test_a_column_that_was_empty(keep: bool, indicator: bool) -> None:
    x = X.copy()
    x[:, 2] = np.nan
    est = IterativeImputer(keep_empty_features=keep, add_indicator=indicator, max_iter=3, random_state=0).fit(x)
    same(est, x)
    same(est, X)  # where it holds values after all


def test_a_row_without_values_beside_others() -> None:
    rows = X.copy()
    rows[3] = np.nan
    same(IterativeImputer(random_state=0).fit(X), rows)


def test_another_sign_of_missing() -> None:
    rows = np.nan_to_num(X, nan=-1.0)
    same(IterativeImputer(missing_values=-1.0, random_state=0).fit(rows), rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_posterior": True}, "draws at random; fit with sample_posterior=False"),
        ({"estimator": RandomForestRegressor(3)}, "estimator RandomForestRegressor; use a linear one"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedError) as error:
        lower(IterativeImputer(max_iter=1, **options).fit(X), X)
    assert message.split(";")[0] in str(error.value)
