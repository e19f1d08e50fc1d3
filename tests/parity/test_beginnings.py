"""Where scikit-learn's own rounding decides what gradient boosting answers that begins with a linear model."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalogue.case import run
from scipy.sparse import csr_matrix
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.linear_model import HuberRegressor, LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from edgepack.ir import Program
from edgepack.ir.ops import Linear, Single
from edgepack.lower import lower
from edgepack.parity.surface import surface_rows
from edgepack.parity.ties import ties

R = np.random.default_rng(4)
X = (R.normal(size=(300, 4)) * [1, 30, 0.1, 5] + [0, 2000, 0, 0]).astype(np.float32).astype(np.float64)
Y = X @ [1.0, 0.05, 4.0, -0.3] + R.normal(0, 0.3, 300)
LABELS = {2: (np.median(Y) < Y).astype(int), 3: np.digitize(Y, np.quantile(Y, [0.3, 0.7]))}
LINES: list[Any] = [LogisticRegression(max_iter=2000), make_pipeline(StandardScaler(), LogisticRegression())]
SURE = make_pipeline(StandardScaler(), LogisticRegression(C=1e4))
"""Its probabilities come near 1."""


def regressor(init: Any) -> Any:
    return GradientBoostingRegressor(init=init, n_estimators=5, random_state=0).fit(X, Y)


def classifier(init: Any, classes: int = 2) -> Any:
    return GradientBoostingClassifier(init=init, n_estimators=5, random_state=0).fit(X, LABELS[classes])


@pytest.mark.parametrize("init", [LinearRegression(), make_pipeline(StandardScaler(), Ridge())], ids=["plain", "piped"])
def test_a_sum_that_cancels_or_overflows_in_float32_is_a_tie(init: Any) -> None:
    estimator, far = regressor(init), 1e7
    zero, *others = estimator.init_.predict(np.diag([far] * 4)[[3, 0, 1, 2]] * [[0.0], [1.0], [1.0], [1.0]])
    slopes = (np.array(others) - zero) / far
    cancelled = [-far * (slopes[1] + slopes[2]) / slopes[0], far, far, 1.0]
    rows = np.array([*X[:3], cancelled, [3e38, 0.0, 0.0, -3e38]])
    assert ties(estimator, rows).tolist() == [False, False, False, True, True]
    assert ties(make_pipeline(FunctionTransformer(), estimator), np.asfortranarray(rows))[3:].all()
    assert ties(estimator, csr_matrix(rows))[3:].all()


@pytest.mark.parametrize("init", [HuberRegressor(max_iter=2000), DecisionTreeRegressor(max_depth=3), None, "zero"])
def test_what_is_asked_in_float32_and_answers_in_float64_has_no_ties(init: Any) -> None:
    rows = np.concatenate([X, [[1e9, 1e9, -1e9, 3e38]]]).astype(np.float32).astype(np.float64)
    assert not ties(regressor(init), rows).any()


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("init", LINES, ids=["plain", "piped"])
def test_labels_that_hang_on_the_batch_are_ties(init: Any, classes: int) -> None:
    estimator = classifier(init, classes)
    program = lower(estimator, X)
    made = surface_rows(program, {"X": X}, 128, np.random.default_rng(0))
    assert made is not None
    rows = made["X"]
    tied, exact = ties(estimator, rows), program.run({"X": rows})["label"]
    batches = [np.concatenate([estimator.predict(rows[k : k + n]) for k in range(0, len(rows), n)]) for n in (1, 3, 64)]
    differ = np.any([batch != exact for batch in batches], axis=0)
    assert differ.any()
    assert not (differ & ~tied).any()
    assert tied.mean() < 0.5  # the rows a little aside are none


@pytest.mark.parametrize("classes", [2, 3])
def test_ordinary_rows_are_no_ties(classes: int) -> None:
    assert not ties(classifier(LINES[0], classes), X).any()


def wrong_weight(program: Program) -> Program:
    """One weight of `init` a hundredth off."""
    k, node = next((k, n) for k, n in enumerate(program.nodes) if isinstance(n.op, Linear))
    assert isinstance(node.op, Linear)
    op = replace(node.op, coef=node.op.coef * np.array([1.0, 1.0, 1.01, 1.0]))
    return replace(program, nodes=(*program.nodes[:k], replace(node, op=op), *program.nodes[k + 1 :]))


def not_rounded(program: Program) -> Program:
    """The probabilities of `init` with the digits that float32 does not hold."""
    (single,) = [n for n in program.nodes if isinstance(n.op, Single)]
    nodes = [
        replace(n, inputs=tuple(single.inputs[0] if name == single.name else name for name in n.inputs))
        for n in program.nodes
        if n is not single
    ]
    return replace(program, nodes=tuple(nodes))


@pytest.mark.parametrize(
    ("estimator", "output", "fault"),
    [
        (regressor(LinearRegression()), None, wrong_weight),
        (regressor(make_pipeline(StandardScaler(), Ridge())), None, wrong_weight),
        (classifier(LINES[0]), None, wrong_weight),
        (classifier(LINES[1], 3), None, wrong_weight),
        (classifier(SURE), "decision_function", not_rounded),
    ],
    ids=["value", "piped value", "two classes", "piped, three classes", "not rounded"],
)
def test_a_fault_is_caught_all_the_same(estimator: Any, output: Any, fault: Any, tmp_path: Path) -> None:
    program = lower(estimator, X, output=output)
    for name, given, passes in (("right", program, True), ("wrong", fault(program), False)):
        compared = run(estimator, X, given, tmp_path / name, rows=2_000)
        assert {target: v.passed for target, v in compared.verdicts.items()} == dict.fromkeys(compared.verdicts, passes)
        assert "onnx" in compared.verdicts
