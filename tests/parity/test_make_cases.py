from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.tree import DecisionTreeRegressor

from edgepack.contract import Input
from edgepack.ir.ops import Forest
from edgepack.lower import lower
from edgepack.parity import make_cases
from edgepack.parity.cases import fair_shares
from edgepack.parity.paths import PathFinder
from edgepack.parity.pools import LOOKALIKES, pools
from edgepack.parity.trace import trace


def with_input(program: Any, name: str, **changes: Any) -> Any:
    inputs: tuple[Input, ...] = tuple(replace(i, **changes) if i.name == name else i for i in program.interface.inputs)
    return replace(program, interface=replace(program.interface, inputs=inputs))


def test_the_same_seed_gives_the_same_rows_and_another_does_not(forest_model: Any) -> None:
    one, same, other = (
        make_cases(forest_model.lowered, example=forest_model.columns, budget_rows=500, seed=seed) for seed in (3, 3, 4)
    )
    assert np.array_equal(one.columns["income"], same.columns["income"], equal_nan=True)
    assert not np.array_equal(one.columns["income"], other.columns["income"], equal_nan=True)


@pytest.mark.parametrize("budget", [200, 2000, 20_000])
def test_rows_come_to_about_the_budget_and_every_origin_is_counted(forest_model: Any, budget: int) -> None:
    cases = make_cases(forest_model.lowered, example=forest_model.columns, budget_rows=budget)
    assert 0.8 * budget <= cases.rows <= 1.3 * budget
    assert sum(cases.counts().values()) == cases.rows == len(cases.columns["age"])
    wanted = {"split boundaries", "categories", "unusual strings", "extremes", "missing", "split paths"}
    assert wanted <= set(cases.counts())


def test_all_of_the_users_rows_are_taken_whatever_the_budget(forest_model: Any) -> None:
    cases = make_cases(forest_model.lowered, data=forest_model.columns, budget_rows=100)
    assert cases.counts()["data"] == 300
    kept = cases.origins == "data"
    assert np.array_equal(cases.columns["income"][kept], forest_model.columns["income"])


def test_counts_can_leave_out_refused_rows(forest_model: Any) -> None:
    cases = make_cases(forest_model.lowered, budget_rows=200)
    assert cases.counts(cases.origins == "extremes") == {"extremes": cases.counts()["extremes"]}


def test_numbers_are_values_of_the_input_dtype(forest_model: Any) -> None:
    for x in make_cases(forest_model.lowered, budget_rows=1000).columns.values():
        if x.dtype != object:
            assert np.array_equal(x, x.astype(np.float32).astype(np.float64), equal_nan=True)


def test_missing_values_are_tried_only_where_they_are_accepted(forest_model: Any) -> None:
    full = make_cases(forest_model.lowered, budget_rows=1000).columns
    assert np.isnan(full["age"]).any()
    program = with_input(with_input(forest_model.lowered, "age", accepts_missing=False), "city", accepts_missing=False)
    none = make_cases(program, budget_rows=1000).columns
    assert not np.isnan(none["age"]).any()
    assert None not in none["city"]


def test_unknown_categories_are_tried_only_where_they_are_accepted(forest_model: Any) -> None:
    tried = set(make_cases(forest_model.lowered, budget_rows=1000).columns["city"].ravel())
    assert {"Lyon", "", "lYON", "Lyon ", "Lyon".translate(LOOKALIKES)} <= tried
    program = with_input(forest_model.lowered, "city", accepts_unknown=False, accepts_missing=False)
    assert set(make_cases(program, budget_rows=1000).columns["city"].ravel()) == {"Bern", "Lyon", "Turin"}


def test_the_word_for_missing_is_never_given_as_a_string(forest_model: Any) -> None:
    program = with_input(forest_model.lowered, "city", missing_token="")
    assert "" not in set(make_cases(program, budget_rows=1000).columns["city"].ravel())


def test_path_rows_come_by_the_split_that_they_are_for_on_every_side(forest_model: Any) -> None:
    program = forest_model.lowered
    node = next(n for n in program.nodes if isinstance(n.op, Forest))
    forest, rng = node.op, np.random.default_rng(0)
    finder = PathFinder(forest, trace(program)[node.inputs[0]], pools([program], forest_model.columns))
    for target in finder.targets:
        count, choices = next(finder.find(np.array([target]), rng))
        columns = {i.name: np.repeat(forest_model.columns[i.name][:1], count, axis=0) for i in program.interface.inputs}
        for choice in choices:
            i = program.interface.inputs[choice.slot[0]]
            columns[i.name][choice.rows, 0] = choice.values
            columns[i.name][choice.rows[choice.missing], 0] = None if i.kind == "string" else np.nan
        leaves = forest.leaves(program.values(columns)[node.inputs[0]])
        ways = [way_to(forest, int(leaf)) for leaf in leaves[:, forest.tree[target]]]
        assert count >= 2
        assert all(int(target) in way for way in ways)
        taken = {way[way.index(int(target)) + 1] for way in ways}
        assert taken == {int(forest.left[target]), int(forest.right[target])}


def way_to(forest: Forest, leaf: int) -> list[int]:
    """The nodes from the root to a leaf."""
    way = [leaf]
    while len(parents := np.flatnonzero((forest.left == way[0]) | (forest.right == way[0]))):
        way.insert(0, int(parents[0]))
    return way


@pytest.mark.parametrize(
    ("sizes", "budget", "shares"),
    [([2, 100, 100], 102, [2, 50, 50]), ([5, 5], 100, [5, 5]), ([9, 9, 9], 2, [1, 1, 1]), ([], 10, [])],
)
def test_small_groups_are_taken_whole_and_large_ones_share(sizes: list[int], budget: int, shares: list[int]) -> None:
    assert fair_shares(sizes, budget) == shares


def test_rows_of_one_number_are_tried(forest_model: Any) -> None:
    cases = make_cases(forest_model.lowered, example=forest_model.columns, budget_rows=200)
    age, income = (cases.columns[name][:, 0] for name in ("age", "income"))
    assert {0.0, 1.0, -1.0} <= set(age[age == income].tolist())


def test_a_forest_that_never_splits() -> None:
    x = np.arange(12.0).reshape(6, 2)
    program = lower(DecisionTreeRegressor().fit(x, np.ones(6)), x)
    assert make_cases(program, budget_rows=50).rows >= 40


def test_rows_that_are_compared_elsewhere_make_rows_like_them(logistic_model: Any) -> None:
    seen = {name: x[:3].copy() for name, x in logistic_model.columns.items()}
    seen["income"][:] = 123456.0
    plain = make_cases(logistic_model.lowered, example=logistic_model.columns, budget_rows=400)
    cases = make_cases(logistic_model.lowered, example=logistic_model.columns, seen=seen, budget_rows=400)
    assert not np.any(plain.columns["income"] == 123456.0)
    assert np.any(cases.columns["income"] == 123456.0)
    assert "data" not in cases.counts()
