"""Fits models with the scikit-learn that runs this, and saves them as MLflow does: `fit.py FOLDER`.

Beside each model's files lie `answers.json`: what it answers to its own example.
"""

from __future__ import annotations

import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.normal(size=(200, 4))
TWO = (ROWS[:, 0] + ROWS[:, 1] ** 2 > 0.5).astype(int)
THREE = np.array(["no", "yes", "maybe"])[np.digitize(ROWS[:, 0], [-0.5, 0.5])]
VALUE = ROWS[:, 0] * 2 + np.sin(ROWS[:, 1])
CITY = RANDOM.choice(["a", "b", "c"], 200).astype(object)
TABLE = pd.DataFrame({"age": np.round(40 + 10 * ROWS[:, 0], 1), "rooms": np.round(ROWS[:, 1] ** 2), "city": CITY})
GAPS = TABLE.assign(age=TABLE["age"].where(ROWS[:, 2] < 1))
TEXTS = [" ".join(RANDOM.choice(["cat", "dog", "sun", "moon"], 5)) for _ in range(200)]


def columns() -> ColumnTransformer:
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return ColumnTransformer(
        [("n", numbers, ["age", "rooms"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["city"])]
    )


def models() -> dict[str, tuple[Any, Any, Any]]:
    some = {"n_estimators": 5, "random_state": 0}
    ordinal = ColumnTransformer([("c", OrdinalEncoder(), ["city"])], remainder="passthrough")
    return {
        "forest": (RandomForestClassifier(**some), ROWS, THREE),
        "forest of values": (RandomForestRegressor(**some), ROWS, VALUE),
        "extra trees": (ExtraTreesClassifier(**some), ROWS, TWO),
        "bagging": (BaggingClassifier(**some), ROWS, THREE),
        "isolation": (IsolationForest(**some), ROWS, None),
        "boosted": (GradientBoostingClassifier(**some), ROWS, THREE),
        "boosted values": (GradientBoostingRegressor(**some), ROWS, VALUE),
        "histogram": (HistGradientBoostingClassifier(max_iter=5), ROWS, TWO),
        "histogram of values": (HistGradientBoostingRegressor(max_iter=5), ROWS, VALUE),
        "logistic": (LogisticRegression(), ROWS, THREE),
        "svc": (SVC(), ROWS, TWO),
        "calibrated": (CalibratedClassifierCV(LinearSVC()), ROWS, TWO),
        "neighbours": (KNeighborsRegressor(3), ROWS, VALUE),
        "mlp": (MLPClassifier((8,), max_iter=50, random_state=0), ROWS, THREE),
        "bayes": (GaussianNB(), ROWS, TWO),
        "table": (make_pipeline(columns(), LogisticRegression()), GAPS, TWO),
        "forest of a table": (make_pipeline(columns(), RandomForestClassifier(**some)), GAPS, TWO),
        "the rest": (make_pipeline(ordinal, RandomForestRegressor(**some)), TABLE, VALUE),
        "quantiles": (make_pipeline(QuantileTransformer(n_quantiles=20), LogisticRegression()), ROWS, TWO),
        "power": (make_pipeline(PowerTransformer(), KBinsDiscretizer(4), LogisticRegression()), ROWS, TWO),
        "spline": (make_pipeline(KNNImputer(), SplineTransformer(), Ridge()), ROWS, VALUE),
        "text": (make_pipeline(TfidfVectorizer(), LogisticRegression()), TEXTS, TWO),
    }


def save(folder: Path, model: Any, rows: Any) -> None:
    folder.mkdir(parents=True)
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    example = rows[:10]
    signature = {}
    if isinstance(example, pd.DataFrame):
        kind, said = "dataframe", json.loads(example.to_json(orient="split", index=False))
    elif isinstance(example, list):
        kind, said = "json_object", example
    else:
        kind, said = "ndarray", example.tolist()
        spec = {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}
        signature = {"signature": {"inputs": json.dumps([spec])}}
    (folder / "input_example.json").write_text(json.dumps(said))
    flavor = {"pickled_model": "model.pkl", "serialization_format": "pickle", "sklearn_version": sklearn.__version__}
    description = {
        "flavors": {"sklearn": flavor, "python_function": {"python_version": sys.version.split()[0]}},
        "saved_input_example_info": {"artifact_path": "input_example.json", "type": kind},
        **signature,
    }
    (folder / "MLmodel").write_text(json.dumps(description))
    versions = {"numpy": np, "pandas": pd, "scikit-learn": sklearn, "scipy": scipy}
    lines = ["mlflow==2.9.2", *(f"{name}=={module.__version__}" for name, module in versions.items())]
    (folder / "requirements.txt").write_text("\n".join(lines))
    method = "predict_proba" if hasattr(model, "predict_proba") else "predict"
    if not isinstance(example, list):
        example = example.astype({"age": np.float32}) if "age" in example else np.float32(example)
    (folder / "answers.json").write_text(json.dumps(getattr(model, method)(example).tolist()))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for name, (model, rows, target) in models().items():
        save(Path(sys.argv[1]) / name, model.fit(rows, target), rows)
