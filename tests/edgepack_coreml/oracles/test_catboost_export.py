"""CatBoost writes Core ML files itself: the evaluator answers from them as CatBoost does.

All of its files are regressors of raw scores. What cannot work on a device is refused by name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import catboost
import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from edgepack_coreml.evaluate import load
from edgepack_coreml.evaluate.values import Unknown

pytestmark = pytest.mark.oracle
TOLERANCE = 1e-12
DATA = {"wine": load_wine, "cancer": load_breast_cancer, "diabetes": load_diabetes}
REFUSED = {
    ("wine", "raw"): "3 dimensions; knows one",  # several numbers from a regressor: coremltools#2586
    ("wine", "probability"): "transform 1; knows 0 and 2",  # and their softmax
    ("cancer", "probability"): "transform 1; knows 0 and 2",  # the softmax of one number, which is always 1
}
"""What CatBoost writes that Core ML cannot mean."""


@pytest.mark.parametrize("depth", [2, 6])
@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in ("wine", "cancer") for kind in ("raw", "probability")] + [("diabetes", "")],
)
def test_the_evaluator_reads_what_catboost_writes(tmp_path: Path, name: str, kind: str, depth: int) -> None:
    x, y = DATA[name](return_X_y=True)
    x = x.astype(np.float32).astype(np.float64)
    settings: Any = {"iterations": 40, "depth": depth, "verbose": 0, "allow_writing_files": False, "thread_count": 1}
    model: Any = (catboost.CatBoostClassifier if kind else catboost.CatBoostRegressor)(**settings).fit(x, y)
    path = tmp_path / "m.mlmodel"
    model.save_model(path, format="coreml", export_parameters={"prediction_type": kind} if kind else None)
    if (name, kind) in REFUSED:
        with pytest.raises(Unknown, match=REFUSED[name, kind]):
            load(path)
        print(f"{name}, {kind}: refused: {REFUSED[name, kind]}")
        return
    evaluator = load(path)
    (found,) = evaluator.run({feature: x[:, j] for j, feature in enumerate(evaluator.inputs)}).values()
    wanted = model.predict(x, prediction_type="RawFormulaVal")
    error = np.abs(np.asarray(found)[:, 0] - wanted).max() / np.abs(wanted).max()
    print(f"{name} {kind}, depth {depth}: {error:.1e} over {len(x)} rows")
    assert error <= TOLERANCE
