"""onnxmltools makes ONNX of the classic files that edgepack writes, and ONNX Runtime answers from that.

Neither knows edgepack: where ONNX Runtime and the evaluator agree, both read the files in the same way.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import ensemble, impute, linear_model, preprocessing, svm, tree
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.pipeline import make_pipeline

import benchmarks
from benchmarks.isolated import NotThere, run
from edgepack import compile as compile_estimator
from edgepack.contract import EmitOptions
from edgepack.rows import columns_of
from edgepack_coreml import target

pytestmark = pytest.mark.oracle
REQUIREMENTS = Path(benchmarks.__file__).with_name("onnxmltools.txt")
TOLERANCE = 3e-6
"""ONNX Runtime computes all of this in float32."""
ROWS = 60
RESTING = "onnxmltools gives K classes K rows of weights, and does not know a reference class of none"
ALONE = "ONNX Runtime takes the score of class 0 for class 1's where the leaves name no other"
WRONG = {
    "cancer: DecisionTreeClassifier": ALONE,
    "cancer: RandomForestClassifier": ALONE,
    "cancer: RandomForestClassifier, words": ALONE,
    "cancer: ExtraTreesClassifier": ALONE,
    "wine: LogisticRegression": RESTING,
    "wine: LinearSVC": RESTING,
    "wine: Perceptron": RESTING,
}
"""What onnxmltools and ONNX Runtime themselves get wrong or refuse, by the name of the case."""


def cases() -> dict[str, tuple[Any, Any, Any]]:
    """Name → estimator, rows, targets: every classic stage that onnxmltools has a converter for."""
    wine, cancer, diabetes = (load(return_X_y=True) for load in (load_wine, load_breast_cancer, load_diabetes))
    scaled = {
        "LogisticRegression": linear_model.LogisticRegression(),
        "LinearSVC": svm.LinearSVC(),
        "Perceptron": linear_model.Perceptron(),
    }
    named: dict[str, tuple[Any, Any, Any]] = {}
    for data, (x, y) in {"wine": wine, "cancer": cancer}.items():
        for kind in (
            tree.DecisionTreeClassifier(max_depth=5, random_state=0),
            ensemble.RandomForestClassifier(25, random_state=0),
            ensemble.ExtraTreesClassifier(25, random_state=0),
            ensemble.GradientBoostingClassifier(n_estimators=20, random_state=0),
            ensemble.HistGradientBoostingClassifier(max_iter=20),
        ):
            named[f"{data}: {type(kind).__name__}"] = kind, x, y
        words = np.array([f"class {v}" for v in y])
        named[f"{data}: RandomForestClassifier, words"] = ensemble.RandomForestClassifier(9, random_state=0), x, words
        named |= {
            f"{data}: {name}": (make_pipeline(preprocessing.StandardScaler(), kind), x, y)
            for name, kind in scaled.items()
        }
    named["cancer: SVC"] = make_pipeline(preprocessing.StandardScaler(), svm.SVC()), *cancer
    x, y = diabetes[0] * 100, diabetes[1]
    fill, scale = impute.SimpleImputer(), preprocessing.StandardScaler()
    regressors = {
        "LinearRegression": linear_model.LinearRegression(),
        "StandardScaler, Ridge": make_pipeline(scale, linear_model.Ridge()),
        "StandardScaler": scale,
        "SimpleImputer, StandardScaler, Ridge": make_pipeline(fill, scale, linear_model.Ridge()),
        "SVR": make_pipeline(scale, svm.SVR(C=100)),
        "DecisionTreeRegressor": tree.DecisionTreeRegressor(max_depth=6, random_state=0),
        "RandomForestRegressor": ensemble.RandomForestRegressor(20, random_state=0),
        "ExtraTreesRegressor": ensemble.ExtraTreesRegressor(20, random_state=0),
        "GradientBoostingRegressor": ensemble.GradientBoostingRegressor(n_estimators=30, random_state=0),
        "HistGradientBoostingRegressor": ensemble.HistGradientBoostingRegressor(max_iter=20),
    }
    return named | {f"diabetes: {name}": (kind, x, y) for name, kind in regressors.items()}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder with every case's file, and ONNX Runtime's answers; and the evaluator's answers by name."""
    folder = tmp_path_factory.mktemp("written")
    ours = {}
    for k, (name, (estimator, x, y)) in enumerate(cases().items()):
        x = x.astype(np.float32).astype(np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = compile_estimator(estimator.fit(x, y), x[:5])
        artifact = target.emit(program, folder, EmitOptions(name=f"m{k}"))
        columns = columns_of(holed(x[:: len(x) // ROWS], name), program.interface)
        ours[name] = target.open(artifact.path, program.interface).run(columns)
        artifact.path.rename(folder / f"{k}.mlmodel")
        np.savez(folder / f"{k}.npz", **columns)  # type: ignore[arg-type]
    try:
        run(REQUIREMENTS, Path(__file__).with_name("as_onnx.py"), str(folder))
    except NotThere as reason:
        pytest.skip(f"NO ORACLE: {reason}")
    return folder, ours


def test_onnx_runtime_reads_the_files_as_the_evaluator_does(written: tuple[Path, dict[str, Any]]) -> None:
    folder, ours = written
    errors = {name: error_of(folder, k, answers) for k, (name, answers) in enumerate(ours.items())}
    for name, error in errors.items():
        print(f"{name}: {error:.1e}" + (f"  ({WRONG[name]})" if name in WRONG else ""))
    agree = [name for name, error in errors.items() if error <= TOLERANCE]
    print(f"{len(agree)} of {len(errors)} files: ONNX Runtime answers as the evaluator does, within {TOLERANCE}")
    assert set(errors) - set(agree) == set(WRONG)


def holed(x: Any, name: str) -> Any:
    """The rows, a tenth of their numbers missing where an imputer comes first."""
    missing = np.random.default_rng(0).random(x.shape) < 0.1
    return np.where(missing & ("Imputer" in name), np.nan, x)


def error_of(folder: Path, k: int, ours: Any) -> float:
    """The largest difference of the answers; infinite where a label differs, or onnxmltools' model does not run."""
    if (folder / f"{k}.refused").exists():
        return np.inf
    theirs = np.load(folder / f"{k}.answers.npz")
    if "label" not in ours:
        (value,) = (theirs[name] for name in theirs.files)
        wanted = ours["value"].reshape(len(value), -1)
        return float(np.abs(value.reshape(wanted.shape) - wanted).max() / np.abs(wanted).max())
    if np.any(theirs["classLabel"].ravel() != ours["label"].ravel()):
        return np.inf
    return float(np.abs(theirs["classProbability"] - ours["probabilities"]).max()) if "probabilities" in ours else 0.0
