"""Models of LightGBM, XGBoost and CatBoost, as MLflow saves them, through the whole compiler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from edgepack.compiler import compile_model
from edgepack.errors import SourceError
from edgepack.source import load, resolve

mlflow = pytest.importorskip("mlflow")

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame(RNG.normal(size=(120, 3)), columns=["a", "b", "c"])
VALUE = ROWS.a - ROWS.b**2
LABEL = (VALUE > 0).astype(int)


def lightgbm_estimator() -> Any:
    from lightgbm import LGBMClassifier

    return LGBMClassifier(n_estimators=8, verbose=-1).fit(ROWS, LABEL)


def lightgbm_booster() -> Any:
    return lightgbm_estimator().booster_


def xgboost_estimator() -> Any:
    from xgboost import XGBClassifier

    return XGBClassifier(n_estimators=8).fit(ROWS, LABEL)


def xgboost_booster() -> Any:
    return xgboost_estimator().get_booster()


def catboost_classifier() -> Any:
    from catboost import CatBoostClassifier

    return CatBoostClassifier(iterations=8, verbose=False, allow_writing_files=False).fit(ROWS, LABEL)


def catboost_regressor() -> Any:
    from catboost import CatBoostRegressor

    return CatBoostRegressor(iterations=8, verbose=False, allow_writing_files=False).fit(ROWS, VALUE)


def saved(flavor: str, model: Any, folder: Path) -> str:
    path = str(folder / "model")
    getattr(mlflow, flavor).save_model(model, path, input_example=ROWS.head(5), pip_requirements=[])
    return path


@pytest.mark.parametrize(
    ("flavor", "make", "output"),
    [
        ("lightgbm", lightgbm_booster, "value"),
        ("lightgbm", lightgbm_estimator, "probabilities"),
        ("xgboost", xgboost_estimator, "probabilities"),
        ("xgboost", xgboost_booster, "value"),
        ("catboost", catboost_classifier, "probabilities"),
        ("catboost", catboost_regressor, "value"),
    ],
)
def test_a_model_in_its_librarys_own_file_compiles(flavor: str, make: Any, output: str, tmp_path: Path) -> None:
    compiled = compile_model(saved(flavor, make(), tmp_path), tmp_path)
    columns = {name: ROWS[[name]].to_numpy().astype(np.float32).astype(np.float64) for name in ROWS}
    expected = compiled.reference.predict(columns)[output]
    np.testing.assert_allclose(compiled.program.run(columns)[output], expected, rtol=1e-6, atol=1e-6)
    assert len(np.unique(expected)) > 10


def test_a_pickled_lightgbm_estimator_is_read_only_on_request(tmp_path: Path) -> None:
    path = str(tmp_path / "model")
    mlflow.lightgbm.save_model(lightgbm_estimator(), path, pip_requirements=[], serialization_format="cloudpickle")
    source = resolve(path, tmp_path)
    with pytest.raises(SourceError, match=r"model\.pkl is a pickle.*--allow-pickle"):
        load(source)
    assert type(load(source, allow_pickle=True).estimator).__name__ == "LGBMClassifier"


def test_a_model_file_asks_for_no_class_but_the_librarys_estimators(tmp_path: Path) -> None:
    path = Path(saved("xgboost", xgboost_estimator(), tmp_path))
    description = yaml.safe_load((path / "MLmodel").read_text())
    description["flavors"]["xgboost"]["model_class"] = "xgboost.sklearn.os.system"
    (path / "MLmodel").write_text(yaml.safe_dump(description))
    with pytest.raises(SourceError, match=r"xgboost\.sklearn\.os\.system: no estimator of xgboost that edgepack knows"):
        load(resolve(str(path), tmp_path))


@pytest.mark.parametrize("flavor", ["lightgbm", "xgboost", "catboost"])
def test_a_damaged_file_is_told_in_one_line(flavor: str, tmp_path: Path) -> None:
    make = {"lightgbm": lightgbm_booster, "xgboost": xgboost_booster, "catboost": catboost_classifier}[flavor]
    path = Path(saved(flavor, make(), tmp_path))
    name = yaml.safe_load((path / "MLmodel").read_text())["flavors"][flavor]["data"]
    (path / name).write_bytes((path / name).read_bytes()[:40])
    with pytest.raises(SourceError) as caught:
        load(resolve(str(path), tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [lightgbm_estimator, xgboost_estimator, catboost_classifier])
def test_a_scikit_learn_pipeline_may_end_in_them(make: Any, tmp_path: Path) -> None:
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), make()).fit(ROWS, LABEL)
    types = ["collections.OrderedDict", "lightgbm.basic.Booster", "lightgbm.sklearn.LGBMClassifier"]
    types += ["xgboost.core.Booster", "xgboost.sklearn.XGBClassifier", "catboost.core.CatBoostClassifier"]
    path = str(tmp_path / "model")
    mlflow.sklearn.save_model(
        model,
        path,
        input_example=ROWS.head(5),
        pip_requirements=[],
        serialization_format="skops",
        skops_trusted_types=types,
    )
    assert compile_model(path, tmp_path).program.interface.classes == (0, 1)
