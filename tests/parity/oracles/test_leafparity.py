"""leafparity judges the files that edgepack proves: single trees over plain numbers, which are what it can read.

It knows ai.onnx.ml 3 alone, so each Program is emitted twice: for it, and in the form that `prove` reads back. Behind a
scaler the two ask different questions (leafparity scales in float32, edgepack's server in float64); forests and
classifiers as edgepack writes them it cannot certify.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.tree import DecisionTreeRegressor, ExtraTreeRegressor

from benchmarks.isolated import NotThere, run
from edgepack.contract import EmitOptions
from edgepack.ir import Program
from edgepack.ir.ops import Forest
from edgepack.lower import lower
from edgepack.parity.prove import Proof, Witness, prove
from edgepack.passes import optimize
from edgepack_onnx import target

pytestmark = pytest.mark.oracle
REQUIREMENTS = Path(__file__).with_name("leafparity.txt")
TREES = {"tree": DecisionTreeRegressor(max_depth=5, random_state=0), "extra": ExtraTreeRegressor(max_depth=5)}


def planted(program: Program, kind: str) -> Program:
    """The Program whose first split is moved by an ulp of float32 or two, or sends NaN the other way."""
    at, forest = next((k, node.op) for k, node in enumerate(program.nodes) if isinstance(node.op, Forest))
    split = int(forest.roots[0])
    threshold, nan_left = forest.threshold.copy(), forest.nan_left.copy()
    if kind == "threshold":
        threshold[split] += 2 * np.spacing(np.abs(np.float32(threshold[split])))
    else:
        nan_left[split] = ~nan_left[split]
    wrong = replace(program.nodes[at], op=replace(forest, threshold=threshold, nan_left=nan_left))
    return replace(program, nodes=(*program.nodes[:at], wrong, *program.nodes[at + 1 :]))


def test_both_certify_the_same_files_and_find_the_same_faults(tmp_path: Path) -> None:
    assert f"scikit-learn=={sklearn.__version__}" in REQUIREMENTS.read_text(), "pin the scikit-learn of these pickles"
    r = np.random.default_rng(0)
    x = r.normal(size=(300, 4)).astype(np.float32).astype(np.float64)
    y = np.nan_to_num(x[:, 0]) + x[:, 1] * x[:, 2]
    x[r.random(x.shape) < 0.1] = np.nan
    (tmp_path / "pairs").mkdir()
    own: dict[str, Any] = {}
    for name, tree in TREES.items():
        tree.fit(x, y)
        lowered = lower(tree, x)
        right = optimize(lowered)
        for kind, program in {
            "right": right,
            "threshold": planted(right, "threshold"),
            "nan": planted(right, "nan"),
        }.items():
            case = f"{name} {kind}"
            old = target.emit(program, tmp_path, EmitOptions(min_runtime="1.17")).path
            shutil.copy(old, tmp_path / "pairs" / f"{case}.onnx")
            joblib.dump(tree, tmp_path / "pairs" / f"{case}.joblib")
            decisions = target.read_forest(target.emit(program, tmp_path, EmitOptions()).path, lowered.interface)
            assert decisions is not None
            own[case] = prove(lowered, decisions)
    try:
        told = json.loads(run(REQUIREMENTS, Path(__file__).with_name("judge_leaves.py"), str(tmp_path / "pairs")))
    except NotThere as reason:
        pytest.skip(f"NO ORACLE: {reason}")
    assert told == {case: "EQUIVALENT" if case.endswith("right") else "NOT EQUIVALENT" for case in own}
    for case, finding in own.items():
        assert isinstance(finding, Proof if case.endswith("right") else Witness), case
