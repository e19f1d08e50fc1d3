"""`precision="float16"`: products and activations are float16, all else is float32; the verdict says what it allows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from edgepack.contract import EmitOptions, Input, Precision
from edgepack.errors import UnsupportedError, UsageError
from edgepack.ir.ops import Elementwise, Linear
from edgepack.lower import lower
from edgepack.parity import Reference, Tolerance, make_cases, run_parity
from edgepack.passes import optimize
from edgepack_coreml import target
from edgepack_coreml.mil.halves import Halves
from edgepack_coreml.narrow import ALLOWED
from edgepack_coreml.proto import messages

R = np.random.default_rng(0)
X = (R.normal(size=(300, 5)) * [1, 10, 1e3, 1e5, 0.1] + [0, 5, 2000, 1e6, 0]).astype(np.float32).astype(np.float64)
Y = (R.normal(size=300) / 3 + X[:, 0] > 0).astype(int)
VALUE = Y * 2e5 + 3e5 + X[:, 2]
NETWORK = MLPClassifier((24, 12), max_iter=40, random_state=0)
REGRESSOR = MLPRegressor(hidden_layer_sizes=(24, 12), solver="lbfgs", max_iter=300, random_state=0)


def fitted(estimator: Any, x: Any = X, y: Any = Y) -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = estimator.fit(x, y)
        return estimator, lower(estimator, x, fallback=False)


def emitted(program: Any, folder: Path, precision: Precision = "float16", **options: Any) -> tuple[Any, Any]:
    """The artifact, which has no fault, and its runner."""
    folder.mkdir(exist_ok=True)
    artifact = target.emit(program, folder, EmitOptions(precision=precision, **options))
    assert target.lint(artifact.path, program.interface) == []
    return artifact, target.open(artifact.path, program.interface)


def types_of(path: Path) -> dict[str, set[int]]:
    """MIL's types of the results of each operation: 10 is float16, 11 float32."""
    model = messages().Model.FromString((path / "Data/com.apple.CoreML/model.mlmodel").read_bytes())
    kind = model.WhichOneof("Type")
    last = model if kind == "mlProgram" else getattr(model, kind).pipeline.models[-1]
    (block,) = last.mlProgram.functions["main"].block_specializations.values()
    found: dict[str, set[int]] = {}
    for operation in block.operations:
        found.setdefault(operation.type, set()).update(o.type.tensorType.dataType for o in operation.outputs)
    return found


@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic"])
def test_a_network_moves_and_stays_within_what_the_verdict_states(activation: str, tmp_path: Path) -> None:
    estimator, lowered = fitted(make_pipeline(StandardScaler(), NETWORK.set_params(activation=activation)))
    program = optimize(lowered)
    artifact, runner = emitted(program, tmp_path / "half")
    _, single = emitted(program, tmp_path / "single", "float32")
    half, exact = (r.run({"X": X})["probabilities"] for r in (runner, single))
    assert 1e-6 < np.abs(half - exact).max() < ALLOWED["float16"]["probabilities"]
    assert types_of(artifact.path)["linear"] == {10}
    of_activation = {"relu": "select", "logistic": "sigmoid"}.get(activation, activation)
    assert types_of(artifact.path)[of_activation] >= {10}
    assert "float16" in artifact.notes[1]
    reference = Reference(estimator=estimator, interface=program.interface)
    cases = make_cases(lowered, folded=program, budget_rows=1500, seed=0)
    ((verdict,), (strict,)) = (
        run_parity(reference, {"coreml": runner}, cases, program=lowered, tolerance=allowed)
        for allowed in (None, Tolerance())
    )
    assert verdict.status == "measured", verdict.reason
    assert {o.output: o.tolerance for o in verdict.outputs} == {"label": 0.0, "probabilities": 0.01}
    assert verdict.tie_width == 0.02
    assert strict.status == "failed"  # what a caller asks for is not loosened
    assert target.read_sums(artifact.path, program.interface) is None


def test_large_answers_leave_float16_before_they_are_large(tmp_path: Path) -> None:
    """Beyond 65,504 float16 is infinite."""
    estimator, lowered = fitted(make_pipeline(StandardScaler(), REGRESSOR), y=VALUE)
    _, runner = emitted(optimize(lowered), tmp_path)
    server = estimator.predict(X)
    assert server.max() > 2e5
    assert np.max(np.abs(runner.run({"X": X})["value"] - server) / server) < 5e-3


def test_columns_enter_about_their_middle_and_not_as_they_are() -> None:
    """1e6 ± 3e5 in eleven bits has steps of 512; so has its middle, and it is 0."""
    _, lowered = fitted(make_pipeline(StandardScaler(), NETWORK))
    program = optimize(lowered)
    first, *others = Halves.of(program, program.nodes).products.values()
    assert first.center is not None and first.spread is not None and first.scale is None
    entered = ((X - first.center) / first.spread).astype(np.float16).astype(np.float64) * first.spread + first.center
    assert np.all(np.abs(entered - X).max(axis=0) <= 2**-10 * np.ptp(X, axis=0))
    assert np.abs(X).max() > np.finfo(np.float16).max
    assert all(p.center is None for p in others)
    assert [p.scale is not None for p in others] == [False, True]


