"""Rows at which a fitted row comes near: one that is a hundredth off is found out, on both targets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KernelDensity, KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from edgepack.columns import take
from edgepack.contract import EmitOptions
from edgepack.ir import Program
from edgepack.ir.ops import Binary, Distances
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases, run_parity
from edgepack.parity.radius import Radius
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


@pytest.mark.parametrize("weights", ["uniform", "distance"])
@pytest.mark.parametrize(("metric", "radius"), [("euclidean", 0.4), ("manhattan", 0.6)])
def test_each_fitted_row_that_is_off_is_found_out(metric: str, radius: float, weights: Any) -> None:
    estimator = RadiusNeighborsRegressor(radius, metric=metric, weights=weights).fit(X, Y)
    program = lower(estimator, X)
    columns = make_cases(program, example=columns_of(X, program.interface), budget_rows=2_000).columns
    reference = Reference(estimator=estimator, interface=program.interface)
    columns = take(columns, ~reference.ties(columns))
    right = program.run(columns)["value"]

    def found(point: int) -> bool:
        return not np.allclose(moved(program, point).run(columns)["value"], right, rtol=1e-5, atol=1e-5, equal_nan=True)

    assert [point for point in range(len(X)) if not found(point)] == []


def test_a_model_of_many_fitted_rows_gets_rows_for_each() -> None:
    x = R.uniform(size=(2_000, 6)).astype(np.float32).astype(np.float64)
    program = lower(RadiusNeighborsRegressor(0.6).fit(x, x[:, 0]), x)
    cases = make_cases(program, example=columns_of(x, program.interface), budget_rows=20_000)
    rows = cases.columns["X"][cases.origins == "near or not"]
    nearest = np.full(len(x), np.inf)
    for part in np.array_split(rows, 40):
        nearest = np.minimum(nearest, np.abs(np.sqrt(((part[:, None] - x) ** 2).sum(axis=2)) - 0.6).min(axis=0))
    assert np.mean(nearest < 4 * NEAR_ASIDE) > 0.99


@pytest.mark.parametrize(
    "estimator",
    [
        *(RadiusNeighborsRegressor(0.5, metric=m) for m in ("euclidean", "manhattan", "chebyshev")),
        RadiusNeighborsRegressor(0.5, p=3),
        make_pipeline(StandardScaler(), RadiusNeighborsRegressor(1.5)),
        KernelDensity(kernel="tophat", bandwidth=0.5),
    ],
    ids=str,
)
def test_one_distance_is_compared_as_all_are(estimator: Any) -> None:
    program = lower(estimator.fit(X, Y), X, output=None if hasattr(estimator, "predict") else "score_samples")
    node = next(n for n in program.nodes if isinstance(n.op, Binary) and n.op.function in ("greater", "greater_equal"))
    radius = Radius.of(program, node)
    assert radius is not None
    rows, points = columns_of(R.uniform(size=(300, 4)), program.interface), R.integers(len(X), size=300)
    all_of_them = program.values(rows, until=node.name)[node.name]
    assert np.array_equal(radius.compared(rows, points), all_of_them[np.arange(300), points])
    assert 0 < all_of_them.mean() < 1


def test_what_is_no_radius_is_told_from_one() -> None:
    cosine = lower(RadiusNeighborsRegressor(0.1, metric="cosine").fit(X, Y), X)
    assert [Radius.of(cosine, node) for node in cosine.nodes] == [None] * len(cosine.nodes)
    one = lower(MODELS["radius"].fit(X, Y), X)
    assert sum(Radius.of(one, node) is not None for node in one.nodes) == 1


def test_a_model_that_compares_nothing_has_no_such_rows() -> None:
    program = lower(DecisionTreeRegressor(max_depth=2).fit(X, Y), X)
    assert nearness_rows(program, columns_of(X, program.interface), 100, np.random.default_rng(0)) is None
