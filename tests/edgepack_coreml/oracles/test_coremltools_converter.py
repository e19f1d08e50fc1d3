"""coremltools 9 beside scikit-learn 1.5.1 converts its estimators, and the evaluator answers from its files.

Neither wrote the other: where both agree with scikit-learn, the evaluator reads the format as Apple's tools write it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import benchmarks
from benchmarks.isolated import NotThere, run
from edgepack_coreml.evaluate import load

pytestmark = pytest.mark.oracle
REQUIREMENTS = Path(benchmarks.__file__).with_name("coremltools9.txt")
TOLERANCE = 1e-12
CASES = 29
WRONG = {
    "wine: RandomForestClassifier": "probabilities of three classes are sums over the trees, 25 times too large",
    "wine: RandomForestClassifier, words": "probabilities of three classes are sums over the trees, 25 times too large",
    "wine: SimpleImputer, Normalizer, RandomForestClassifier": "the same, of 5 trees",
    "diabetes: StandardScaler without mean, LinearRegression": "shifts by the mean, which scikit-learn does not",
}
"""What coremltools itself gets wrong, by the name of the case."""


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    try:
        print(run(REQUIREMENTS, Path(__file__).with_name("converted.py"), str(folder)), end="")
    except NotThere as reason:
        pytest.skip(f"NO ORACLE: {reason}")
    return folder


def test_the_evaluator_reads_what_coremltools_writes(converted: Path) -> None:
    listed = json.loads((converted / "cases.json").read_text())
    errors = {case["name"]: error_of(converted, k, case["classes"]) for k, case in enumerate(listed)}
    agree = [name for name, error in errors.items() if error <= TOLERANCE]
    for name, error in errors.items():
        print(f"{name}: {error:.1e}" + (f"  (coremltools: {WRONG[name]})" if name in WRONG else ""))
    print(f"{len(agree)} of {len(errors)} agree with scikit-learn 1.5.1 within {TOLERANCE}")
    assert len(errors) == CASES
    assert set(errors) - set(agree) == set(WRONG)
    assert errors["wine: RandomForestClassifier"] == 24.0  # 25 trees that are sure


def error_of(folder: Path, k: int, classes: Any) -> float:
    """The largest difference from scikit-learn's own answers; infinite where a label differs."""
    evaluator, answers = load(folder / f"{k}.mlmodel"), np.load(folder / f"{k}.npz")
    x, description = answers["x"], evaluator.description
    given = {
        name: x[:, int(name[1:])] if shape.kind == "double" else x.astype(shape.dtype)
        for name, shape in evaluator.inputs.items()
    }
    found: dict[str, Any] = evaluator.run(given)
    predicted = found[description.predictedFeatureName]
    if classes is None:
        return float(np.abs(predicted - answers["predicted"]).max() / np.abs(answers["predicted"]).max())
    if np.any(predicted != answers["predicted"]):
        return np.inf
    if "probabilities" not in answers:
        return 0.0
    table = found[description.predictedProbabilitiesName]
    order = [table.labels.index(label) for label in classes]
    return float(np.abs(table.numbers[:, order] - answers["probabilities"]).max())
