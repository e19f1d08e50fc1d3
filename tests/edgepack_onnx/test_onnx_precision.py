"""`precision="float32"`: the same branches, sums rounded to float32, about half the bytes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from edgepack.columns import take
from edgepack.contract import EmitOptions
from edgepack.ir.ops import Forest
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases
from edgepack.passes import optimize
from edgepack.rows import columns_of
from edgepack_onnx import target

MODELS = {
    "two-class mean": RandomForestClassifier(12, random_state=0),
    "boosted regressor": HistGradientBoostingRegressor(max_iter=30),
    "boosted classes": GradientBoostingClassifier(n_estimators=8, random_state=0),
}


def fitted(name: str) -> tuple[Any, pd.DataFrame]:
    r = np.random.default_rng(1)
    frame = pd.DataFrame({"a": r.lognormal(3, 1, 300), "b": r.normal(size=300)})
    frame["c"] = pd.Series(r.choice(["x", "y", "é"], 300), dtype=object)
    score = np.log(frame["a"]) + frame["b"] + (frame["c"] == "x")
    wanted = {
        "two-class mean": score > score.median(),
        "boosted regressor": score * 1000,
        "boosted classes": np.digitize(score, [3, 5]),
    }
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("num", numbers, ["a", "b"]), ("cat", OneHotEncoder(handle_unknown="ignore"), ["c"])])
    return make_pipeline(columns, MODELS[name]).fit(frame, wanted[name]), frame


@pytest.mark.parametrize("name", MODELS)
def test_branches_stay_and_only_sums_are_rounded(name: str, tmp_path: Path) -> None:
    estimator, frame = fitted(name)
    lowered = lower(estimator, frame)
    program = optimize(lowered)
    sizes = {}
    for precision in ("float64", "float32"):
        (tmp_path / precision).mkdir()
        artifact = target.emit(program, tmp_path / precision, EmitOptions(precision=precision))  # type: ignore[arg-type]
        sizes[precision] = artifact.path.stat().st_size
    assert sizes["float32"] < 0.85 * sizes["float64"]
    assert "added in float32" in artifact.notes[0]

    cases = make_cases(lowered, folded=program, example=columns_of(frame, program.interface), budget_rows=4000)
    server, refused = Reference(estimator=estimator, interface=program.interface).answers(cases.columns)
    device = target.open(artifact.path, program.interface).run(take(cases.columns, ~refused))
    name_of = "value" if "value" in server else "probabilities"
    scale = np.maximum(np.abs(server[name_of]), 1)
    assert np.max(np.abs(device[name_of] - server[name_of]) / scale) < 1e-6
    assert np.any(device[name_of] != server[name_of])  # float32 sums do differ: the option does something


def test_a_leaf_that_tells_every_branch_apart_is_reached_in_float32_too(tmp_path: Path) -> None:
    estimator, frame = fitted("boosted regressor")
    lowered = lower(estimator, frame)
    program = optimize(lowered)
    nodes = []
    for node in program.nodes:
        if isinstance(op := node.op, Forest):
            # one tree whose leaf values are small whole numbers: float32 adds them exactly, so a wrong branch shows
            end = int(op.roots[1])
            leaf = op.left[:end] < 0
            value = np.where(leaf, np.arange(end) + 1.0, 0.0)[:, None]
            kept = {
                k: getattr(op, k)[:end] for k in ("feature", "threshold", "equal", "nan_left", "left", "right", "seen")
            }
            node = replace(node, op=replace(op, **kept, value=value, roots=op.roots[:1], base=np.zeros(1)))
        nodes.append(node)
    tree = replace(program, nodes=tuple(nodes))
    artifact = target.emit(tree, tmp_path, EmitOptions(precision="float32"))
    cases = make_cases(lowered, folded=program, example=columns_of(frame, program.interface), budget_rows=4000)
    device = target.open(artifact.path, program.interface).run(cases.columns)
    assert np.array_equal(device["value"], tree.run(cases.columns)["value"])


def test_doubles_from_the_device_are_never_narrowed(tmp_path: Path) -> None:
    estimator, frame = fitted("two-class mean")
    program = optimize(lower(estimator, frame, input_dtype="float64"))
    artifact = target.emit(program, tmp_path, EmitOptions(precision="float32"))
    assert not artifact.notes
