"""Arithmetic, distances and piecewise functions beside their numpy meaning, on adversarial rows."""

from typing import Any

import numpy as np
import pytest

from edgepack.contract import Input
from edgepack.ir.ops import (
    Binary,
    Bucket,
    Constant,
    Coupling,
    Distances,
    Nearest,
    Piecewise,
    Power,
    Reduce,
    Select,
    WeightedMedian,
    Where,
)
from edgepack.ir.ops.arithmetic import BINARY, REDUCTIONS
from edgepack.ir.ops.neighbors import METRICS

EDGES = (np.array([-1.0, 0.5, 0.5, 2.0]), np.array([]), np.array([-np.inf, 1e-8, 1.5]))


@pytest.mark.parametrize("widths", [(4, 4), (4, 1), (1, 4)])
@pytest.mark.parametrize("function", BINARY)
def test_functions_of_two_numbers(function: str, widths: Any, make_program: Any, rows: Any, same: Any) -> None:
    given = [Input(name="x", kind="number", width=8)]
    parts = [
        ("a", Select(columns=np.arange(widths[0])), ["i0"]),
        ("b", Select(columns=np.arange(4, 4 + widths[1])), ["i0"]),
        ("v", Binary(function=function), ["a", "b"]),
    ]
    same(make_program(given, parts, {"value": "v"}, value_width=4), rows(8))


@pytest.mark.parametrize("widths", [(3, 3, 3), (1, 3, 3), (3, 1, 3), (3, 3, 1)])
def test_where_takes_the_second_table_wherever_the_first_is_not_zero(
    widths: Any, make_program: Any, rows: Any, same: Any
) -> None:
    parts = [(n, Select(columns=np.arange(k, k + w)), ["i0"]) for n, k, w in zip("abc", (0, 3, 6), widths, strict=True)]
    program = make_program(
        [Input(name="x", kind="number", width=9)], [*parts, ("v", Where(), list("abc"))], {"value": "v"}, value_width=3
    )
    same(program, rows(9))


def test_powers(one_op: Any, rows: Any, same: Any) -> None:
    same(one_op(Power(exponent=np.array([0.5, 2.0, -1.5, 0.0])), 4), rows(4), ulps=2)


@pytest.mark.parametrize("kind", ["number", "string"])
def test_a_constant_row_comes_as_often_as_there_are_rows(kind: str, one_op: Any, rows: Any, same: Any) -> None:
    same(one_op(Constant(row=np.array([1.5, np.nan, -0.0])), 2, kind), rows(2, kind))


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("function", ["max", "min"])
def test_the_largest_and_smallest_of_runs(function: str, groups: int, one_op: Any, rows: Any, same: Any) -> None:
    given = rows(6)
    given["x"] = np.nan_to_num(given["x"], nan=7.0)
    same(one_op(Reduce(function=function, groups=groups), 6), given)


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("function", sorted(set(REDUCTIONS) - {"max", "min", "logsumexp"}))
def test_sums_and_products_of_runs(function: str, groups: int, one_op: Any, answers: Any) -> None:
    program = one_op(Reduce(function=function, groups=groups), 6)
    x = np.random.default_rng(0).normal(size=(700, 6)).astype(np.float32).astype(np.float64)
    x[0, 0], x[1, 1] = np.nan, np.inf
    expected = program.run({"x": x})["value"]
    np.testing.assert_allclose(answers(program, {"x": x})["value"], expected, rtol=1e-15, atol=1e-15)


def test_logsumexp_is_right_to_the_last_digits_of_its_largest_term(one_op: Any, rows: Any, answers: Any) -> None:
    program, given = one_op(Reduce(function="logsumexp", groups=2), 6), rows(6, beyond=False)
    expected = program.run(given)["value"]
    np.testing.assert_allclose(answers(program, given)["value"], expected, rtol=1e-15, atol=1e-15)


def test_logsumexp_of_infinities(one_op: Any, same: Any) -> None:
    x = np.array([[-np.inf, -np.inf], [-np.inf, 0.0], [np.inf, 1.0], [np.inf, np.inf], [1e30, 1.0]])
    same(one_op(Reduce(function="logsumexp"), 2), {"x": x.astype(np.float32).astype(np.float64)}, ulps=2)


