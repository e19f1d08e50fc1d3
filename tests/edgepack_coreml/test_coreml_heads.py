"""From scores to labels and probabilities: every ending that lowering produces."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Input
from edgepack.ir.ops import (
    Affine,
    ArgMax,
    Binary,
    Complement,
    Elementwise,
    Forest,
    Impute,
    Label,
    Linear,
    Normalize,
    Reduce,
    Select,
    Sigmoid,
    Softmax,
    Step,
)
from edgepack_coreml.mil import plan

Make = Callable[..., Any]
X = [Input(name="X", kind="number", width=3)]


def linear(outputs: int) -> Linear:
    rng = np.random.default_rng(outputs)
    return Linear(coef=rng.normal(size=(outputs, 3)), intercept=rng.normal(size=outputs))


def stump(outputs: int, divisor: float = 1.0) -> Forest:
    rng = np.random.default_rng(outputs)
    value = rng.random((9, outputs))
    value /= value.sum(axis=1, keepdims=True) if outputs > 1 else 1
    leaf = np.array([False, True, True] * 3)
    start = np.repeat([0, 3, 6], 3)
    return Forest(
        feature=np.where(leaf, 0, start // 3),
        threshold=np.where(leaf, 0, 0.25),
        equal=np.zeros(9, np.bool_),
        nan_left=np.zeros(9, np.bool_),
        left=np.where(leaf, -1, start + 1),
        right=np.where(leaf, -1, start + 2),
        value=np.where(leaf[:, None], value, 0) * (1 if divisor > 1 else 2)
        - (0.0 if divisor > 1 else leaf[:, None] * 0.7),
        roots=np.array([0, 3, 6]),
        base=np.zeros(outputs),
        divisor=divisor,
        features=3,
        compare="float32",
    )


def end(classes: Any, index: Any, scores: str) -> list[Any]:
    return [("a", index, [scores]), ("l", Label(classes=np.array(classes)), ["a"])]


BINARY, THREE = ("no", "yes"), ("x", "y", "z")
FILL = ("f", Impute(fill=np.full(3, 0.1), sentinel=float("nan")), ["i0"])
LOGISTIC = [("q", Sigmoid(), ["s"]), ("p", Complement(), ["q"])]
ZERO, HALF = Step(threshold=0.0, strict=True), Step(threshold=0.5, strict=True)

HEADS: dict[str, tuple[Any, list[Any], tuple[str, ...]]] = {
    "logistic": (linear(1), [*LOGISTIC, *end(BINARY, ZERO, "s")], BINARY),
    "logistic, half of p": (linear(1), [*LOGISTIC, *end(BINARY, HALF, "q")], BINARY),
    "logistic, the larger p": (linear(1), [*LOGISTIC, *end(BINARY, ArgMax(), "p")], BINARY),
    "logistic, half of the second": (
        linear(1),
        [*LOGISTIC, ("w", Select(columns=np.array([1])), ["p"]), *end(BINARY, HALF, "w")],
        BINARY,
    ),
    "softmax": (linear(3), [("p", Softmax(), ["s"]), *end(THREE, ArgMax(), "s")], THREE),
    "softmax of two": (linear(2), [("p", Softmax(), ["s"]), *end(BINARY, ArgMax(), "p")], BINARY),
    "one versus rest": (
        linear(3),
        [("q", Sigmoid(), ["s"]), ("p", Normalize(), ["q"]), *end(THREE, ArgMax(), "s")],
        THREE,
    ),
    "boosted": (stump(1), [*LOGISTIC, *end(BINARY, ZERO, "s")], BINARY),
    "boosted, not strict": (stump(1), [*LOGISTIC, *end(BINARY, Step(threshold=0.0, strict=False), "s")], BINARY),
    "boosted softmax": (stump(3), [("p", Softmax(), ["s"]), *end(THREE, ArgMax(), "s")], THREE),
    "boosted one versus rest": (
        stump(3),
        [("q", Sigmoid(), ["s"]), ("p", Normalize(), ["q"]), *end(THREE, ArgMax(), "p")],
        THREE,
    ),
    "exponential loss": (
        stump(1),
        [
            ("d", Affine(factor=np.array([2.0])), ["s"]),
            ("q", Sigmoid(), ["d"]),
            ("p", Complement(), ["q"]),
            *end(BINARY, ZERO, "s"),
        ],
        BINARY,
    ),
    "probability of one class": (stump(1, 3.0), [("p", Complement(), ["s"]), *end(BINARY, HALF, "s")], BINARY),
}


@pytest.mark.parametrize("name", HEADS)
def test_head(agree: Make, program: Make, name: str) -> None:
    scores, rest, classes = HEADS[name]
    p = program(X, [FILL, ("s", scores, ["f"]), *rest], {"label": "l", "probabilities": "p"}, classes)
    stages = agree(p, tolerance=1e-15)
    family = "glmClassifier" if isinstance(scores, Linear) or "rest" in name else "treeEnsembleClassifier"
    assert stages[-1] == family


def test_the_mean_of_a_forest_is_the_probabilities(agree: Make, program: Make) -> None:
    p = program(
        X, [("p", stump(3, 3.0), ["i0"]), *end(THREE, ArgMax(), "p")], {"label": "l", "probabilities": "p"}, THREE
    )
    assert agree(p, tolerance=1e-15) == ["treeEnsembleClassifier"]


@pytest.mark.parametrize("threshold", [0.0, 0.7, -2.0])
@pytest.mark.parametrize("scores", [linear(1), stump(1)], ids=["linear", "forest"])
def test_a_label_alone_by_a_threshold(agree: Make, program: Make, scores: Any, threshold: float) -> None:
    p = program(
        X,
        [FILL, ("s", scores, ["f"]), *end(BINARY, Step(threshold=threshold, strict=True), "s")],
        {"label": "l"},
        BINARY,
    )
    agree(p)


@pytest.mark.parametrize("scores", [linear(3), stump(3), stump(3, 3.0)], ids=["linear", "sum", "mean"])
def test_a_label_alone_by_the_largest(agree: Make, program: Make, scores: Any) -> None:
    agree(program(X, [FILL, ("s", scores, ["f"]), *end(THREE, ArgMax(), "s")], {"label": "l"}, THREE))


LABELS = {
    "bool": (False, True),
    "int": (-5, 2**40),
    "whole float": (0.0, 7.0),
    "float": (0.5, 1.25),
    "text": ("", "naïve 日本"),
}


@pytest.mark.parametrize("name", LABELS)
@pytest.mark.parametrize("forest", [False, True])
def test_labels_come_back_as_they_were(agree: Make, program: Make, name: str, forest: bool) -> None:
    classes = LABELS[name]
    scores = stump(1) if forest else linear(1)
    p = program(
        X,
        [FILL, ("s", scores, ["f"]), *LOGISTIC, *end(classes, ZERO, "s")],
        {"label": "l", "probabilities": "p"},
        classes,
    )
    agree(p, tolerance=1e-15)


@pytest.mark.parametrize("divided", [False, True])
def test_the_largest_vote_is_the_largest_share(divided: bool, program: Make) -> None:
    shares: list[Any] = [("p", Normalize(), ["v"])]
    if divided:
        shares = [("s", Reduce(function="sum"), ["v"]), ("p", Binary(function="divide"), ["v", "s"])]
    chain = [("v", Elementwise(function="absolute"), ["i0"]), *shares]
    chain += [("k", ArgMax(), ["v"]), ("l", Label(classes=np.array([0, 1, 2])), ["k"])]
    made = program([Input(name="X", kind="number", width=3)], chain, {"label": "l", "probabilities": "p"}, (0, 1, 2))
    assert plan(made, 15).problems == ()


def test_shares_of_another_sum_are_no_shares(program: Make) -> None:
    chain = [
        ("v", Elementwise(function="absolute"), ["i0"]),
        ("s", Reduce(function="sum"), ["i0"]),
        ("p", Binary(function="divide"), ["v", "s"]),
        ("k", ArgMax(), ["v"]),
        ("l", Label(classes=np.array([0, 1, 2])), ["k"]),
    ]
    made = program([Input(name="X", kind="number", width=3)], chain, {"label": "l", "probabilities": "p"}, (0, 1, 2))
    assert "decides the label" in plan(made, 15).problems[0].reason
