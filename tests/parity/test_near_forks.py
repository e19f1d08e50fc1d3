"""Choices inside a model that hang by a hair: what follows them is not compared, and nothing else is let off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

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
