"""Runs beside scikit-learn 1.5.1: fits estimators, has coremltools convert them, and saves models, rows and answers.

Usage: python converted.py FOLDER
"""

from __future__ import annotations

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, StandardScaler
from sklearn.svm import SVR, LinearSVC, LinearSVR, NuSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)


def single(x: Any) -> Any:
    return x.astype(np.float32).astype(np.float64)


def cases() -> dict[str, tuple[Any, Any, Any]]:
    """Name → estimator, rows, targets."""
    wine, cancer, diabetes = (load(return_X_y=True) for load in (load_wine, load_breast_cancer, load_diabetes))
    named = {}
    for data, (x, y) in {"wine": wine, "cancer": cancer}.items():
        x, scaled, words = single(x), single(StandardScaler().fit_transform(x)), np.array([f"class {v}" for v in y])
        forest = RandomForestClassifier(25, random_state=0)
        boosting = GradientBoostingClassifier(n_estimators=20, random_state=0)
        filled = make_pipeline(SimpleImputer(), Normalizer("l2"), RandomForestClassifier(5, random_state=0))
        named |= {
            f"{data}: LogisticRegression": (LogisticRegression(multi_class="ovr", max_iter=5000), scaled, y),
            f"{data}: LogisticRegression, words": (LogisticRegression(multi_class="ovr", max_iter=5000), scaled, words),
            f"{data}: LinearSVC": (LinearSVC(), scaled, y),
            f"{data}: DecisionTreeClassifier": (DecisionTreeClassifier(max_depth=5, random_state=0), x, y),
            f"{data}: RandomForestClassifier": (forest, x, y),
            f"{data}: RandomForestClassifier, words": (forest, x, words),
            f"{data}: GradientBoostingClassifier": (boosting, x, y),
            f"{data}: StandardScaler, LogisticRegression": (
                make_pipeline(StandardScaler(), LogisticRegression(multi_class="ovr")),
                x,
                y,
            ),
            f"{data}: SimpleImputer, Normalizer, RandomForestClassifier": (filled, x, y),
        }
    x, y = single(diabetes[0] * 100), diabetes[1]
    regressors = {
        "LinearRegression": LinearRegression(),
        "LinearSVR": LinearSVR(max_iter=5000, random_state=0),
        "SVR, rbf": SVR(C=100),
        "SVR, poly": SVR(kernel="poly", degree=2),
        "SVR, sigmoid": SVR(kernel="sigmoid"),
        "NuSVR": NuSVR(C=100),
        "DecisionTreeRegressor": DecisionTreeRegressor(max_depth=6, random_state=0),
        "RandomForestRegressor": RandomForestRegressor(20, random_state=0),
        "GradientBoostingRegressor": GradientBoostingRegressor(n_estimators=30, random_state=0),
        "StandardScaler, SVR": make_pipeline(StandardScaler(), SVR(kernel="linear", C=10)),
        "StandardScaler without mean, LinearRegression": make_pipeline(
            StandardScaler(with_mean=False), LinearRegression()
        ),
    }
    x = single(x + 3.0)  # so that a scaler's mean matters
    return named | {f"diabetes: {name}": (estimator, x, y) for name, estimator in regressors.items()}


def main() -> None:
    """Everything into the folder, and its list as JSON."""
    import coremltools

    folder, listed = Path(sys.argv[1]), []
    for k, (name, (estimator, x, y)) in enumerate(cases().items()):
        estimator.fit(x, y)
        names = [f"f{j}" for j in range(x.shape[1])]
        spec = coremltools.converters.sklearn.convert(estimator, names, "out").get_spec()
        (folder / f"{k}.mlmodel").write_bytes(spec.SerializeToString())
        answers = {"x": x, "predicted": estimator.predict(x)}
        if hasattr(estimator, "predict_proba"):
            answers["probabilities"] = estimator.predict_proba(x)
        np.savez(folder / f"{k}.npz", **answers)
        classes = getattr(estimator, "classes_", None)
        listed.append({"name": name, "classes": None if classes is None else classes.tolist()})
    (folder / "cases.json").write_text(json.dumps(listed))
    print(f"{len(listed)} converted by coremltools {coremltools.__version__}")


if __name__ == "__main__":
    main()
