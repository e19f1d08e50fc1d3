"""Between which numbers a file that computes in float32 says that it holds."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.kernel_approximation import RBFSampler
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from edgepack.contract import EmitOptions, Input
from edgepack.errors import UnsupportedError
from edgepack.ir.ops import Elementwise, Linear
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack_coreml import target

R = np.random.default_rng(0)
TIMES = (R.normal(1.7e9, 1e4, (200, 1)), R.uniform(size=(200, 1)))
SAMPLE = np.concatenate(TIMES, axis=1).astype(np.float32).astype(np.float64)


def emitted(estimator: Any, folder: Path) -> tuple[Any, Any, Any]:
    """The Program, the artifact and its runner."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = optimize(lower(estimator.fit(SAMPLE), SAMPLE, fallback=False))
    artifact = target.emit(program, folder, EmitOptions(name="m"))
    return program, artifact, target.open(artifact.path, program.interface)


def test_cosines_of_large_numbers_have_no_digits_left_and_the_file_says_from_where(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), RBFSampler(gamma=0.2, n_components=7, random_state=0))
    program, artifact, runner = emitted(model, tmp_path)
    low, high = runner.ranges["X"]
    assert np.all(low < SAMPLE.min(axis=0)) and np.all(high > SAMPLE.max(axis=0))
    assert "for X[0] 1.7" in artifact.notes[-1] and "float32 has too few digits" in artifact.notes[-1]
    inside = {"X": (low + (high - low) * R.uniform(size=(500, 2))).astype(np.float32).astype(np.float64)}
    outside = {"X": (low + (high - low) * 1000 * R.uniform(size=(500, 2))).astype(np.float32).astype(np.float64)}
    errors = [np.abs(runner.run(rows)["value"] - program.run(rows)["value"]).max() for rows in (inside, outside)]
    assert errors[0] < 1e-5 < 1e-4 < errors[1]


def test_the_ranges_lie_about_each_columns_own_middle(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), RBFSampler(gamma=0.2, n_components=7, random_state=0))
    _, _, runner = emitted(model, tmp_path)
    low, high = runner.ranges["X"]
    widths = (high - low) / (SAMPLE.max(axis=0) - SAMPLE.min(axis=0))
    assert widths[0] == pytest.approx(widths[1], rel=0.01)
    assert 3 <= widths[0] <= 1000


def test_what_holds_everywhere_says_nothing(tmp_path: Path) -> None:
    _, artifact, runner = emitted(make_pipeline(FunctionTransformer(np.tanh), RBFSampler(gamma=1e-9)), tmp_path)
    assert runner.ranges == {}
    assert not any("too few digits" in note for note in artifact.notes)


def test_answers_that_float32_loses_on_the_sample_itself_are_refused(program: Any, tmp_path: Path) -> None:
    """`cos(1e7 x)`: between 0 and 1 already."""
    chain = [
        ("v0", Linear(coef=np.array([[1e7, 1.0]]), intercept=np.zeros(1)), ("i0",)),
        ("v1", Elementwise(function="cos"), ("v0",)),
    ]
    whole = program([Input(name="X", kind="number", width=2)], chain, {"value": "v1"})
    (problem,) = target.check(whole)
    assert problem.reason == "float32, in which Core ML computes this, has too few digits for its answers"
    assert problem.remedy == "use the onnx target"
    with pytest.raises(UnsupportedError):
        target.emit(whole, tmp_path, EmitOptions())
    near_zero = replace(whole, ranges={"X": np.array([[0.0, 0.0], [1e-7, 1.0]])})
    assert target.check(near_zero) == []
