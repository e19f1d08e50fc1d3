"""What a score loses is what scikit-learn's scorer says of the two models themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import get_scorer
from sklearn.svm import LinearSVC

from edgepack.contract import Input, Interface
from edgepack.errors import UsageError
from edgepack.quantize import Budget, effect_of, metric_of
from edgepack.quantize.metric import drop_of
from edgepack.rows import with_truth

X, Y = make_classification(600, 8, n_informative=5, n_classes=3, flip_y=0.2, random_state=0)
MODELS: dict[str, Any] = {
    "accuracy": (LogisticRegression(), LogisticRegression(C=1e-4), Y),
    "f1_macro": (LinearSVC(), LinearSVC(C=1e-5), Y),
    "roc_auc": (LogisticRegression(), LogisticRegression(C=1e-4), Y > 0),
    "roc_auc_ovr": (LogisticRegression(), LogisticRegression(C=1e-4), Y),
    "neg_log_loss": (LogisticRegression(), LogisticRegression(C=1e-4), np.array(["a", "é", "c"])[Y]),
    "r2": (Ridge(), Ridge(1e4), X[:, 0] * 2 + Y),
    "neg_root_mean_squared_error": (Ridge(), Ridge(1e4), X[:, 0] * 2 + Y),
}


def answers(model: Any) -> dict[str, Any]:
    if not hasattr(model, "classes_"):
        return {"value": model.predict(X)}
    found = {"label": model.predict(X)}
    return {**found, "probabilities": model.predict_proba(X)} if hasattr(model, "predict_proba") else found


@pytest.mark.parametrize("metric", MODELS)
def test_the_drop_is_between_the_scorers_of_both_models(metric: str) -> None:
    good, bad, y = MODELS[metric]
    good, bad = good.fit(X, y), bad.fit(X, y)
    found = drop_of(metric, y, answers(good), answers(bad), getattr(good, "classes_", None))
    score = get_scorer(metric)
    assert found.size == pytest.approx(score(good, X, y) - score(bad, X, y), abs=1e-12)
    assert found.size != 0
    assert 0 < found.scatter < 3 * abs(found.size)
    same = drop_of(metric, y, answers(good), answers(good), getattr(good, "classes_", None))
    assert (same.size, same.scatter) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("metric", "rows", "says"),
    [
        ("accurate", 600, "accurate: scikit-learn has no such scorer; give for example accuracy or r2"),
        ("roc_auc_ovr", 600, "roc_auc_ovr: cannot score this model's answers"),
        ("accuracy", 79, "79 rows are too few for a metric; give at least 80"),
    ],
)
def test_a_metric_that_cannot_be_computed_is_refused(metric: str, rows: int, says: str) -> None:
    model = LinearSVC().fit(X, Y)
    server = {name: answer[:rows] for name, answer in answers(model).items()}
    other = {"label": np.roll(server["label"], 1)}
    with pytest.raises(UsageError, match=says):
        drop_of(metric, Y[:rows], server, other, model.classes_)


@pytest.mark.parametrize(
    ("text", "meant"), [("accuracy:0.2%", ("accuracy", 0.002)), ("r2:1e-3", ("r2", 0.001)), ("f1:.5", ("f1", 0.5))]
)
def test_a_metric_and_its_drop_are_read(text: str, meant: Any) -> None:
    name, drop = metric_of(text)
    assert (name, drop) == (meant[0], pytest.approx(meant[1]))


@pytest.mark.parametrize("text", ["accuracy", "accuracy:", ":1%", "accuracy:-1", "accuracy:1%%", "a b:1"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no metric and drop; write for example"):
        metric_of(text)


def test_no_change_in_few_rows_is_no_promise_for_others() -> None:
    same = {"label": np.zeros(100)}
    budget = Budget(max_label_change=0.03)
    few, many = (effect_of({"label": np.zeros(n)}, {"label": np.zeros(n)}, origin="data") for n in (100, 200))
    assert effect_of(same, same, origin="data") == few
    assert budget.broken_by(few) == []
    assert budget.broken_by(few, reserve=True) == ["0.000% of labels change, up to 3.846% of others may, 3.000% may"]
    assert budget.broken_by(many, reserve=True) == []


FRAME = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "y": [0, 1]})
TWO = Interface(inputs=tuple(Input(name=n, kind="number") for n in "ab"), input_dtype="float32", outputs=("value",))
WIDE = Interface(inputs=(Input(name="X", kind="number", width=2),), input_dtype="float32", outputs=("value",))


@pytest.mark.parametrize(("interface", "name"), [(TWO, None), (TWO, "y"), (WIDE, "y")])
def test_true_answers_are_taken_out_of_the_data(interface: Interface, name: str | None) -> None:
    rows, truth = with_truth(FRAME, name, interface)
    assert list(rows) == ["a", "b"]
    assert truth.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("rows", "name", "interface", "says"),
    [
        (None, None, TWO, "a metric is computed on rows with their true answers"),
        (FRAME, None, WIDE, "columns beside the inputs: a, b, y; say which holds"),
        (FRAME.assign(z=1), None, TWO, "columns beside the inputs: y, z; say which holds"),
        (FRAME.drop(columns="y"), None, TWO, "columns beside the inputs: none; add a column with the true answers"),
        (FRAME.drop(columns="y"), "wage", TWO, "wage: no such column in the data; add a column with the true answers"),
        (FRAME, "wage", TWO, "wage: no such column in the data; --label-column takes one of y"),
        (FRAME.assign(y=[1, None]), "y", TWO, "y: a true answer is missing in row 1; leave it out"),
    ],
)
def test_unclear_true_answers_are_refused(rows: Any, name: Any, interface: Interface, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        with_truth(rows, name, interface)
