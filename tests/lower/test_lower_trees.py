"""Single trees, forests and gradient boosting, bit for bit."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, LogisticRegressionCV, RANSACRegressor
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from zoo import check, classes, fitted, matrix, matrix_target

from edgepack.errors import UnsupportedError
from edgepack.ir.ops import Single
from edgepack.lower import lower

X, HOLED = matrix(), matrix(missing=True)
Y, HOLED_Y = matrix_target(X), matrix_target(HOLED)
LABELS: dict[str, list[Any]] = {
    "int": [3, 7],
    "negative": [-1, 0, 5],
    "str": ["b", "a", "long label"],
    "bool": [False, True],
    "float": [0.0, 1.0, 2.0],
}
CLASSIFIERS: list[Any] = [
    *(DecisionTreeClassifier(criterion=c, max_depth=5, random_state=0) for c in ("gini", "entropy", "log_loss")),
    DecisionTreeClassifier(max_leaf_nodes=9, random_state=0, class_weight="balanced"),
    ExtraTreeClassifier(random_state=0, max_depth=6),
    RandomForestClassifier(7, random_state=0, max_depth=6),
    RandomForestClassifier(6, random_state=0, bootstrap=False, max_features=2, class_weight="balanced_subsample"),
    ExtraTreesClassifier(7, random_state=0, max_depth=6),
    GradientBoostingClassifier(n_estimators=8, random_state=0),
    GradientBoostingClassifier(n_estimators=8, random_state=0, init="zero", subsample=0.7, learning_rate=0.3),
]
REGRESSORS: list[Any] = [
    *(
        DecisionTreeRegressor(criterion=c, max_depth=5, random_state=0)
        for c in ("squared_error", "friedman_mse", "absolute_error", "poisson")
    ),
    DecisionTreeRegressor(ccp_alpha=0.01, random_state=0),
    ExtraTreeRegressor(random_state=0, max_depth=6),
    RandomForestRegressor(7, random_state=0),
    ExtraTreesRegressor(7, random_state=0, max_depth=7),
    *(
        GradientBoostingRegressor(loss=loss, n_estimators=8, random_state=0)
        for loss in ("squared_error", "absolute_error", "huber", "quantile")
    ),
    GradientBoostingRegressor(init="zero", n_estimators=8, random_state=0),
    GradientBoostingRegressor(init=DummyRegressor(strategy="quantile", quantile=0.2), n_estimators=8, random_state=0),
]


@pytest.mark.parametrize(
    ("labels", "classifier"), [*product(LABELS, CLASSIFIERS[::4]), *product(["str"], CLASSIFIERS)], ids=str
)
def test_classifiers_and_their_labels(labels: str, classifier: Any) -> None:
    program = check(fitted(classifier, X, classes(Y, LABELS[labels])), X, rows=800)
    assert program.interface.classes == tuple(sorted(LABELS[labels]))


@pytest.mark.parametrize("regressor", REGRESSORS, ids=str)
def test_regressors(regressor: Any) -> None:
    y = Y - Y.min() if getattr(regressor, "criterion", "") == "poisson" else Y
    check(fitted(regressor, X, y), X)
    check(fitted(make_pipeline(StandardScaler(), regressor), X, y), X)


def accepts_missing(estimator: Any) -> bool:
    return not isinstance(estimator, GradientBoostingClassifier | GradientBoostingRegressor) and (
        getattr(estimator, "criterion", "") != "absolute_error"
    )


@pytest.mark.parametrize("estimator", [e for e in [*CLASSIFIERS, *REGRESSORS] if accepts_missing(e)], ids=str)
@pytest.mark.parametrize("scaled", [False, True])
def test_missing_values_take_their_own_branch(estimator: Any, scaled: bool) -> None:
    y = classes(HOLED_Y, ["a", "b", "c"]) if estimator in CLASSIFIERS else HOLED_Y - HOLED_Y.min()
    model = make_pipeline(StandardScaler(), estimator) if scaled else estimator
    program = check(fitted(model, HOLED, y), HOLED)
    assert program.interface.inputs[0].accepts_missing


def test_a_split_of_missing_from_all_numbers() -> None:
    x = HOLED.copy()
    model = fitted(DecisionTreeRegressor(max_depth=3, random_state=0), x[:, :2], np.isnan(x[:, 0]) * 5.0)
    check(model, x[:, :2])
    check(fitted(make_pipeline(StandardScaler(), model), x[:, :2], np.isnan(x[:, 0]) * 5.0), x[:, :2])


@pytest.mark.parametrize(
    "regressor",
    [
        DecisionTreeRegressor(max_depth=5, random_state=0),
        RandomForestRegressor(5, random_state=0, max_depth=5),
        ExtraTreesRegressor(5, random_state=0, max_depth=5),
    ],
    ids=str,
)
@pytest.mark.parametrize("targets", [1, 2, 3])
def test_several_targets(regressor: Any, targets: int) -> None:
    y = np.stack([Y * (k + 1) - X[:, k] for k in range(targets)], axis=1)
    program = check(fitted(regressor, X, y), X)
    assert program.interface.value_width == targets


@pytest.mark.parametrize("estimator", [*CLASSIFIERS[-5:], *REGRESSORS[-4:]], ids=str)
def test_one_feature(estimator: Any) -> None:
    y = classes(Y, ["a", "b"]) if estimator in CLASSIFIERS else Y
    check(fitted(estimator, X[:, :1], y), X[:, :1], rows=600)


@pytest.mark.parametrize(
    "estimator", [RandomForestRegressor(3), DecisionTreeRegressor(), GradientBoostingRegressor()], ids=str
)
def test_trees_of_a_single_leaf(estimator: Any) -> None:
    check(fitted(estimator, X, np.full(len(X), 2.5)), X, rows=300)
    check(fitted(make_pipeline(StandardScaler(), estimator), X, np.full(len(X), 2.5)), X, rows=300)


def test_a_classifier_that_saw_one_class() -> None:
    program = check(fitted(RandomForestClassifier(3), X, np.full(len(X), "only")), X, rows=300)
    assert program.interface.classes == ("only",)


def test_exponential_loss() -> None:
    model = GradientBoostingClassifier(loss="exponential", n_estimators=12, random_state=0)
    check(fitted(model, X, classes(Y, ["no", "yes"])), X)


def test_weighted_rows() -> None:
    weight = np.random.default_rng(0).random(len(X))
    for estimator in (RandomForestClassifier(5, random_state=0), GradientBoostingClassifier(n_estimators=5)):
        check(fitted(estimator, X, classes(Y, [1, 2, 3]), sample_weight=weight), X)


def test_monotone_constraints_and_early_stopping() -> None:
    check(fitted(RandomForestRegressor(5, monotonic_cst=[1, 0, 0, 0, -1], random_state=0), X, Y), X)
    check(fitted(GradientBoostingRegressor(n_iter_no_change=2, random_state=0), X, Y), X)


def test_thresholds_between_neighbouring_floats() -> None:
    x = np.float64(np.nextafter(np.float32(0.1), np.float32(1)) - np.float32(0.1)) * np.arange(40)[
        :, None
    ] + np.float32(0.1)
    x = x.astype(np.float32).astype(np.float64)
    y = np.arange(40) % 3.0
    for model in (DecisionTreeRegressor(), make_pipeline(StandardScaler(), DecisionTreeRegressor())):
        check(fitted(model, x, y), x)


def scaled(last: Any) -> Any:
    return make_pipeline(StandardScaler(), last)


@pytest.mark.parametrize(
    ("init", "rounded"),
    [
        (LogisticRegression(), True),
        (scaled(scaled(LogisticRegression())), True),
        (LogisticRegressionCV(l1_ratios=(0,), use_legacy_attributes=False), False),
        (DecisionTreeClassifier(max_depth=2), False),
    ],
)
def test_probabilities_that_init_holds_in_float32_are_rounded_to_it(init: Any, rounded: bool) -> None:
    model = fitted(GradientBoostingClassifier(init=init, n_estimators=3), X, classes(Y, [0, 1]))
    assert any(isinstance(node.op, Single) for node in lower(model, X).nodes) == rounded


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (GradientBoostingRegressor(init=KNeighborsRegressor()), "init with KNeighborsRegressor is asked in float32"),
        (
            GradientBoostingRegressor(init=scaled(DecisionTreeRegressor())),
            "init with DecisionTreeRegressor is",
        ),
        (GradientBoostingRegressor(init=make_pipeline(PCA(2), LinearRegression())), "init with PCA is asked in"),
        (GradientBoostingRegressor(init=RANSACRegressor(random_state=0)), "init with RANSACRegressor is asked in"),
        (GradientBoostingClassifier(init=DummyClassifier(strategy="stratified")), "init answers at random"),
        (GradientBoostingClassifier(init=DummyClassifier(strategy="uniform")), "init answers at random"),
    ],
    ids=str,
)
def test_an_init_without_one_exact_answer_is_refused(estimator: Any, reason: str) -> None:
    y = classes(Y, [0, 1]) if isinstance(estimator, GradientBoostingClassifier) else Y
    with pytest.raises(UnsupportedError, match=reason):
        lower(fitted(estimator, X, y), X)


@pytest.mark.parametrize("estimator", [DecisionTreeClassifier(), RandomForestClassifier(3)], ids=str)
def test_several_targets_in_a_classifier_have_a_label_each(estimator: Any) -> None:
    y = np.stack([classes(Y, [0, 1]), classes(-Y, [4, 5, 9])], axis=1)
    model = fitted(estimator, X, y)
    program = lower(model, X)
    np.testing.assert_array_equal(program.run({"X": X})["value"], model.predict(X))
