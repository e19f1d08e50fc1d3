"""Linear models, one-versus-rest, transformed targets and searches."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from zoo import Server, check, classes, columns_of, fitted, matrix, matrix_target, table, target, usual

from edgepack.errors import UnsupportedError
from edgepack.lower import lower
from edgepack.passes import optimize

X = matrix()
Y = matrix_target(X)
FRAME = table()
VALUE = target(FRAME)
SCALED = StandardScaler()


@pytest.mark.parametrize(
    ("regressor", "intercept", "targets"),
    product([LinearRegression(), Ridge(), Lasso(alpha=0.01), ElasticNet(alpha=0.01)], [True, False], [0, 1, 3]),
)
def test_regressors(regressor: Any, intercept: bool, targets: int) -> None:
    y = Y if not targets else np.stack([Y * (k + 1) - X[:, k] for k in range(targets)], axis=1)
    model = regressor.set_params(fit_intercept=intercept)
    program = check(fitted(make_pipeline(SCALED, model), X, y), X, exact=False)
    assert program.interface.value_width == max(targets, 1)
    check(fitted(model, X, y), X, exact=False)


@pytest.mark.parametrize("labels", [[3, 7], ["b", "a"], [False, True], [0.0, 1.0], [-1, 0, 1], ["x", "yy", "z", "w"]])
@pytest.mark.parametrize("intercept", [True, False])
def test_logistic_regression(labels: list[Any], intercept: bool) -> None:
    model = LogisticRegression(fit_intercept=intercept, C=0.3, max_iter=300)
    program = check(fitted(make_pipeline(usual(), model), FRAME, classes(VALUE, labels)), FRAME, exact=False)
    assert program.interface.classes == tuple(sorted(labels))


@pytest.mark.parametrize("solver", ["liblinear", "newton-cg", "saga"])
def test_solvers_and_penalties(solver: str) -> None:
    model = LogisticRegression(solver=solver, class_weight="balanced")
    check(fitted(make_pipeline(SCALED, model), X, classes(Y, ["a", "b"])), X, exact=False)


def test_sparsified_weights() -> None:
    model = fitted(
        make_pipeline(SCALED, LogisticRegression(C=0.05, l1_ratio=1, solver="saga")), X, classes(Y, [0, 1, 2])
    )
    model[-1].sparsify()
    check(model, X, exact=False)


def test_a_score_of_exactly_zero_is_the_first_class() -> None:
    model = fitted(LogisticRegression(), np.array([[-1.0], [1.0]]), ["low", "up"])
    model.intercept_[:] = 0.0
    rows = np.array([[0.0], [-0.0], [1e-30], [-1e-30]])
    program = lower(model, rows)
    for p in (program, optimize(program)):
        got = p.run(columns_of(rows, p.interface))
        assert got["label"].tolist() == model.predict(rows).tolist() == ["low", "low", "up", "low"]


@pytest.mark.parametrize("labels", [["b", "a"], [5, 2, 9], [False, True], ["x", "y", "z", "w"]])
def test_one_versus_rest(labels: list[Any]) -> None:
    model = OneVsRestClassifier(LogisticRegression(max_iter=300))
    check(fitted(make_pipeline(usual(), model), FRAME, classes(VALUE, labels)), FRAME, exact=False)


def test_one_versus_rest_where_every_class_is_impossible() -> None:
    model = fitted(OneVsRestClassifier(LogisticRegression()), X, classes(Y, ["x", "y", "z"]))
    for estimator in model.estimators_:
        estimator.coef_ = np.zeros_like(estimator.coef_)
        estimator.intercept_ = np.array([-800.0])
    program = lower(model, X)
    server = Server(model, program)
    columns = columns_of(X[:3], program.interface)
    assert np.array_equal(program.run(columns)["probabilities"], server.answers(columns)["probabilities"])
    assert program.run(columns)["label"].tolist() == model.predict(X[:3]).tolist()


TARGETS: list[Any] = [
    *(StandardScaler(with_mean=mean, with_std=std) for mean, std in product([False, True], [False, True])),
    *(
        RobustScaler(with_centering=center, with_scaling=scale)
        for center, scale in product([False, True], [False, True])
    ),
    MinMaxScaler((-2, 5)),
    MaxAbsScaler(),
    FunctionTransformer(),
    FunctionTransformer(np.log1p, inverse_func=np.expm1),
]


@pytest.mark.parametrize("transformer", TARGETS, ids=str)
@pytest.mark.parametrize("two", [False, True])
def test_transformed_targets(transformer: Any, two: bool) -> None:
    y = np.abs(Y) if not two else np.stack([np.abs(Y), np.abs(Y) * 0.3], axis=1)
    trees = TransformedTargetRegressor(RandomForestRegressor(4, random_state=0, max_depth=5), transformer=transformer)
    check(fitted(make_pipeline(SCALED, trees), X, y), X)
    lines = TransformedTargetRegressor(make_pipeline(SCALED, Ridge()), transformer=transformer, check_inverse=False)
    columns = X * 1e-3  # exp of a large number would overflow
    check(fitted(lines, columns, y), columns, exact=False, tolerance=1e-9)


def test_targets_transformed_by_functions() -> None:
    model = TransformedTargetRegressor(RandomForestRegressor(4, random_state=0), func=np.log, inverse_func=np.exp)
    check(fitted(model, X, np.abs(Y) + 1), X)


def test_searches_give_their_best_estimator() -> None:
    pipeline = make_pipeline(usual(), RandomForestRegressor(3, random_state=0))
    grid = GridSearchCV(pipeline, {"randomforestregressor__max_depth": [2, 4]}, cv=2)
    check(fitted(grid, FRAME, VALUE), FRAME)
    random = RandomizedSearchCV(RandomForestRegressor(3, random_state=0), {"max_depth": [2, 4]}, n_iter=2, cv=2)
    check(fitted(make_pipeline(SCALED, random), X, Y), X)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (
            TransformedTargetRegressor(
                Ridge(), transformer=FunctionTransformer(np.log1p, inverse_func=np.expm1, inv_kw_args={"where": True})
            ),
            r"transformer → FunctionTransformer: numpy.*expm1 with the arguments \{'where': True\}",
        ),
        (TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.sinc), "function numpy.sinc"),
        (
            GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2, refit=False),
            "GridSearchCV: refit=False keeps no estimator",
        ),
    ],
)
def test_what_cannot_be_said_is_refused(model: Any, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        lower(fitted(model, X, np.abs(Y)), X)


def test_one_versus_rest_of_regressors_and_of_several_labels() -> None:
    labels = np.stack([Y > 0, Y > 1], axis=1).astype(int)
    check(fitted(OneVsRestClassifier(RandomForestRegressor(2)), X, classes(Y, [0, 1, 2])), X)
    program = lower(fitted(OneVsRestClassifier(LogisticRegression()), X, labels), X)
    assert (program.interface.outputs, program.interface.value_width) == (("value",), 2)


def test_a_column_far_from_zero_keeps_its_digits() -> None:
    x = matrix()
    x[:, 0] = np.float32(1.7e9) + np.arange(len(x)) * 128.0
    check(fitted(make_pipeline(SCALED, Ridge()), x, Y), x, exact=False)
