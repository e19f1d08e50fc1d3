"""coremltools' converter of XGBoost's own files: the evaluator answers as XGBoost does, whose sums are float32."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import numpy as np
import pytest
import xgboost
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from edgepack_coreml.evaluate import Evaluator

pytestmark = pytest.mark.oracle
DATA = {"wine": load_wine, "cancer": load_breast_cancer, "diabetes": load_diabetes}


@pytest.mark.parametrize("missing", [0.0, 0.1])
@pytest.mark.parametrize("name", DATA)
def test_the_evaluator_reads_what_coremltools_makes_of_xgboost(name: str, missing: float) -> None:
    logging.getLogger("coremltools").setLevel(logging.CRITICAL)
    x, y = DATA[name](return_X_y=True)
    x = x.astype(np.float32).astype(np.float64)
    x[np.random.default_rng(0).random(x.shape) < missing] = np.nan
    names = [f"f{j}" for j in range(x.shape[1])]
    classifies = name != "diabetes"
    kind = xgboost.XGBClassifier if classifies else xgboost.XGBRegressor
    model: Any = kind(n_estimators=30, max_depth=4, base_score=0.5).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import coremltools

        more = {"mode": "classifier"} if classifies else {}
        converted = coremltools.converters.xgboost.convert(
            model, feature_names=names, target="out", force_32bit_float=True, **more
        )
    evaluator = Evaluator(converted.get_spec())
    found: dict[str, Any] = evaluator.run({feature: x[:, j] for j, feature in enumerate(names)})
    predicted = found[evaluator.description.predictedFeatureName]
    if classifies:
        assert np.array_equal(predicted, model.predict(x))
        table = found[evaluator.description.predictedProbabilitiesName]
        error = np.abs(table.numbers - model.predict_proba(x)).max()
    else:
        error = np.max(np.abs(predicted - model.predict(x)) / np.abs(predicted))
    print(f"{name}, {missing:.0%} missing: {error:.1e} over {len(x)} rows")
    assert error < 1e-6
