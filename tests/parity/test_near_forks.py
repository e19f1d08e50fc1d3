"""Choices inside a model that hang by a hair: what follows them is not compared, and nothing else is let off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC, LinearSVC

from edgepack.lower import lower
from edgepack.parity import Reference, make_cases, run_parity
from edgepack.parity.forks import near_forks
from edgepack.rows import columns_of

R = np.random.default_rng(2)
X = R.normal(size=(300, 3)).astype(np.float32).astype(np.float64)
Y = (X[:, 0] + 0.3 * R.normal(size=300) > 0).astype(int)
MODEL = VotingClassifier([("a", LinearSVC()), ("b", LogisticRegression()), ("c", LinearSVC(C=0.1))], voting="hard")


@pytest.fixture(scope="module")
def voting() -> Any:
    return MODEL.fit(X, Y)


def test_a_row_on_a_members_boundary_is_near_a_fork_and_others_are_not(voting: Any) -> None:
    program = lower(voting, X[:5])
    member = voting.estimators_[0]
    on = X[:50] - np.outer(member.decision_function(X[:50]), member.coef_[0]) / (member.coef_[0] ** 2).sum()
    assert near_forks(program, {"X": np.concatenate([on, on + 0.01])}, 1e-6).tolist() == [True] * 50 + [False] * 50


def test_the_choice_of_the_label_itself_is_no_fork() -> None:
    program = lower(LogisticRegression().fit(X, Y), X[:5])
    assert not near_forks(program, {"X": np.zeros((3, 3))}, 1e9).any()


@pytest.mark.parametrize(("moved", "passes"), [(1e-8, True), (0.01, False)])
def test_a_member_that_is_moved_by_a_hair_passes_and_by_more_fails(voting: Any, moved: float, passes: bool) -> None:
    program = lower(voting, X[:5])

    class Moved:
        """The model with a member moved."""

        runtime = "a test"

        def run(self, columns: Any) -> Any:
            kept = voting.estimators_[0].intercept_.copy()
            try:
                voting.estimators_[0].intercept_ = kept + moved
                return {"label": voting.predict(columns["X"])}
            finally:
                voting.estimators_[0].intercept_ = kept

    cases = make_cases(program, example=columns_of(X, program.interface), budget_rows=4000)
    reference = Reference(estimator=voting, interface=program.interface)
    (verdict,) = run_parity(reference, {"test": Moved()}, cases, program=program)
    assert verdict.passed == passes, verdict.reason


def test_the_answers_of_a_stack_are_tied_where_a_members_label_is() -> None:
    model = StackingClassifier([("a", LinearSVC())], stack_method="predict").fit(X, Y)
    program = lower(model, X[:5])
    member = model.estimators_[0]
    on = X[:9] - np.outer(member.decision_function(X[:9]), member.coef_[0]) / (member.coef_[0] ** 2).sum()
    assert near_forks(program, {"X": on}, 1e-6).all()


def test_a_vote_of_a_pair_of_classes_is_a_fork_where_its_sum_is_next_to_0() -> None:
    """Of small terms next to 0 beside 1; in float32, of large ones next to 0 beside their sizes."""
    y = np.digitize(X[:, 0] + X[:, 1], [-0.5, 0.5])
    model = SVC(kernel="linear", decision_function_shape="ovr").fit(X, y)
    program = lower(model, X[:5], output="decision_function")
    first = model.coef_[0]

    def moved_to(x: Any, value: Any) -> Any:
        """The rows where the first pair's sum is that value."""
        return x - np.outer(x @ first + model.intercept_[0] - value, first) / (first**2).sum()

    def others(x: Any) -> Any:
        return np.abs(x @ model.coef_[1:].T + model.intercept_[1:]).min(axis=1) > 1e-2

    near, off, far = moved_to(X, 0), moved_to(X, 0.01), moved_to(X * 1e4, 0)
    assert near_forks(program, {"X": near}, 1e-6).all()
    assert not near_forks(program, {"X": off[others(off)]}, 1e-6).any()
    assert near_forks(program, {"X": far}, 2e-6).mean() > 0.9
    assert near_forks(program, {"X": far}, 1e-7).mean() < 0.5
    double = lower(model, X[:5], output="decision_function", input_dtype="float64")
    assert not near_forks(
        double, {"X": np.array([[1.7e308, 1.7e308, 0.0]]) * [np.sign(first)[0], np.sign(first)[1], 0]}, 1e-10
    ).any()


def test_each_of_several_labels_is_a_fork() -> None:
    y = np.stack([Y, X[:, 1] > 0], axis=1).astype(int)
    model = RandomForestClassifier(2, max_depth=2, random_state=0).fit(X, y)
    program = lower(model, X[:5])
    even = np.any([np.abs(p[:, 0] - 0.5) < 1e-7 for p in model.predict_proba(X)], axis=0)
    assert near_forks(program, {"X": X}, 1e-6).tolist() == even.tolist()
