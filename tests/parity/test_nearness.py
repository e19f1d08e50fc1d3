"""Rows at which a fitted row comes near: one that is a hundredth off is found out, on both targets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from edgepack.contract import EmitOptions
from edgepack.ir import Program
from edgepack.ir.ops import Distances
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases, run_parity
from edgepack.parity.surface import NEAR_ASIDE, nearness_rows
from edgepack.rows import columns_of
from edgepack.targets import find_target

R = np.random.default_rng(3)
X = R.uniform(size=(120, 4)).astype(np.float32).astype(np.float64)
Y = R.normal(size=120)
HARD = (3, 45, 78, 100)
"""The first three are missed by all other rows that are tried, as one of the nearest."""
MODELS = {"radius": RadiusNeighborsRegressor(radius=0.4), "nearest": KNeighborsRegressor(4)}


def moved(program: Program, point: int) -> Program:
    """One number of one fitted row a hundredth off."""
    k = next(k for k, node in enumerate(program.nodes) if isinstance(node.op, Distances))
    node = program.nodes[k]
    assert isinstance(node.op, Distances)
    points = node.op.points.copy()
    points[point, point % points.shape[1]] += 0.01
    wrong = replace(node, op=replace(node.op, points=points))
    return replace(program, nodes=(*program.nodes[:k], wrong, *program.nodes[k + 1 :]))


@pytest.mark.parametrize("target", ["onnx", "coreml"])
@pytest.mark.parametrize("name", MODELS)
def test_a_fitted_row_that_is_off_is_found_out(name: str, target: str, tmp_path: Path) -> None:
    estimator = MODELS[name].fit(X, Y)
    program = lower(estimator, X)
    reference = Reference(estimator=estimator, interface=program.interface)
    cases = make_cases(program, example=columns_of(X, program.interface), budget_rows=3_000)

    def passes(emitted: Program, k: int) -> bool:
        into = tmp_path / str(k)
        into.mkdir()
        kind = find_target(target)
        runner: Any = kind.open(kind.emit(emitted, into, EmitOptions(name="case")).path, emitted.interface)
        (verdict,) = run_parity(reference, {target: runner}, cases, program=program)
        return verdict.passed

    assert passes(program, 99)
    assert [k for k in HARD if passes(moved(program, k), k)] == []


def test_each_fitted_row_gets_rows_of_its_own() -> None:
    estimator = MODELS["radius"].fit(X, Y)
    program = lower(estimator, X)
    rows = nearness_rows(program, columns_of(X, program.interface), 480, np.random.default_rng(0))
    assert rows is not None
    distances = np.sqrt(((rows["X"][:, None] - X) ** 2).sum(axis=2))
    nearest = np.abs(distances - 0.4).min(axis=0)  # of each fitted row: the row that is nearest to its radius
    assert np.all(nearest < 4 * NEAR_ASIDE)


def test_a_model_that_compares_nothing_has_no_such_rows() -> None:
    program = lower(DecisionTreeRegressor(max_depth=2).fit(X, Y), X)
    assert nearness_rows(program, columns_of(X, program.interface), 100, np.random.default_rng(0)) is None
