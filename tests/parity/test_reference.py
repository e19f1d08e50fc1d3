from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.impute import KNNImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from edgepack.contract import Columns, Input, Interface
from edgepack.errors import ParityError
from edgepack.parity import Reference
from edgepack.parity.refusals import Questions

RNG = np.random.default_rng(0)


def matrix_interface(width: int, *outputs: str, **options: Any) -> Interface:
    return Interface(inputs=(Input(name="X", kind="number", width=width),), outputs=outputs, **options)


def test_a_table_reaches_the_estimator_by_its_column_names(forest_model: Any) -> None:
    answers, refused = forest_model.reference.answers(forest_model.columns)
    assert not refused.any()
    assert np.array_equal(answers["label"], forest_model.estimator.predict(forest_model.frame))
    assert np.array_equal(answers["probabilities"], forest_model.estimator.predict_proba(forest_model.frame))


def test_columns_in_another_order_give_the_same_answers(forest_model: Any) -> None:
    turned = dict(reversed(forest_model.columns.items()))
    one, other = (forest_model.reference.answers(columns)[0] for columns in (forest_model.columns, turned))
    assert np.array_equal(one["probabilities"], other["probabilities"])


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("targets", [1, 2])
def test_a_wide_matrix_is_passed_as_it_was_fitted(named: bool, targets: int) -> None:
    x = RNG.normal(size=(50, 3))
    y = x @ RNG.normal(size=(3, targets))
    fitted = pd.DataFrame(x, columns=["a", "b", "c"]) if named else x
    estimator = LinearRegression().fit(fitted, y)
    reference = Reference(estimator=estimator, interface=matrix_interface(3, "value", input_dtype="float64"))
    answers, _ = reference.answers({"X": x})
    assert np.array_equal(answers["value"], np.squeeze(estimator.predict(fitted)))
    assert answers["value"].shape == ((50,) if targets == 1 else (50, 2))


def test_numbers_are_rounded_to_the_input_dtype() -> None:
    estimator = LinearRegression().fit(np.arange(4.0)[:, None], np.arange(4.0))
    reference = Reference(estimator=estimator, interface=matrix_interface(1, "value"))
    answers, _ = reference.answers({"X": np.array([[0.1]])})
    assert answers["value"][0] == estimator.predict([[float(np.float32(0.1))]])[0]
    assert answers["value"][0] != estimator.predict([[0.1]])[0]


@pytest.mark.parametrize("missing", [None, np.nan])
def test_a_missing_string_is_what_the_estimator_knows(missing: Any) -> None:
    x = np.array([["u"], ["v"], [missing]], object)
    estimator = make_pipeline(OneHotEncoder(), DecisionTreeClassifier()).fit(x, [0, 1, 2])
    interface = Interface(inputs=(Input(name="x0", kind="string"),), outputs=("label",))
    none_columns = frozenset({"x0"} if missing is None else ())
    reference = Reference(estimator=estimator, interface=interface, none_columns=none_columns)
    answers, refused = reference.answers({"x0": np.array([["v"], [None]], object)})
    assert not refused.any()
    assert answers["label"].tolist() == [1, 2]
    other = Reference(estimator=estimator, interface=interface, none_columns=frozenset({"x0"}) - none_columns)
    assert other.answers({"x0": np.array([["v"], [None]], object)})[1].tolist() == [False, True]


def counting(reference: Reference) -> tuple[Callable[[Columns], Any], list[int]]:
    sizes: list[int] = []

    def ask(columns: Columns) -> Any:
        sizes.append(len(next(iter(columns.values()))))
        return reference.predict(columns)

    return ask, sizes


@pytest.fixture(scope="module")
def strict() -> Reference:
    """Refuses NaN, infinities, and numbers below −1 in its third column."""

    def checked(x: Any) -> Any:
        if (x[:, 2] < -1).any():
            raise ValueError("third below -1")
        return x

    x = RNG.normal(size=(60, 4)) ** 2
    estimator = make_pipeline(FunctionTransformer(checked), StandardScaler(), LogisticRegression())
    estimator.fit(x, x[:, 0] > x[:, 1])
    return Reference(estimator=estimator, interface=matrix_interface(4, "label", "probabilities"))


def test_refused_rows_are_exactly_those_and_the_others_keep_their_order(strict: Reference) -> None:
    x = RNG.normal(size=(20_000, 4)).astype(np.float32).astype(np.float64)
    x[RNG.random(20_000) < 0.1, 0] = np.nan
    x[RNG.random(20_000) < 0.1, 1] = np.inf
    expected = ~np.isfinite(x).all(axis=1) | (x[:, 2] < -1)
    ask, sizes = counting(strict)
    answers, refused = Questions(ask=ask, columns={"X": x}).run()
    assert np.array_equal(refused, expected)
    # a product of matrices depends on the batch in its last bits
    assert np.allclose(answers["probabilities"], strict.estimator.predict_proba(x[~expected]), rtol=0, atol=1e-12)
    assert len(sizes) < 400  # about 5,000 rows are refused


