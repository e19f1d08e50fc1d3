"""Quantized Programs, and artifacts of them: what is said of a table is what happened to it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgepack.contract import EmitOptions
from edgepack.ir import Program
from edgepack.ir.ops import Affine, Forest, Linear
from edgepack.ir.types import number
from edgepack.lower import lower
from edgepack.parity import Reference, Tolerance, make_cases, run_parity
from edgepack.passes import optimize
from edgepack.quantize import OF_WEIGHTS, effect_of, quantize
from edgepack.quantize.balance import balanced
from edgepack.quantize.merge import without_equal_leaves
from edgepack.quantize.server import QuantizedServer
from edgepack.rows import columns_of
from edgepack.targets import find_target

R = np.random.default_rng(4)
X = (R.normal(size=(900, 12)) * np.logspace(-2, 2, 12)).astype(np.float32).astype(np.float64)
VALUE = X[:, 0] * 100 + np.sin(X[:, 6]) + X[:, 11] / 200
THIRDS = np.digitize(VALUE, np.quantile(VALUE, [0.3, 0.6]))
MODELS: dict[str, Any] = {
    "MLP": (make_pipeline(StandardScaler(), MLPClassifier((24, 16), max_iter=60, random_state=0)), THIRDS),
    "logistic": (make_pipeline(StandardScaler(), LogisticRegression()), np.arange(900) % 9),
    "boosting": (HistGradientBoostingClassifier(max_iter=20), THIRDS),
    "regression": (GradientBoostingRegressor(n_estimators=40, max_depth=5, random_state=0), VALUE),
    "forest": (RandomForestClassifier(30, max_depth=7, random_state=0), THIRDS),
    "mean": (RandomForestRegressor(12, max_depth=6, random_state=0), VALUE),
}


@pytest.fixture(scope="module")
def programs() -> dict[str, tuple[Any, Program]]:
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, (model, y) in MODELS.items():
            found[name] = (model.fit(X, y), optimize(lower(model, X, fallback=False)))
    return found


@pytest.mark.parametrize(("name", "method", "target"), product(MODELS, OF_WEIGHTS, ["onnx", "coreml"]))
def test_an_artifact_says_what_its_quantized_program_means(
    programs: Any, name: str, method: Any, target: str, tmp_path: Path
) -> None:
    model, program = programs[name]
    quantized = quantize(program, method)
    found = find_target(target)
    assert found.check(quantized.program) == []
    options = EmitOptions(packs=True, precision="float32", ios=16)
    artifact = found.emit(quantized.program, tmp_path, options)
    runner = found.open(artifact.path, program.interface)
    cases = make_cases(quantized.program, example=columns_of(X, program.interface), budget_rows=1500)
    columns = {n: x[(np.abs(x) < 1e6).all(axis=1)] for n, x in cases.columns.items()}
    kept = len(next(iter(columns.values())))
    server = QuantizedServer(
        program=quantized.program, original=Reference(estimator=model, interface=program.interface)
    )
    within = replace(cases, columns=columns, origins=cases.origins[:kept])
    (verdict,) = run_parity(server, {target: runner}, within, tolerance=Tolerance(probabilities=1e-5, value=1e-4))
    assert verdict.passed, verdict.reason
    assert verdict.rows > 500


@pytest.mark.parametrize("name", MODELS)
def test_finer_methods_move_answers_less(programs: Any, name: str) -> None:
    _, program = programs[name]
    columns = columns_of(X, program.interface)
    server = program.run(columns)
    errors = [
        effect_of(server, quantize(program, method).program.run(columns), origin="data").mean_abs_error
        for method in OF_WEIGHTS
    ]
    assert errors[0] <= errors[1] / 10
    assert 0 < errors[1] < errors[2]


@pytest.mark.parametrize(("name", "method"), product(MODELS, OF_WEIGHTS))
def test_the_report_counts_what_changed(programs: Any, name: str, method: Any) -> None:
    _, program = programs[name]
    quantized = quantize(program, method)
    most = {"fp16": 1 << 16, "int8": 256, "int4": 16}[method]
    assert quantized.touched == len([p for p in quantized.parts if not p.kept])
    assert (quantized.touched > 0) == ((name, method) != ("forest", "fp16"))  # it has fewer leaf rows than fp16 shares
    for part in quantized.parts:
        if part.touched and part.kind == "leaves":
            assert part.distinct[1] <= min(most, part.distinct[0])
        if part.touched and method == "int4":
            assert part.distinct[1] <= 16
    assert str(quantized).startswith(f"{method}: {quantized.touched} of {len(quantized.parts)} tables")


def test_small_tables_and_tables_on_the_grid_are_said_to_be_kept() -> None:
    small = LogisticRegression().fit(X[:, :3], THIRDS)
    quantized = quantize(optimize(lower(small, X[:5, :3])), "int8")
    assert (quantized.touched, str(quantized)) == (
        0,
        "int8: 0 of 1 tables; kept: weights of LogisticRegression (9 numbers: too few)",
    )
    pure = RandomForestClassifier(40, random_state=0).fit(X, THIRDS > 0)
    assert "on the grid already" in str(quantize(optimize(lower(pure, X[:5])), "int8"))


def test_numbers_beyond_float16_stay_and_say_so() -> None:
    model = LogisticRegression().fit(X, np.arange(900) % 9)
    model.coef_[0, 0] = 1e6
    (part,) = quantize(optimize(lower(model, X[:5])), "fp16").parts
    assert part.kept == "numbers beyond ±65504, the largest float16"


def test_uneven_columns_are_balanced_without_rounding(programs: Any) -> None:
    _, program = programs["logistic"]
    (linear,) = [node.op for node in program.nodes if isinstance(node.op, Linear)]
    pair = balanced(linear)
    assert pair is not None
    affine, even = pair
    np.testing.assert_array_equal(even.coef * affine.factor, linear.coef)
    assert np.abs(even.coef).max(axis=0).min() >= 0.5
    assert balanced(even) is None
    # without it, the small weights of large columns are all lost
    ops = [node.op for node in quantize(program, "int8").program.nodes]
    assert any(isinstance(op, Affine) and op.factor is not None for op in ops)


@pytest.mark.parametrize("name", ["boosting", "regression", "forest", "mean"])
def test_merging_equal_leaves_changes_no_answer(programs: Any, name: str) -> None:
    _, program = programs[name]
    (forest,) = [node.op for node in program.nodes if isinstance(node.op, Forest)]
    coarse = replace(
        forest, value=np.where(forest.is_leaf[:, None], np.sign(forest.value - np.median(forest.value)), 0)
    )
    merged = without_equal_leaves(coarse)
    merged.infer(number(forest.features))
    assert len(merged.feature) < len(coarse.feature)
    rows = np.concatenate([X, np.where(R.random(X.shape) < 0.2, np.nan, X)])
    np.testing.assert_array_equal(merged.run(rows), coarse.run(rows))


@pytest.mark.parametrize("method", OF_WEIGHTS)
def test_quantized_text_is_refused_by_core_ml_in_one_line(method: Any) -> None:
    texts = [f"word{k % 90} and word{k * 7 % 90}" for k in range(200)]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, np.arange(200) % 3)
    quantized = quantize(optimize(lower(model, texts[:5])), method)
    assert quantized.touched
    (problem,) = find_target("coreml").check(quantized.program)
    assert (
        str(problem) == "tfidfvectorizer → TfidfVectorizer: Count of strings has no Core ML stage; use the onnx target"
    )
    assert find_target("onnx").check(quantized.program) == []
