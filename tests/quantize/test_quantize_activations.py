"""Weighted sums in whole numbers: exact on every processor, and as coarse as the calibration rows say."""

from __future__ import annotations

import warnings
from dataclasses import replace
from fractions import Fraction
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgepack.compiler import Compiled
from edgepack.contract import EmitOptions, Input, Interface
from edgepack.export import cases_for
from edgepack.ir import Node, Program
from edgepack.ir.ops import Clip, IntegerLinear, Linear
from edgepack.ir.ops.integer import LARGEST_CODE, LARGEST_WEIGHT
from edgepack.lower import lower
from edgepack.parity import run_parity
from edgepack.parity.forks import near_forks
from edgepack.passes import optimize
from edgepack.quantize import effect_of, quantize
from edgepack.quantize.activations import in_whole_numbers
from edgepack.rows import columns_of
from edgepack.targets import find_target

R = np.random.default_rng(3)
X = R.normal(size=(1500, 10)).astype(np.float32).astype(np.float64)
VALUE = X[:, 0] + np.sin(2 * X[:, 1])
ONNX = find_target("onnx")


def _compiled(model: Any, y: Any) -> Compiled:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = model.fit(X[:700], y[:700])
    lowered = lower(fitted, X[:5], fallback=False)
    source: Any = SimpleNamespace(name="network")
    return Compiled(source=source, estimator=fitted, sample=X[:5], lowered=lowered, program=optimize(lowered))


@pytest.fixture(scope="module", params=["relu", "tanh", "logistic", "identity"])
def network(request: Any) -> Compiled:
    layers = MLPClassifier((40, 24), activation=request.param, max_iter=40, random_state=0)
    return _compiled(make_pipeline(StandardScaler(), layers), np.digitize(VALUE, [-0.5, 0.5]))


def test_an_artifact_answers_as_its_program_does_and_runs_in_whole_numbers(network: Compiled, tmp_path: Path) -> None:
    quantized = _quantized(network, X[:300])
    artifact = ONNX.emit(quantized.program, tmp_path, EmitOptions(packs=True))
    runner = ONNX.open(artifact.path, network.program.interface)
    cases = cases_for(quantized, rows=1500)
    (verdict,) = run_parity(
        quantized.reference, {"onnx": runner}, cases, program=quantized.meaning, tolerance=quantized.tolerance
    )
    assert verdict.passed, verdict.reason
    assert verdict.outputs[-1].max_abs_error < 1e-12
    ran = _ran(artifact.path, tmp_path)
    assert ran.count("QGemm") == 3
    assert not {"Gemm", "MatMul", "DequantizeLinear"} & set(ran)
    effect = effect_of(
        network.program.run(columns_of(X[700:], network.program.interface)),
        runner.run(columns_of(X[700:], network.program.interface)),
        origin="data",
    )
    assert 0 < effect.p99_abs_error < 0.15


def test_no_product_of_extremes_saturates(tmp_path: Path) -> None:
    """Every weight and activation as large as it can be, in both directions, against integers without an end."""
    signs = np.array(list(product((-1, 1), repeat=3)) * 8)[:, [0, 1, 2, 0, 0, 1, 1, 2, 2, 2, 0, 1]]
    weights = (signs * LARGEST_WEIGHT).astype(np.int8)
    op = IntegerLinear(
        weights=weights,
        bias=R.integers(-(2**30), 2**30, len(weights)),
        scale=np.full(len(weights), 0.5, np.float32),
        step=0.25,
        zero=100,
    )
    program = _program(Node(name="a", op=op, inputs=("i0",)), 12, len(weights))
    low, high = -op.zero * op.step, (LARGEST_CODE - op.zero) * op.step
    x = np.array([*product((low, high), repeat=12)], np.float32).astype(np.float64)
    artifact = ONNX.emit(program, tmp_path, EmitOptions())
    found = ONNX.open(artifact.path, program.interface).run({"X": x})["value"]
    codes = np.rint(x / op.step).astype(np.int64)
    sums = codes @ weights.T.astype(np.int64) + op.bias
    np.testing.assert_array_equal(found, sums.astype(np.float32).astype(np.float64) * 0.125)
    assert _ran(artifact.path, tmp_path).count("QGemm") == 1
    pairs = np.abs(weights.astype(np.int64)).max() * LARGEST_CODE * 2
    assert pairs <= np.iinfo(np.int16).max, "x86 without VNNI adds two products in 16 bits"


def test_what_is_beyond_the_calibration_rows_is_their_end(tmp_path: Path) -> None:
    op = IntegerLinear(
        weights=np.full((1, 2), 3, np.int8),
        bias=np.array([5]),
        scale=np.ones(1, np.float32),
        step=0.5,
        zero=10,
    )
    program = _program(Node(name="a", op=op, inputs=("i0",)), 2, 1)
    x = np.array([[3e38, 0], [-3e38, 0], [3e38, -3e38], [0.25, 0.75], [-0.25, 122.6]])
    wanted = [0.5 * (3 * total + 5) for total in (245, -10, 245 - 10, 0 + 2, 0 + 245)]
    np.testing.assert_array_equal(program.run({"X": x})["value"], wanted)
    artifact = ONNX.emit(program, tmp_path, EmitOptions())
    np.testing.assert_array_equal(ONNX.open(artifact.path, program.interface).run({"X": x})["value"], wanted)


def test_other_calibration_rows_give_other_levels(network: Compiled) -> None:
    narrow, wide = (_quantized(network, rows) for rows in (X[:300] / 4, X[:300]))
    for a, b in zip(_layers(narrow.program), _layers(wide.program), strict=True):
        assert a.step < b.step
        np.testing.assert_array_equal(a.weights, b.weights)
    rows = columns_of(X[700:], network.program.interface)
    server = network.program.run(rows)
    errors = [effect_of(server, q.program.run(rows), origin="data").mean_abs_error for q in (narrow, wide)]
    assert errors[0] > 3 * errors[1]


