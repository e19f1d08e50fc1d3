"""Between which numbers a file that computes in float32 says that it holds."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from edgepack.contract import EmitOptions, Input
from edgepack.errors import UnsupportedError
from edgepack.export import export
from edgepack.ir.ops import Concat, Elementwise, Linear
from edgepack.lower import lower
from edgepack.lower.ranges import widened
from edgepack.parity import Tolerance, within_ranges
from edgepack.passes import optimize
from edgepack.rows import columns_of
from edgepack_coreml import reach, target
from edgepack_coreml.narrow import ALLOWED
from edgepack_coreml.sample import rows_of_reaches

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


def test_further_rows_widen_what_the_file_is_for(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), RBFSampler(gamma=0.2, n_components=7, random_state=0)).fit(SAMPLE)
    short = optimize(lower(model, SAMPLE[:3], fallback=False))
    given = columns_of(SAMPLE, short.interface)
    wide = widened(short, given)
    assert np.array_equal(wide.ranges["X"], [SAMPLE.min(axis=0), SAMPLE.max(axis=0)])
    assert np.array_equal(widened(wide, columns_of(SAMPLE[:1], short.interface)).ranges["X"], wide.ranges["X"])
    empty = columns_of(np.full((1, 2), np.nan), short.interface)
    assert np.array_equal(widened(wide, empty).ranges["X"], wide.ranges["X"])
    artifact = target.emit(wide, tmp_path, EmitOptions(name="m"))
    assert within_ranges(target.open(artifact.path, wide.interface), given).all()


def test_labels_may_differ_where_parity_calls_the_scores_a_tie() -> None:
    scores = np.array([[0.0, 1.0, 1.0 + 0.7e-6], [0.0, 1.0, 1.0 + 0.9e-6], [0.0, 1e3, 1e3 + 0.7e-3]])
    assert reach._tied(scores, 0.8e-6).tolist() == [True, False, True]
    assert not reach._tied(scores, 0.0).any()
    for allowed in (ALLOWED["float64"], ALLOWED["float32"]):
        assert {name: getattr(Tolerance(), name) for name in allowed} == allowed


def test_an_export_with_further_rows_is_for_them(tmp_path: Path) -> None:
    """The example's second column hardly varies, and its first one reaches about as far as float32 does."""
    mlflow_sklearn = pytest.importorskip("mlflow.sklearn")
    model = make_pipeline(StandardScaler(), RBFSampler(gamma=0.2, n_components=7, random_state=0), Ridge())
    example = np.array([[1.7e9, 0.5], [1.7e9 + 1e4, 0.5001]]).astype(np.float32).astype(np.float64)
    folder = tmp_path / "model"
    mlflow_sklearn.save_model(
        model.fit(SAMPLE, SAMPLE[:, 1]),
        folder,
        input_example=example,
        pip_requirements=[],
        serialization_format="skops",
    )
    bundle = export(str(folder), targets=["coreml"], out=tmp_path / "out", data=SAMPLE, rows=200)
    (verdict,) = bundle.manifest.verdicts
    assert verdict.status == "measured"
    assert "given rows" not in verdict.reason


def test_columns_are_tried_with_the_same_numbers_by_themselves_and_side_by_side(program: Any) -> None:
    """So that a model of an array is refused where that of the DataFrame with its columns is."""
    sides, text = np.arange(6.0).reshape(2, 3), Input(name="t", kind="string", categories=("a", "b"))
    array = program([Input(name="X", kind="number", width=3)], [("v0", Concat(), ["i0"])], {"value": "v0"})
    names = ["a", "b", "c"]
    numbers = [Input(name=name, kind="number") for name in names]
    frame = program([numbers[0], text, *numbers[1:]], [("v0", Concat(), ["i0", "i2", "i3"])], {"value": "v0"})
    array = replace(array, ranges={"X": sides})
    frame = replace(frame, ranges={name: sides[:, [j]] for j, name in enumerate(names)})
    wide, narrow = (rows_of_reaches(p, np.array([1.0, 10.0]), 50) for p in (array, frame))
    np.testing.assert_array_equal(wide["X"], np.concatenate([narrow[name] for name in names], axis=1))


def test_some_rows_lack_numbers_and_half_of_them_with_those_at_the_ends_lack_none(program: Any) -> None:
    given = Input(name="X", kind="number", width=20, accepts_missing=True)
    wide = program([given], [("v0", Concat(), ["i0"])], {"value": "v0"})
    rows = rows_of_reaches(
        replace(wide, ranges={"X": np.array([[0.0], [1.0]]) * np.ones(20)}), np.array([1.0, 9.0]), 96
    )
    missing = np.isnan(rows["X"]).sum(axis=1).reshape(2, 96)
    assert np.all((missing == 0).sum(axis=1) >= 48)
    assert np.all((missing > 0).sum(axis=1) >= 36)
    assert not missing[:, -2:].any()


@pytest.mark.parametrize(("lost", "kept"), [(0.7, True), (0.9, False)])
def test_what_few_rows_lose_within_the_sample_counts(program: Any, lost: float, kept: bool) -> None:
    """Of what parity allows, in one row of about 500 of those that are like the sample's."""
    linear = Linear(coef=np.ones((1, 2)), intercept=np.zeros(1))
    whole = program([Input(name="X", kind="number", width=2)], [("v0", linear, ("i0",))], {"value": "v0"})
    whole = replace(whole, ranges={"X": np.array([[0.0, 0.0], [1.0, 1.0]])})

    class Lossy:
        tolerance = ALLOWED["float32"]

        def run(self, columns: Any) -> Any:
            x, value = columns["X"], whole.run(columns)["value"]
            few = (np.abs(x - 0.55) < 0.03).all(axis=1)
            return {"value": value + np.where(few, lost * self.tolerance["value"], 0.0) * np.maximum(value, 1)}

    near = rows_of_reaches(whole, reach.REACHES, 96)["X"]
    assert not (np.abs(near - 0.55) < 0.03).all(axis=1)[:96].any()
    assert (reach.reach_of(whole, Lossy()) > 0) is kept
