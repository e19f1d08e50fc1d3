"""Splits turned round: every row takes the branch that it took, and mostly the one that follows in memory."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from edgepack.contract import EmitOptions
from edgepack.ir import Program
from edgepack.ir.ops import Forest
from edgepack.lower import lower
from edgepack.parity import make_cases
from edgepack.parity.prove import Proof, prove
from edgepack.passes import optimize
from edgepack_onnx import likely, target

MODELS = {
    "forest": RandomForestClassifier(10, random_state=0),
    "missing as they are": HistGradientBoostingRegressor(max_iter=10, max_leaf_nodes=12),
}


@pytest.fixture(autouse=True)
def small_forests_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likely, "LEAST_SPLITS", 0)


@cache
def lowered(name: str) -> Program:
    rng = np.random.default_rng(0)
    x = rng.lognormal(size=(600, 3)).astype(np.float32)
    y = np.log(x[:, 0]) + x[:, 1] * (x[:, 2] > 1)
    x[rng.random(x.shape) < 0.1] = np.nan
    steps = [SimpleImputer()] if name == "forest" else []
    model = make_pipeline(*steps, MODELS[name]).fit(x, y > 1 if name == "forest" else y)
    return lower(model, x[:5])


def emitted(program: Program, folder: Path, **options: Any) -> tuple[Path, dict[str, Any]]:
    path = target.emit(optimize(program), folder, EmitOptions(**options)).path
    (node,) = (n for n in onnx.load(path).graph.node if n.op_type == "TreeEnsemble")
    values = {
        a.name: numpy_helper.to_array(a.t) if a.HasField("t") else np.array(a.ints or a.i) for a in node.attribute
    }
    return path, values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_negated_number_is_below_the_new_threshold_exactly_where_the_number_was_above(dtype: Any) -> None:
    info = np.finfo(dtype)
    rng = np.random.default_rng(0)
    thresholds = np.concatenate(
        [rng.normal(size=500), 10 ** rng.uniform(-30, 30, 500), [0.5, -0.5, 0, -0.0, info.tiny, info.max, np.inf]]
    ).astype(dtype)
    thresholds = np.concatenate([thresholds, -thresholds])
    new, can = likely.negated(thresholds)
    edges = np.array([0, -0.0, info.tiny, info.max, info.min, np.inf, -np.inf], dtype)
    for t, s in zip(thresholds[can], new[can], strict=True):
        x = np.concatenate([edges, [t, np.nextafter(t, dtype(np.inf)), np.nextafter(t, dtype(-np.inf)), -t, s, -s]])
        assert np.array_equal(-x <= s, ~(x <= t)), t
    assert not can[(thresholds == 0) | ~np.isfinite(thresholds)].any()
    assert can[np.abs(thresholds) > 1e-20].mean() > 0.99


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_the_answers_are_those_of_the_plain_forest(
    name: str, precision: Literal["float32", "float64"], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = lowered(name)
    columns = make_cases(program, folded=optimize(program), example={"X": np.ones((3, 3))}, budget_rows=3000).columns
    assert np.isnan(columns["X"]).any()
    turned, attributes = emitted(program, tmp_path, precision=precision)
    assert (attributes["nodes_featureids"] >= 3).sum() > 20
    given = target.open(turned, program.interface).run(columns)
    monkeypatch.setattr(likely, "LEAST_SPLITS", 10**9)
    plain, attributes = emitted(program, tmp_path, precision=precision)
    assert (attributes["nodes_featureids"] < 3).all()
    wanted = target.open(plain, program.interface).run(columns)
    for output, answers in wanted.items():
        assert np.array_equal(given[output], answers), output


@pytest.mark.parametrize("name", MODELS)
def test_most_training_rows_go_on_to_the_false_child(name: str, tmp_path: Path) -> None:
    (op,) = (node.op for node in optimize(lowered(name)).nodes if isinstance(node.op, Forest))
    inner = np.flatnonzero(~op.is_leaf)
    assert np.array_equal(op.seen[inner], op.seen[op.left[inner]] + op.seen[op.right[inner]])
    likelier = (op.seen[op.left] > op.seen[op.right])[inner] & likely.negated(op.threshold[inner])[1]
    _, attributes = emitted(lowered(name), tmp_path)
    assert (attributes["nodes_featureids"] >= 3).sum() == likelier.sum()


@pytest.mark.parametrize("name", MODELS)
def test_where_size_counts_no_split_says_where_nan_goes(name: str, tmp_path: Path) -> None:
    path, attributes = emitted(lowered(name), tmp_path, packs=True)
    assert "nodes_missing_value_tracks_true" not in attributes
    decisions = target.read_forest(path, lowered(name).interface)
    assert decisions is not None
    assert isinstance(prove(lowered(name), decisions), Proof)


def turn_one_back(node: Any, k: int) -> None:
    values = np.array(numpy_helper.to_array(attribute(node, "nodes_splits").t))
    values[k] = np.nextafter(values[k], np.inf)
    attribute(node, "nodes_splits").t.CopyFrom(numpy_helper.from_array(values))


def send_nan_elsewhere(node: Any, k: int) -> None:
    tracks = attribute(node, "nodes_missing_value_tracks_true").ints
    tracks[k] = 1 - tracks[k]


def ask_the_column_itself(node: Any, k: int) -> None:
    attribute(node, "nodes_featureids").ints[k] -= 3


def attribute(node: Any, name: str) -> Any:
    return next(a for a in node.attribute if a.name == name)


@pytest.mark.parametrize("fault", [turn_one_back, send_nan_elsewhere, ask_the_column_itself])
def test_a_fault_in_a_turned_split_is_no_proof(fault: Any, tmp_path: Path) -> None:
    program = lowered("missing as they are")
    path, attributes = emitted(program, tmp_path)
    model = onnx.load(path)
    (node,) = (n for n in model.graph.node if n.op_type == "TreeEnsemble")
    fault(node, int(np.flatnonzero(attributes["nodes_featureids"] >= 3)[0]))
    onnx.save(model, path)
    decisions = target.read_forest(path, program.interface)
    assert decisions is not None
    assert not isinstance(prove(program, decisions), Proof)


def test_a_column_that_is_not_negated_is_not_read(tmp_path: Path) -> None:
    path, _ = emitted(lowered("forest"), tmp_path)
    model = onnx.load(path)
    (node,) = (n for n in model.graph.node if n.op_type == "Neg")
    node.op_type = "Abs"
    onnx.save(model, path)
    assert target.read_forest(path, lowered("forest").interface) is None
