"""Rows at which a class, or one on the way to it, is chosen by little; and the fitted rows that they are made from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from catalogue.faults import _Interpreted
from sklearn.ensemble import GradientBoostingClassifier, IsolationForest
from sklearn.impute import KNNImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC

from edgepack.ir import Program
from edgepack.ir.ops import Forest, Linear, Step
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases, run_parity
from edgepack.parity.close import LEAST, close_rows
from edgepack.parity.fitted import fitted_rows
from edgepack.parity.pools import pools
from edgepack.parity.surface import fork_rows
from edgepack.rows import columns_of

X = (np.random.default_rng(8).normal(size=(200, 3)) * [1, 4, 0.3] + [0, 50, 0]).astype(np.float32).astype(np.float64)
VALUE = X @ [1.0, 0.4, -2.0]
LABELS = np.stack([np.median(VALUE) < VALUE, X[:, 2] > 0.1, X[:, 0] + X[:, 2] > 0.5], axis=1).astype(int)
SEVERAL: list[Any] = [OneVsRestClassifier(LogisticRegression(max_iter=5000)), ClassifierChain(LinearSVC())]
BOOSTED = GradientBoostingClassifier(n_estimators=40, random_state=0).fit(X, LABELS[:, 0])


def with_op(program: Program, kind: type, number: int, **changes: Any) -> Program:
    """A Program in which the op of that number among those of a kind is another."""
    at = [k for k, node in enumerate(program.nodes) if isinstance(node.op, kind)][number]
    node = program.nodes[at]
    return replace(
        program, nodes=(*program.nodes[:at], replace(node, op=replace(node.op, **changes)), *program.nodes[at + 1 :])
    )


def passes(estimator: Any, right: Program, device: Program) -> bool:
    """Whether rows that are made for the right Program let a device pass."""
    reference = Reference(estimator=estimator, interface=right.interface)
    cases = make_cases(right, example=columns_of(X, right.interface), budget_rows=1_500)
    (verdict,) = run_parity(reference, {"device": _Interpreted(device)}, cases, program=right)
    return verdict.passed


@pytest.mark.parametrize("estimator", SEVERAL, ids=str)
def test_each_of_several_labels_has_rows_on_both_sides(estimator: Any) -> None:
    program = lower(estimator.fit(X, LABELS), X)
    rows = fork_rows(program, columns_of(X, program.interface), 60, np.random.default_rng(0))
    assert rows is not None
    before, after = (program.run({"X": half})["value"] for half in np.split(rows["X"], 2))
    changed = (before != after).sum(axis=0)
    assert np.all(changed >= 10)
    assert np.abs(np.subtract(*np.split(rows["X"], 2))).max() < 0.01  # as near as float32 tells apart, and a little


@pytest.mark.parametrize("number", range(3))
def test_a_label_whose_score_is_a_little_off_is_found_out(number: int) -> None:
    estimator = ClassifierChain(LinearSVC()).fit(X, LABELS)
    program = lower(estimator, X)
    assert passes(estimator, program, program)
    linear = [node.op for node in program.nodes if isinstance(node.op, Linear)][number]
    assert not passes(estimator, program, with_op(program, Linear, number, intercept=linear.intercept + 0.01))


def test_a_model_that_chooses_nothing_but_its_label_has_no_forks() -> None:
    for estimator in (LogisticRegression(max_iter=5000).fit(X, LABELS[:, 0]), Ridge().fit(X, VALUE)):
        program = lower(estimator, X)
        assert fork_rows(program, columns_of(X, program.interface), 50, np.random.default_rng(0)) is None


@pytest.mark.parametrize("threshold", [0.01, -0.01])
def test_a_threshold_that_is_a_little_off_is_found_out(threshold: float) -> None:
    program = lower(BOOSTED, X)
    assert passes(BOOSTED, program, program)
    assert not passes(BOOSTED, program, with_op(program, Step, 0, threshold=threshold))


def test_close_rows_are_close_on_both_sides_and_no_ties() -> None:
    program = lower(BOOSTED, X)
    base = columns_of(X, program.interface)
    rows = close_rows(program, base, pools([program], base), 60, np.random.default_rng(0))
    assert rows is not None
    scores = BOOSTED.decision_function(rows["X"])
    assert min((scores > 0).sum(), (scores < 0).sum()) >= 20
    assert np.all(np.abs(scores) >= LEAST)
    assert np.median(np.abs(scores)) < 0.2 * np.median(np.abs(BOOSTED.decision_function(X)))


@pytest.mark.parametrize("last", [Ridge(), KNeighborsRegressor()], ids=str)
def test_a_model_that_chooses_nothing_has_no_close_rows(last: Any) -> None:
    program = lower(last.fit(X, VALUE), X)
    base = columns_of(X, program.interface)
    assert close_rows(program, base, pools([program], base), 60, np.random.default_rng(0)) is None


def test_leaves_that_only_a_label_shows_are_found_out_by_close_choices() -> None:
    x = np.random.default_rng(9).normal(size=(150, 6)).astype(np.float32).astype(np.float64)
    program = lower(IsolationForest(n_estimators=10, max_samples=32, random_state=0).fit(x), x)
    (forest,) = [node.op for node in program.nodes if isinstance(node.op, Forest)]
    cases = make_cases(program, example=columns_of(x, program.interface), budget_rows=3_000)

    def found(leaves: Any, rows: Any) -> int:
        columns = {"X": cases.columns["X"][rows]}
        right = program.run(columns)["label"]
        wrong = [with_op(program, Forest, 0, value=moved(forest.value, leaf)) for leaf in leaves]
        return sum(bool(np.any(w.run(columns)["label"] != right)) for w in wrong)

    some, close = np.flatnonzero(forest.is_leaf)[::5], cases.origins == "close choices"
    assert 500 <= close.sum() <= 600
    assert found(some, close) > found(some, ~close) > 0  # a fifth of the rows


def moved(values: Any, at: int) -> Any:
    changed = values.copy()
    changed[at] = changed[at] * 1.01 + 0.01
    return changed


@pytest.mark.parametrize("scaled", [False, True])
def test_fitted_rows_are_those_that_the_distances_tell(scaled: bool) -> None:
    search = RadiusNeighborsRegressor(2.0)
    estimator = (make_pipeline(StandardScaler(), search) if scaled else search).fit(X, VALUE)
    program = lower(estimator, X)
    found = fitted_rows(program, columns_of(X[:3], program.interface), 10_000, np.random.default_rng(0))
    assert found is not None
    assert np.allclose(found["X"], X, rtol=1e-5, atol=1e-5)
    fewer = fitted_rows(program, columns_of(X[:3], program.interface), 20, np.random.default_rng(0))
    assert fewer is not None and len(fewer["X"]) == 20
    linear = lower(Ridge().fit(X, VALUE), X)
    assert fitted_rows(linear, columns_of(X[:3], linear.interface), 20, np.random.default_rng(0)) is None


def test_fitted_rows_behind_a_clip_are_told_and_none_is_infinite() -> None:
    """Years: 0 and 1 lie both before the first, and are clipped to the same number."""
    x = np.random.default_rng(9).uniform([1990, 40], [2020, 60], (100, 2)).astype(np.float32).astype(np.float64)
    model = make_pipeline(MinMaxScaler(clip=True), KNeighborsRegressor(3)).fit(x, x[:, 0])
    program = lower(model, x)
    found = fitted_rows(program, columns_of(x[:5], program.interface), 10_000, np.random.default_rng(0))
    assert found is not None
    assert np.allclose(found["X"], x, rtol=1e-4)
    cases = make_cases(program, example=columns_of(x[:5], program.interface), budget_rows=2_000)
    assert np.isfinite(cases.columns["X"][cases.origins == "near or not"]).all()


def test_rows_that_lack_values_are_made_where_a_value_may_be_missing_or_zero() -> None:
    program = lower(KNeighborsRegressor(3).fit(X, VALUE), X)
    cases = make_cases(program, example=columns_of(X, program.interface), budget_rows=2_000)
    rows = cases.columns["X"][cases.origins == "few values"]
    assert 60 <= len(rows) <= 90
    assert np.mean((rows == 0).any(axis=1)) > 0.9


def test_close_rows_are_no_more_than_asked_for_however_many_choices_there_are() -> None:
    labels = (np.random.default_rng(9).random((200, 60)) < 0.5).astype(int)
    program = lower(OneVsRestClassifier(LogisticRegression()).fit(X, labels), X)
    base = columns_of(X, program.interface)
    rows = close_rows(program, base, pools([program], base), 25, np.random.default_rng(0))
    assert rows is not None and len(rows["X"]) == 25


def test_a_sample_of_few_rows_still_finds_every_fitted_row_that_is_off() -> None:
    program = lower(RadiusNeighborsRegressor(3.0).fit(X, VALUE), X)
    cases = make_cases(program, example=columns_of(X[:5], program.interface), budget_rows=4_000)
    rows = cases.columns["X"][cases.origins == "near or not"]
    apart = np.abs(np.sqrt(((rows[:, None] - X) ** 2).sum(axis=2)) - 3.0).min(axis=0)
    assert np.mean(apart < 0.01) > 0.95


def test_where_neighbours_fill_columns_each_is_missing_in_many_rows() -> None:
    holed = np.where(np.random.default_rng(9).random(X.shape) < 0.1, np.nan, X)
    program = lower(make_pipeline(KNNImputer(n_neighbors=2), Ridge()).fit(holed, VALUE), holed)
    cases = make_cases(program, example=columns_of(holed, program.interface), budget_rows=3_000)
    missing = np.isnan(cases.columns["X"][cases.origins == "few values"])
    assert np.all(missing.sum(axis=0) >= 160)