def test_levels_reach_from_the_smallest_to_the_largest_number() -> None:
    linear = Linear(coef=R.normal(size=(4, 20)), intercept=R.normal(size=4))
    op = in_whole_numbers(linear, (-1.0, 3.0))
    assert isinstance(op, IntegerLinear)
    ends = np.array([[-1.0] * 20, [3.0] * 20, [0.0] * 20])
    np.testing.assert_array_equal(np.rint(op.levels(ends))[:, 0] + op.zero, [0, 255, op.zero])
    assert np.abs(op.weights).max(axis=1).tolist() == [LARGEST_WEIGHT] * 4
    exact = [Fraction(int(b)) * Fraction(float(u)) for b, u in zip(op.bias, op.unit, strict=True)]
    np.testing.assert_allclose([float(e) for e in exact], linear.intercept, atol=float(op.unit.max()))
    np.testing.assert_allclose(op.run(ends)[2], op.bias * op.unit.astype(np.float64), rtol=1e-7)


@pytest.mark.parametrize(
    ("linear", "between", "reason"),
    [
        (Linear(coef=np.ones((2, 40)), intercept=np.zeros(2)), (0.0, 0.0), "no calibration row has another number"),
        (Linear(coef=np.ones((2, 40)), intercept=np.zeros(2)), None, "no calibration row has another number"),
        (Linear(coef=np.ones((2, 40)), intercept=np.full(2, 1e9)), (0.0, 1.0), "sums beyond 32 bits"),
        (Linear(coef=np.ones((1, 140_000)), intercept=np.zeros(1)), (0.0, 1.0), "sums beyond 32 bits"),
    ],
)
def test_sums_that_whole_numbers_do_not_hold_stay_as_they_are(linear: Linear, between: Any, reason: str) -> None:
    found = in_whole_numbers(linear, between)
    assert isinstance(found, str)
    assert reason in found


def test_an_output_without_weights_is_its_bias() -> None:
    linear = Linear(coef=np.vstack([np.zeros((2, 40)), np.ones((1, 40))]), intercept=np.array([0.75, 0.0, 0.0]))
    op = in_whole_numbers(linear, (0.0, 1.0))
    assert isinstance(op, IntegerLinear)
    np.testing.assert_allclose(op.run(np.zeros((1, 40))), [[0.75, 0.0, 0.0]], rtol=1e-6)


def test_a_forest_has_no_weighted_sum() -> None:
    forest = _compiled(RandomForestClassifier(20, random_state=0), np.digitize(VALUE, [-0.5, 0.5]))
    quantized = _quantized(forest, X[:300]).quantized
    assert quantized is not None
    assert str(quantized) == "w8a8: 0 of 1 tables; kept: leaves of RandomForestClassifier (no weighted sum)"


def test_core_ml_refuses_activations_in_one_line(network: Compiled) -> None:
    problems = [str(problem) for problem in find_target("coreml").check(_quantized(network, X[:300]).program)]
    assert any("activations" in problem and "--quantize int8" in problem for problem in problems), problems


def test_a_number_between_two_levels_may_be_rounded_either_way() -> None:
    op = IntegerLinear(
        weights=np.full((1, 2), 3, np.int8), bias=np.array([5]), scale=np.ones(1, np.float32), step=0.5, zero=10
    )
    last = Clip(low=np.zeros(1), high=np.ones(1))
    program = _program(Node(name="a", op=op, inputs=("i0",)), 2, 1)
    program = replace(program, nodes=(*program.nodes, Node(name="b", op=last, inputs=("a",))), outputs={"value": "b"})
    x = np.array([[0.25, 0.0], [0.2501, 0.0], [0.25 + 1e-8, 9.0], [1e6, 1e6], [0.0, 20.75 * (1 + 1e-7)]])
    np.testing.assert_array_equal(near_forks(program, {"X": x}, 1e-7), [True, False, True, False, True])


def test_a_regressor_of_raw_columns_is_calibrated_too(tmp_path: Path) -> None:
    network = _compiled(MLPRegressor(hidden_layer_sizes=(50,), max_iter=60, random_state=0), VALUE)
    quantized = _quantized(network, X[:300])
    artifact = ONNX.emit(quantized.program, tmp_path, EmitOptions(packs=True))
    rows = columns_of(X[700:], network.program.interface)
    found = ONNX.open(artifact.path, network.program.interface).run(rows)
    np.testing.assert_allclose(found["value"], quantized.program.run(rows)["value"], rtol=0, atol=1e-14)


def test_ranges_of_other_nodes_quantize_no_activations(network: Compiled) -> None:
    quantized = quantize(network.program, "w8a8", {"elsewhere": (0.0, 1.0)})
    assert quantized.touched == 0


def _quantized(compiled: Compiled, rows: Any) -> Compiled:
    columns = columns_of(rows, compiled.program.interface)
    return compiled.quantized_by("w8a8", compiled.calibrated(columns))


def _layers(program: Program) -> list[IntegerLinear]:
    return [node.op for node in program.nodes if isinstance(node.op, IntegerLinear)]


def _program(node: Node, width: int, outputs: int) -> Program:
    interface = Interface(
        inputs=(Input(name="X", kind="number", width=width),), outputs=("value",), value_width=outputs
    )
    return Program(interface=interface, nodes=(node,), outputs={"value": node.name})


def _ran(path: Path, folder: Path) -> list[str]:
    """The ops that ONNX Runtime makes of a file."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimized.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(path), options)
    return [node.op_type for node in onnx.load(folder / "optimized.onnx").graph.node]