@pytest.mark.parametrize("tree", [DecisionTreeClassifier(random_state=0), RandomForestClassifier(2, random_state=0)])
def test_trees_beside_a_network_are_routed_as_on_the_server(tree: Any, tmp_path: Path) -> None:
    """At thresholds and the float32 numbers beside them: another branch would move a probability by a tenth or more."""
    voting = VotingClassifier([("tree", tree), ("network", NETWORK)], voting="soft")
    estimator, lowered = fitted(make_pipeline(StandardScaler(), voting))
    program = optimize(lowered)
    artifact, runner = emitted(program, tmp_path)
    assert 10 in types_of(artifact.path)["linear"] and types_of(artifact.path)["gather"] <= {11, 23}
    cases = make_cases(lowered, folded=program, budget_rows=3000, seed=0)
    assert (cases.origins == "split boundaries").sum() > 50
    (verdict,) = run_parity(Reference(estimator=estimator, interface=program.interface), {"coreml": runner}, cases)
    assert verdict.status == "measured", verdict.reason
    assert verdict.outputs[-1].max_abs_error < 0.005


def test_categories_and_missing_values_stay_as_they_are(tmp_path: Path) -> None:
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame["city"] = pd.Series(R.choice(["oslo", "rome", "café"], len(X)), dtype=object)
    frame.loc[::7, "a"] = np.nan
    y = Y ^ (frame["city"] == "rome")
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    both = ColumnTransformer([("n", numbers, list("abcde")), ("c", OneHotEncoder(handle_unknown="ignore"), ["city"])])
    estimator, lowered = fitted(make_pipeline(both, NETWORK), frame, y)
    artifact, runner = emitted(optimize(lowered), tmp_path)
    assert types_of(artifact.path)["linear"] == {10}
    cases = make_cases(lowered, folded=optimize(lowered), budget_rows=1500, seed=0)
    (verdict,) = run_parity(Reference(estimator=estimator, interface=lowered.interface), {"coreml": runner}, cases)
    assert verdict.status == "measured", verdict.reason


def test_fewer_bits_of_weights_go_with_float16(tmp_path: Path) -> None:
    from edgepack.quantize import quantize

    _, lowered = fitted(make_pipeline(StandardScaler(), NETWORK))
    quantized = quantize(optimize(lowered, without=frozenset({"fold-linear"})), "int8").program
    artifact, runner = emitted(quantized, tmp_path / "half", packs=True, ios=16)
    assert types_of(artifact.path)["constexpr_affine_dequantize"] == {10}
    exact = quantized.run({"X": X})["probabilities"]
    assert np.abs(runner.run({"X": X})["probabilities"] - exact).max() < 0.01


def test_what_has_nothing_to_compute_in_float16_is_refused(tmp_path: Path) -> None:
    _, lowered = fitted(make_pipeline(StandardScaler(), RandomForestClassifier(3)))
    with pytest.raises(UnsupportedError, match=r"multiplies with no learned weights; .* stay float32; leave it out"):
        emitted(optimize(lowered), tmp_path)


def test_what_float16_loses_is_refused(program: Any, tmp_path: Path) -> None:
    """`cos(60 x)`: float16 has steps of 1/32 near 60."""
    chain = [
        ("v0", Linear(coef=np.array([[60.0, 1.0]]), intercept=np.zeros(1)), ("i0",)),
        ("v1", Elementwise(function="cos"), ("v0",)),
    ]
    whole = program([Input(name="X", kind="number", width=2)], chain, {"value": "v1"})
    emitted(whole, tmp_path, "float32")
    with pytest.raises(UnsupportedError, match=r"float16, .* too few digits .*; leave --precision float16 out"):
        emitted(whole, tmp_path)


def test_onnx_has_no_float16(tmp_path: Path) -> None:
    from edgepack_onnx import target as onnx

    _, lowered = fitted(make_pipeline(StandardScaler(), NETWORK))
    with pytest.raises(UsageError, match="float16: ONNX artifacts compute in float32 or float64"):
        onnx.emit(optimize(lowered), tmp_path, EmitOptions(precision="float16"))


def test_the_label_of_probabilities_takes_no_operation(tmp_path: Path) -> None:
    """`classify` finds the likeliest class; nobody would read another's."""
    _, lowered = fitted(make_pipeline(StandardScaler(), NETWORK))
    artifact, _ = emitted(optimize(lowered), tmp_path, "float32", ios=16)
    assert not {"greater", "reduce_argmax"} & set(types_of(artifact.path))
    assert "classify" in types_of(artifact.path)