def test_unknown_categories_are_refused_once_each(forest_model: Any) -> None:
    frame = pd.DataFrame({"s": RNG.choice(["u", "v"], 40), "n": RNG.normal(size=40)})
    estimator = make_pipeline(OneHotEncoder(), DecisionTreeClassifier()).fit(frame[["s"]], frame.n > 0)
    interface = Interface(inputs=(Input(name="s", kind="string"),), outputs=("label",))
    reference = Reference(estimator=estimator, interface=interface)
    s = RNG.choice(["u", "v", "w", "x"], 5000).astype(object)[:, None]
    ask, sizes = counting(reference)
    _, refused = Questions(ask=ask, columns={"s": s}).run()
    assert np.array_equal(refused, np.isin(s[:, 0].astype(str), ["w", "x"]))
    assert len(sizes) < 200


def test_a_server_that_refuses_every_row_is_an_error_with_its_reason(strict: Reference) -> None:
    with pytest.raises(ParityError, match=r"3 of 3 rows are refused by scikit-learn: .*NaN") as caught:
        strict.answers({"X": np.full((3, 4), np.nan)})
    assert "\n" not in str(caught.value)


def test_a_server_that_refuses_every_row_is_not_asked_over_and_over(strict: Reference) -> None:
    ask, sizes = counting(strict)
    with pytest.raises(ParityError):
        Questions(ask=ask, columns={"X": np.full((500, 4), np.nan)}).run()
    assert len(sizes) < 2 * 500 + 100  # each batch on the way to single rows, and one look for a row that is accepted


def test_no_warning_reaches_the_user(strict: Reference, recwarn: pytest.WarningsRecorder) -> None:
    strict.answers({"X": np.full((2, 4), 3e38)})
    assert not recwarn.list


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("estimator", [LogisticRegression(), LinearSVC(), RidgeClassifier()])
def test_margins_are_those_of_the_best_two_scores(estimator: Any, classes: int) -> None:
    x = RNG.normal(size=(90, 2))
    estimator.fit(x, np.arange(90) % classes)
    outputs = ("label", "probabilities") if hasattr(estimator, "predict_proba") else ("label",)
    reference = Reference(
        estimator=estimator, interface=matrix_interface(2, *outputs, classes=(0, 1, 2)[:classes], input_dtype="float64")
    )
    margins = reference.margins({"X": x}).apart
    if hasattr(estimator, "predict_proba"):
        best = np.sort(estimator.predict_proba(x), axis=1)
        expected = best[:, -1] - best[:, -2]
    else:
        scores = estimator.decision_function(x)
        expected = np.abs(scores) if classes == 2 else np.diff(np.sort(scores, axis=1)[:, -2:], axis=1)[:, 0]
    assert np.allclose(margins, expected)


@pytest.mark.parametrize("in_pipeline", [False, True])
def test_rows_where_a_pair_of_classes_ties_have_no_margin(in_pipeline: bool) -> None:
    x = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 5.0]])
    machine = SVC(kernel="linear")
    estimator = (make_pipeline(FunctionTransformer(), machine) if in_pipeline else machine).fit(x, [0, 1, 2])
    interface = Interface(inputs=(Input(name="X", kind="number", width=2),), outputs=("label",), classes=(0, 1, 2))
    margins = (
        Reference(estimator=estimator, interface=interface).margins({"X": np.array([[0.0, -1.0], [0.5, -1.0]])}).apart
    )
    assert margins[0] < 1e-12
    assert margins[1] > 0.01


@pytest.mark.parametrize("in_pipeline", [False, True])
@pytest.mark.parametrize(
    ("search", "tied"),
    [
        (KNeighborsRegressor(2), [False, True, False, False]),
        (KNeighborsRegressor(4), [False, False, False, False]),
        (RadiusNeighborsRegressor(1.0), [False, True, True, True]),
        (LinearRegression(), [False, False, False, False]),
    ],
)
def test_rows_where_fitted_rows_are_equally_near_are_ties(search: Any, tied: list[bool], in_pipeline: bool) -> None:
    x = np.array([[0.0], [1.0], [-1.0], [4.0]])
    estimator = clone(search)
    estimator = (make_pipeline(FunctionTransformer(), estimator) if in_pipeline else estimator).fit(x, x[:, 0])
    rows = {"X": np.array([[0.4], [0.0], [5.0], [3.0000001]])}
    reference = Reference(estimator=estimator, interface=matrix_interface(1, "value"))
    assert reference.ties(rows).tolist() == tied


