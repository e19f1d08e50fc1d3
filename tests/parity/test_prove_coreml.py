"""Classic Core ML forests, read back from their files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

import edgepack_coreml
import edgepack_onnx
from edgepack.contract import EmitOptions
from edgepack.ir.decisions import Decisions
from edgepack.lower import lower
from edgepack.parity.proofs import row_columns
from edgepack.parity.prove import Proof, Undecided, Witness, prove
from edgepack.passes import optimize

FORESTS = ["tree", "random forest", "boosted regressor", "histogram boosted"]
TARGET = edgepack_coreml.target


def emitted(model: Any, folder: Path) -> tuple[Path, Decisions]:
    path = TARGET.emit(model.folded, folder, EmitOptions()).path
    decisions = TARGET.read_forest(path, model.lowered.interface)
    assert decisions is not None
    return path, decisions


@pytest.mark.parametrize("model", FORESTS, indirect=True)
def test_an_emitted_forest_is_proved(model: Any, tmp_path: Path) -> None:
    _, decisions = emitted(model, tmp_path)
    proof = prove(model.lowered, decisions)
    assert isinstance(proof, Proof), proof
    assert 0 < proof.bound < 1e-12


@pytest.mark.parametrize("model", FORESTS, indirect=True)
def test_a_witness_of_a_mutant_is_a_row_for_which_its_file_answers_otherwise(model: Any, tmp_path: Path) -> None:
    path, _ = emitted(model, tmp_path)
    output = model.lowered.interface.outputs[-1]
    seen = set()
    for mutant in TARGET.mutants(path, model.lowered.interface, each=8, seed=3):
        if mutant.kind not in ("threshold", "missing", "leaf", "category"):
            continue
        mutant.plant(tmp_path / "mutant.mlmodel")
        decisions = TARGET.read_forest(tmp_path / "mutant.mlmodel", model.lowered.interface)
        assert decisions is not None
        finding = prove(model.lowered, decisions)
        if isinstance(finding, Witness):
            columns = row_columns(finding.row, model.lowered.interface)
            device = TARGET.open(tmp_path / "mutant.mlmodel", model.lowered.interface).run(columns)[output]
            assert np.abs(device - model.reference.predict(columns)[output]).max() > 1e-9, mutant.place
            seen.add(mutant.kind)
    assert {"threshold", "missing", "leaf"} <= seen


def test_other_labels_another_transform_and_what_is_no_forest_are_not_read(
    forest_model: Any, logistic_model: Any, tmp_path: Path
) -> None:
    path, _ = emitted(forest_model, tmp_path)
    interface = forest_model.lowered.interface
    assert TARGET.read_forest(path, replace(interface, classes=("yes", "no"))) is None
    assert TARGET.read_forest(path, replace(interface, outputs=("value",))) is None
    linear = TARGET.emit(logistic_model.folded, tmp_path, EmitOptions(name="linear")).path
    assert TARGET.read_forest(linear, interface) is None


@pytest.mark.parametrize("target", [edgepack_onnx.target, edgepack_coreml.target], ids=["onnx", "coreml"])
def test_leaves_may_move_a_score_by_as_much_as_is_allowed(target: Any, forest_model: Any, tmp_path: Path) -> None:
    path = target.emit(forest_model.folded, tmp_path, EmitOptions()).path
    decisions = target.read_forest(path, forest_model.lowered.interface)
    forest = decisions.forest
    leaf = int(np.flatnonzero(forest.is_leaf & (forest.value != 0).any(axis=1))[0])
    value = forest.value.copy()
    value[leaf] += 1e-6 * forest.divisor
    moved = replace(decisions, forest=replace(forest, value=value))
    assert isinstance(prove(forest_model.lowered, moved), Witness)
    assert isinstance(prove(forest_model.lowered, moved, slack=0.9e-6), Witness)
    proof = prove(forest_model.lowered, moved, slack=1.1e-6)
    assert isinstance(proof, Proof)
    assert 1e-6 <= proof.bound < 1.001e-6


def test_several_leaves_add_up(forest_model: Any, tmp_path: Path) -> None:
    _, decisions = emitted(forest_model, tmp_path)
    forest = decisions.forest
    value = forest.value + np.where(forest.is_leaf, 1e-7, 0.0)[:, None]
    moved = replace(decisions, forest=replace(forest, value=value))
    assert isinstance(prove(forest_model.lowered, moved, slack=2.9e-7), Witness)
    assert isinstance(prove(forest_model.lowered, moved, slack=3.1e-7), Proof)


def test_files_that_divide_in_advance_are_held_to_the_divisor(forest_model: Any, tmp_path: Path) -> None:
    _, decisions = emitted(forest_model, tmp_path)
    assert decisions.rounded
    assert isinstance(prove(forest_model.lowered, replace(decisions, rounded=False)), Undecided)


@pytest.mark.parametrize("target", [edgepack_onnx.target, edgepack_coreml.target], ids=["onnx", "coreml"])
@pytest.mark.parametrize("classes", [2, 3])
def test_trees_of_unlimited_depth_are_proved(target: Any, classes: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(classes)
    x = rng.normal(size=(400, 4)).astype(np.float32)
    y = rng.integers(classes, size=400)
    for trees in (RandomForestClassifier(10, random_state=0), DecisionTreeClassifier(random_state=0)):
        lowered = lower(trees.fit(x, y), x[:5])
        path = target.emit(optimize(lowered), tmp_path, EmitOptions()).path
        decisions = target.read_forest(path, lowered.interface)
        assert decisions is not None
        assert isinstance(prove(lowered, decisions), Proof)
        turned = replace(decisions.forest, left=decisions.forest.right, right=decisions.forest.left)
        assert isinstance(prove(lowered, replace(decisions, forest=turned)), Witness)
