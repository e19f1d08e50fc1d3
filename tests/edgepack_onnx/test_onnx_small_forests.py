"""Where size counts, forests compress, are in float32 where that adds up exactly, and stay proved."""

from __future__ import annotations

import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from edgepack.columns import take
from edgepack.contract import EmitOptions
from edgepack.ir import Program
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases
from edgepack.parity.prove import Proof, prove
from edgepack.passes import optimize
from edgepack_onnx import target
from edgepack_onnx.split import adds_exactly

R = np.random.default_rng(5)
X = R.normal(size=(300, 5)).astype(np.float32).astype(np.float64)
SCORE = X[:, 0] + X[:, 1] ** 2 + R.normal(size=300) / 3
FEW, MANY = (np.digitize(SCORE, cuts) for cuts in ([1.0], [0.0, 1.0, 2.0]))
MODELS: dict[str, tuple[Any, Any, str]] = {
    "pure votes for two classes": (RandomForestClassifier(12, random_state=0), FEW, "float32"),
    "shares of two classes": (RandomForestClassifier(12, max_depth=5, random_state=0), FEW, "float64"),
    "pure votes for four classes": (ExtraTreesClassifier(12, random_state=0), MANY, "float32"),
    "shares of four classes": (RandomForestClassifier(12, max_depth=5, random_state=0), MANY, "float32"),
    "means": (RandomForestRegressor(12, random_state=0), SCORE, "float64"),
    "small whole numbers": (RandomForestRegressor(12, random_state=0), np.floor(SCORE), "float32"),
    "boosted, with NaN": (HistGradientBoostingClassifier(max_iter=12), FEW, "float64"),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_small_forest_says_the_same_and_compresses(name: str, tmp_path: Path) -> None:
    estimator, y, element = MODELS[name]
    fitted = make_pipeline(StandardScaler(), estimator).fit(X, y)
    lowered = lower(fitted, X[:5])
    plain, small = (_emitted(lowered, tmp_path, packs=packs) for packs in (False, True))
    assert len(zlib.compress(small.read_bytes(), 6)) < 0.97 * len(zlib.compress(plain.read_bytes(), 6))
    assert small.stat().st_size <= plain.stat().st_size + 16  # numbers of roots may take a byte more
    trees = _attributes(small)
    assert trees["nodes_splits"].dtype == trees["leaf_weights"].dtype == element

    cases = make_cases(lowered, folded=optimize(lowered), example={"X": X}, budget_rows=1000)
    _, refused = Reference(estimator=fitted, interface=lowered.interface).answers(cases.columns)
    columns = take(cases.columns, ~refused)
    answers = [target.open(path, lowered.interface).run(columns) for path in (plain, small)]
    for output in lowered.interface.outputs:
        assert answers[0][output].tobytes() == answers[1][output].tobytes()


@pytest.mark.parametrize("name", MODELS)
def test_a_small_forest_is_proved(name: str, tmp_path: Path) -> None:
    estimator, y, _ = MODELS[name]
    lowered = lower(make_pipeline(StandardScaler(), estimator).fit(X, y), X[:5])
    decisions = target.read_forest(_emitted(lowered, tmp_path, packs=True), lowered.interface)
    assert decisions is not None
    assert isinstance(prove(lowered, decisions), Proof)


def test_sums_that_float32_rounds_are_no_proof(tmp_path: Path) -> None:
    estimator, y, _ = MODELS["pure votes for two classes"]
    lowered = lower(make_pipeline(StandardScaler(), estimator).fit(X, y), X[:5])
    path = _emitted(lowered, tmp_path, packs=True)
    model = onnx.load(path)
    (node,) = [n for n in model.graph.node if n.op_type == "TreeEnsemble"]
    (weights,) = [a for a in node.attribute if a.name == "leaf_weights"]
    weights.t.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weights.t) + np.float32(1e-7)))
    onnx.save(model, path)
    assert target.read_forest(path, lowered.interface) is None


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.one_of(st.integers(-9, 9).map(lambda k: k / 8), st.floats(width=32, allow_nan=False)), min_size=1),
    st.integers(1, 3000),
)
def test_what_adds_exactly_does(weights: list[float], trees: int) -> None:
    weight = np.array(weights)
    if not adds_exactly(weight, trees):
        return
    chosen = np.random.default_rng(0).choice(weight, trees)
    total = np.float32(0)
    for number in chosen.astype(np.float32):
        total += number
    assert Fraction(float(total)) == sum(map(Fraction, chosen.tolist()))


@pytest.mark.parametrize(
    ("weight", "trees", "exact"),
    [([1.0, 0.0], 2**24, True), ([1.0, 0.0], 2**24 + 1, False), ([0.1], 1, False), ([0.5, 3.0], 100, True)],
)
def test_where_float32_sums_are_exact(weight: list[float], trees: int, exact: bool) -> None:
    assert adds_exactly(np.array(weight), trees) is exact


def _emitted(lowered: Program, into: Path, *, packs: bool) -> Path:
    folder = into / str(packs)
    folder.mkdir()
    return target.emit(optimize(lowered), folder, EmitOptions(packs=packs)).path


def _attributes(path: Path) -> dict[str, Any]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    (node,) = [n for n in model.graph.node if n.op_type == "TreeEnsemble"]
    return {a.name: onnx.numpy_helper.to_array(a.t) for a in node.attribute if a.type == onnx.AttributeProto.TENSOR}