def test_a_row_that_was_answered_is_not_refused_for_a_value_that_another_row_is_refused_for() -> None:
    x = np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]])

    def ask(columns: Columns) -> Any:
        if (columns["X"].sum(axis=1) > 1).any():
            raise ValueError("too much")
        return {"value": columns["X"].sum(axis=1)}

    answers, refused = Questions(ask=ask, columns={"X": x}).run()
    assert len(answers["value"]) == (~refused).sum()
    assert np.array_equal(answers["value"], x[~refused].sum(axis=1))
    assert refused.tolist() == [False, False, False, True]


def test_what_an_answered_row_has_is_refused_in_no_other() -> None:
    """Else a few whole numbers among many others would count as refused: no probe meets them."""

    def ask(columns: Columns) -> dict[str, Any]:
        if not np.isin(columns["x"], [0.0, 1.0]).all():
            raise ValueError("unknown")
        return {"value": columns["x"][:, 0]}

    x = np.concatenate([[0.0, 1.0], np.linspace(-500.3, 500.4, 4000), [1.0, 0.0]])[:, None]
    value, refused = Questions(ask=ask, columns={"x": x}).run()
    assert value["value"].tolist() == [0.0, 1.0, 1.0, 0.0]
    assert refused.sum() == 4000


def test_a_mixtures_margins_are_those_of_its_log_densities() -> None:
    x = RNG.normal(size=(90, 2)) * np.array([1.0, 1e3])
    estimator = GaussianMixture(2, random_state=0).fit(x)
    reference = Reference(
        estimator=estimator, interface=matrix_interface(2, "label", classes=(0, 1), input_dtype="float64")
    )
    margins = reference.margins({"X": x})
    scores = np.sort(estimator._estimate_weighted_log_prob(x), axis=1)
    near = scores[:, 1] - scores[:, 0] < 30  # farther apart, a probability is 0
    assert near.sum() > 9
    assert np.allclose(margins.apart[near], (scores[:, 1] - scores[:, 0])[near])
    assert np.allclose(margins.size, np.abs(scores[:, 1]), rtol=0.2)


def test_a_label_alone_has_the_margin_of_the_probabilities() -> None:
    x = np.array([[0.0], [0.0], [1.0], [1.0], [1.0]])
    estimator = DecisionTreeClassifier().fit(x, [0, 1, 1, 1, 0])
    reference = Reference(estimator=estimator, interface=matrix_interface(1, "label", classes=(0, 1)))
    assert np.allclose(reference.margins({"X": np.array([[0.0], [1.0]])}).apart, [0, 1 / 3])


def test_where_scores_tell_equal_votes_apart_they_are_margins_too() -> None:
    x = RNG.normal(size=(300, 2))
    model = SVC(decision_function_shape="ovr", break_ties=True).fit(x, RNG.integers(3, size=300))
    rows = RNG.uniform(-3, 3, size=(100_000, 2)).astype(np.float32).astype(np.float64)
    best = np.sort(model.decision_function(rows), axis=1)
    near = best[:, 2] - best[:, 1] < 1e-3
    reference = Reference(estimator=model, interface=matrix_interface(2, "label", classes=(0, 1, 2)))
    assert near.any()
    assert reference.margins({"X": rows[near]}).apart.max() < 1e-3


def test_an_imputers_ties_are_told_from_what_products_lose() -> None:
    """Squared distances are differences of squared lengths: 500² leaves them 10 digits, here of 1e-6."""
    fitted = np.array([[500.0, 0.0, 1.0], [500.0, 1e-3 + 2e-8, 2.0], [0.0, 5.0, 3.0]])
    imputer = KNNImputer(n_neighbors=1).fit(fitted)
    reference = Reference(estimator=imputer, interface=matrix_interface(3, "value"))
    rows = np.array([[500.0, 5e-4, np.nan], [500.0, 2e-4, np.nan], [0.0, 4.0, np.nan]])
    assert reference.ties({"X": rows}).tolist() == [True, False, False]


def test_what_a_search_tree_overlooks_is_tied() -> None:
    """Bray-Curtis' distances do not obey the triangle inequality, by which a ball tree leaves out what is far."""
    x = np.abs(RNG.normal(size=(400, 3))) ** 3
    tree, brute = (
        KNeighborsRegressor(2, metric="braycurtis", algorithm=a, leaf_size=2).fit(x, x[:, 0])
        for a in ("ball_tree", "brute")
    )
    rows = np.abs(RNG.normal(size=(2_000, 3))) ** 3 * RNG.choice([0.01, 1.0, 10.0], (2_000, 3))
    rows = rows.astype(np.float32).astype(np.float64)
    differ = ~np.isclose(tree.predict(rows), brute.predict(rows))
    ties = Reference(estimator=tree, interface=matrix_interface(3, "value")).ties({"X": rows})
    assert differ.any()
    assert ties[differ].all()
    assert not ties.all()