@pytest.mark.parametrize("metric", METRICS)
def test_distances(metric: str, one_op: Any, answers: Any) -> None:
    rng = np.random.default_rng(0)
    op = Distances(points=rng.normal(size=(7, 3)), metric=metric, p=3.0)
    x = rng.normal(size=(700, 3)).astype(np.float32).astype(np.float64)
    x[:7], x[7] = op.points.astype(np.float32), 0
    program = one_op(op, 3)
    np.testing.assert_allclose(
        answers(program, {"x": x})["value"], program.run({"x": x})["value"], rtol=1e-14, atol=1e-15
    )


def test_a_row_is_at_distance_0_from_itself(one_op: Any, answers: Any) -> None:
    points = (1e6 + np.random.default_rng(0).normal(size=(5, 3))).astype(np.float32).astype(np.float64)
    program = one_op(Distances(points=points, metric="euclidean"), 3)
    assert (np.diag(answers(program, {"x": points})["value"]) == 0).all()


@pytest.mark.parametrize("k", [1, 3, 6])
def test_the_nearest_are_the_smallest_and_the_first_of_equals(k: int, one_op: Any, rows: Any, same: Any) -> None:
    given = rows(6)
    given["x"] = np.nan_to_num(given["x"], nan=7.0, posinf=1e30, neginf=-1e30)
    same(one_op(Nearest(k=k), 6), given)


def test_weighted_medians(one_op: Any, rows: Any, same: Any) -> None:
    given = rows(5)
    given["x"] = np.nan_to_num(given["x"], nan=7.0)
    same(one_op(WeightedMedian(weights=np.array([0.1, 3.0, 1.0, 0.0, 2.0])), 5), given)


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_pairs_are_coupled_until_each_row_has_settled(classes: int, one_op: Any, answers: Any) -> None:
    rng, pairs = np.random.default_rng(classes), classes * (classes - 1) // 2
    sure, even = rng.choice([1e-7, 0.5, 1 - 1e-7], (200, pairs)), np.full((1, pairs), 0.5)
    x = np.concatenate([rng.uniform(size=(200, pairs)), sure, even]).astype(np.float32).astype(np.float64)
    program = one_op(Coupling(classes=classes), pairs)
    for rows in (x, x[:1], even):
        wanted = program.run({"x": rows})["value"]
        np.testing.assert_allclose(answers(program, {"x": rows})["value"], wanted, atol=1e-14)


@pytest.mark.parametrize("right", [True, False])
def test_buckets(right: bool, one_op: Any, rows: Any, same: Any) -> None:
    same(one_op(Bucket(edges=EDGES, right=right), 3), rows(3, extra=[*EDGES[0], *EDGES[2]]))


@pytest.mark.parametrize("degree", [0, 1, 3])
@pytest.mark.parametrize("right", [True, False])
def test_piecewise_polynomials(right: bool, degree: int, one_op: Any, rows: Any, same: Any) -> None:
    rng = np.random.default_rng(degree)
    origin = tuple(rng.normal(size=len(e) + 1) for e in EDGES)
    coef = tuple(rng.normal(size=(len(e) + 1, 2, degree + 1)) for e in EDGES)
    op = Piecewise(edges=EDGES, right=right, origin=origin, coef=coef)
    same(one_op(op, 3), rows(3, extra=[*EDGES[0], *EDGES[2]]))


def test_a_straight_line_in_every_interval_is_numpys_interpolation() -> None:
    rng = np.random.default_rng(0)
    xp, fp = np.sort(rng.normal(size=9)), rng.normal(size=9)
    slopes = np.diff(fp) / np.diff(xp)
    op = Piecewise(
        edges=(xp[1:-1],), right=True, origin=(xp[:-1],), coef=(np.stack([fp[:-1], slopes], axis=1)[:, None, :],)
    )
    x = np.concatenate([rng.uniform(xp[0], xp[-1], 1000), xp[:-1]])
    np.testing.assert_array_equal(op.run(x[:, None])[:, 0], np.interp(x, xp, fp))
