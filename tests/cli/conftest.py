"""A registered model of its own for the command line's tests: small, with strings, numbers and missing values."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

TRAIN = """
import warnings; warnings.filterwarnings("ignore")
import mlflow, numpy as np, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

r = np.random.default_rng(0)
frame = pd.DataFrame({"age": r.normal(40, 10, 200), "fare": r.lognormal(2, 1, 200)})
frame["city"] = pd.Series(r.choice(["oslo", "rome", "café"], 200), dtype=object)
target = np.where(frame["age"] + 5 * (frame["city"] == "rome") > 42, "yes", "no")
frame.loc[::9, "age"] = np.nan
frame.loc[::7, "city"] = np.nan
trusted = ["sklearn.tree._tree.Tree", "numpy.dtype", "sklearn.metrics._dist_metrics.EuclideanDistance64"]

def log(name, encoder, model):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    strings = make_pipeline(SimpleImputer(strategy="constant", fill_value="none"), encoder)
    columns = ColumnTransformer([("num", numbers, ["age", "fare"]), ("cat", strings, ["city"])])
    pipeline = make_pipeline(columns, model).fit(frame, target)
    with mlflow.start_run():
        signature = mlflow.models.infer_signature(frame, pipeline.predict(frame))
        mlflow.sklearn.log_model(
            pipeline, name=name, signature=signature, input_example=frame.head(12), registered_model_name=name,
            skops_trusted_types=trusted, pip_requirements=["scikit-learn"],
        )

log("trips", OneHotEncoder(handle_unknown="ignore"), RandomForestClassifier(8, max_depth=5, random_state=0))
log("net", OneHotEncoder(handle_unknown="ignore"), MLPClassifier((24, 12), solver="lbfgs", max_iter=30))
log("odd", OneHotEncoder(handle_unknown="ignore"), DummyClassifier(strategy="stratified"))
mlflow.MlflowClient().set_registered_model_alias("trips", "champion", 1)
frame.head(20).to_csv("rows.csv", index=False)
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with MLflow's default store: `models:/trips@champion`, and `models:/odd/1` that cannot be compiled."""
    folder = tmp_path_factory.mktemp("registry")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")}
    done = subprocess.run([sys.executable, "-c", TRAIN], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.fixture(scope="session")
def edgepack(registry: Path) -> Callable[..., Outcome]:
    """Runs the command line in the registry's folder, as a user would."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW")} | {"COLUMNS": "120"}

    def run(*words: object, cwd: Path | None = None) -> Outcome:
        command = [sys.executable, "-c", "from edgepack.cli import main; main()", *map(str, words)]
        done = subprocess.run(
            command, cwd=cwd or registry, env=environment, capture_output=True, text=True, timeout=240
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def bundle(edgepack: Callable[..., Outcome], registry: Path) -> Path:
    """A signed bundle of `models:/trips@champion` for both targets; its key is `key.pub`."""
    assert edgepack("keygen", "--out", "key.pem").code == 0
    targets = ("--target", "onnx", "--target", "coreml")
    done = edgepack("export", "models:/trips@champion", *targets, "--sign-key", "key.pem", "--rows", 2000)
    assert done.code == 0, done.err
    return registry / "dist" / "trips-1"
