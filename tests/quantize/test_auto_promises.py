"""What `auto` accepts on some rows holds on all others: over many draws of rows, models, methods and budgets."""

from __future__ import annotations

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC

from edgepack.contract import Answers
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack.quantize import OF_WEIGHTS, Budget, effect_of, quantize
from edgepack.quantize.reach import reach
from edgepack.rows import columns_of

R = np.random.default_rng(1)
ROWS, SLOW_ROWS, TRAINED = 16_000, 5000, 800
X = R.normal(size=(ROWS, 10)).astype(np.float32).astype(np.float64)
VALUE = X[:, 0] + np.sin(2 * X[:, 1]) + 0.3 * R.normal(size=ROWS)
LABEL = np.digitize(VALUE, [-0.5, 0.5])
MODELS: dict[str, Any] = {
    "perceptron": (MLPClassifier((40, 20), max_iter=30, random_state=0), LABEL),
    "regressing perceptron": (MLPRegressor(hidden_layer_sizes=(40, 20), max_iter=30, random_state=0), VALUE),
    "logistic": (make_pipeline(PolynomialFeatures(2), LogisticRegression(max_iter=200)), LABEL),
    "boosting": (HistGradientBoostingClassifier(max_iter=15), LABEL),
    "regressing boosting": (GradientBoostingRegressor(n_estimators=40, random_state=0), VALUE),
    "forest": (RandomForestClassifier(15, max_depth=8, random_state=0), LABEL),
    "regressing forest": (RandomForestRegressor(15, max_depth=8, random_state=0), VALUE),
    "SVC": (SVC(), LABEL),
    "nearest": (KNeighborsClassifier(5), LABEL),
}
SLOW = ("SVC", "nearest")
QUICK = ("perceptron", "regressing forest")


def _answers(name: str, method: Any) -> tuple[Answers, Answers] | None:
    """The server's and the quantized model's, to rows that neither was trained on; None where nothing was quantized."""
    model, y = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = make_pipeline(StandardScaler(), model).fit(X[:TRAINED], y[:TRAINED])
    program = optimize(lower(fitted, X[:5], fallback=False))
    quantized = quantize(program, method)
    columns = columns_of(X[TRAINED : SLOW_ROWS if name in SLOW else ROWS], program.interface)
    return (program.run(columns), quantized.program.run(columns)) if quantized.touched else None


def _broken(name: str, method: Any, draws: int) -> tuple[int, list[str]]:
    """How many budgets were accepted, and what was wrong with those that others break."""
    given = _answers(name, method)
    if given is None:
        return 0, []
    accepted, problems = 0, []
    for draw in range(draws):
        r = np.random.default_rng(draw)
        order = r.permutation(len(next(iter(given[0].values()))))
        seen, others = np.split(order, [int(r.choice([100, 300, 600, 2000]))])
        effect, beyond = (
            effect_of(*({n: a[some] for n, a in answers.items()} for answers in given), origin="data")  # type: ignore[arg-type]
            for some in (seen, others)
        )
        near = effect.reach_abs_error if np.isfinite(effect.reach_abs_error) else 4 * effect.max_abs_error
        for budget in (
            Budget(max_abs_error=near * r.uniform(0.9, 1.2)),
            Budget(max_label_change=float(r.choice([0.002, 0.005, 0.01, 0.03, 0.05])) if "label" in given[0] else None),
        ):
            if not budget.broken_by(effect, reserve=True):
                accepted += 1
                problems += [f"{len(seen)} rows, draw {draw}: {problem}" for problem in budget.broken_by(beyond)]
    return accepted, problems


@pytest.mark.parametrize(("name", "method"), product(QUICK, OF_WEIGHTS))
def test_what_is_accepted_holds_for_others(name: str, method: Any) -> None:
    accepted, problems = _broken(name, method, 15)
    assert accepted > 5
    assert problems == []


@pytest.mark.conformance
@pytest.mark.parametrize(("name", "method"), product(MODELS, OF_WEIGHTS))
def test_what_is_accepted_holds_for_others_over_many_draws(name: str, method: Any) -> None:
    accepted, problems = _broken(name, method, 150)
    assert accepted or _answers(name, method) is None
    assert problems == []


@pytest.mark.parametrize(("kind", "rows"), product(["standard_normal", "standard_exponential"], [300, 1000, 5000]))
def test_the_reach_of_a_few_rows_is_above_what_100_000_show(kind: str, rows: int) -> None:
    many = np.abs(getattr(np.random.default_rng(5), kind)((40, 100_000)))
    reached = np.array([reach(errors[:rows]) for errors in many])
    assert np.sum(reached < many.max(axis=1)) <= 1
    doubled = 2 * many[:, :rows].max(axis=1)
    assert np.median(reached / doubled) > 1 or rows > 1000, "twice the largest is too little for few rows"


def test_a_heavier_tail_reaches_further() -> None:
    r = np.random.default_rng(5)
    heavy = (1 - r.random((3, 1000))) ** -np.array([[0.1], [0.3], [0.6]])
    further = [reach(errors) / errors.max() for errors in heavy]
    assert further == sorted(further)
    assert further[2] > 5 * further[0]


def test_too_few_rows_or_errors_tell_nothing() -> None:
    r = np.random.default_rng(5)
    errors = r.random(400)
    assert np.isfinite(reach(errors))
    assert reach(errors[:299]) == np.inf
    assert reach(np.where(np.arange(400) < 10, errors, 0.0)) == np.inf
    assert reach(np.append(errors, np.inf)) == np.inf
