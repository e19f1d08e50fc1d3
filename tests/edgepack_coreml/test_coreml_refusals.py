"""What Core ML's classic models cannot say is refused by name, all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Input
from edgepack.errors import UsageError
from edgepack.ir.ops import (
    Affine,
    ArgMax,
    Complement,
    Elementwise,
    Forest,
    Impute,
    Indicate,
    Label,
    Linear,
    Lookup,
    Normalize,
    OneHot,
    OnnxBlock,
    Sigmoid,
    Softmax,
    Step,
)
from edgepack_coreml import target
from edgepack_coreml.plan import plan

Make = Callable[..., Any]
X = Input(name="X", kind="number", width=2)
CITY = Input(name="city", kind="string")
SUM = Linear(coef=np.ones((1, 2)), intercept=np.zeros(1))
STUMP = Forest(
    feature=np.zeros(3, np.int64),
    threshold=np.array([0.5, 0, 0]),
    equal=np.zeros(3, np.bool_),
    nan_left=np.zeros(3, np.bool_),
    left=np.array([1, -1, -1]),
    right=np.array([2, -1, -1]),
    value=np.array([[0.0], [1.0], [2.0]]),
    roots=np.array([0]),
    base=np.zeros(1),
    divisor=1.0,
    features=2,
    compare="float32",
)
DIVIDE = Affine(divisor=np.array([3.0, 7.0]))
BLOCK = OnnxBlock(model=b"", output="y", width=1, estimator={}, method="get")
KEYS = Lookup(keys=np.array(["a", "<NA>"], object), table=np.zeros((4, 1)))
BINARY = Label(classes=np.array(["no", "yes"]))
PROBABLE = [("q", Sigmoid(), ["s"]), ("p", Complement(), ["q"])]
BOTH = {"label": "l", "probabilities": "p"}

CASES: dict[str, tuple[Any, Any, Any, str, str]] = {
    "a function": ([X], [("v", Softmax(), ["i0"]), ("y", SUM, ["v"])], {"value": "y"}, "Softmax", "middle"),
    "an ONNX graph": ([X], [("y", BLOCK, ["i0"])], {"value": "y"}, "OnnxBlock", "dict is known as an ONNX graph"),
    "a scaler before a split": (
        [X],
        [("v", DIVIDE, ["i0"]), ("y", STUMP, ["v"])],
        {"value": "y"},
        "Forest",
        "rounding",
    ),
    "a sum before a split": (
        [X],
        [("v", Linear(coef=np.eye(2), intercept=np.zeros(2)), ["i0"]), ("y", STUMP, ["v"])],
        {"value": "y"},
        "Forest",
        "rounding",
    ),
    "a scaler before a sentinel": (
        [X],
        [("v", DIVIDE, ["i0"]), ("f", Impute(fill=np.zeros(2), sentinel=1.0), ["v"]), ("y", SUM, ["f"])],
        {"value": "y"},
        "Impute",
        "missing value 1.0",
    ),
    "shared nodes": (
        [X],
        [("y", replace(STUMP, right=np.array([1, -1, -1])), ["i0"])],
        {"value": "y"},
        "Forest",
        "shares nodes",
    ),
    "a category that means missing": (
        [CITY],
        [("c", KEYS, ["i0"]), ("y", Linear(coef=np.ones((1, 1)), intercept=np.zeros(1)), ["c"])],
        {"value": "y"},
        "Lookup",
        "'<NA>' is the text that stands for missing",
    ),
    "a fill that means missing": (
        [CITY],
        [("f", Impute(fill=np.array(["<NA>"], object), sentinel="x"), ["i0"]), ("y", Indicate(sentinel=None), ["f"])],
        {"value": "y"},
        "Impute",
        "fills with '<NA>'",
    ),
    "a constant": (
        [CITY],
        [
            ("c", Lookup(keys=np.array([], object), table=np.full((2, 1), 0.5)), ["i0"]),
            ("y", Linear(coef=np.ones((1, 1)), intercept=np.zeros(1)), ["c"]),
        ],
        {"value": "y"},
        "outputs",
        "depends on no input",
    ),
    "a threshold of one's own": (
        [X],
        [("s", SUM, ["i0"]), *PROBABLE, ("a", Step(threshold=0.3, strict=True), ["q"]), ("l", BINARY, ["a"])],
        BOTH,
        "Step",
        "a threshold of 0.3",
    ),
    "a label by other scores": (
        [X],
        [
            ("s", Linear(coef=np.eye(2), intercept=np.zeros(2)), ["i0"]),
            ("p", Softmax(), ["s"]),
            ("a", ArgMax(), ["i0"]),
            ("l", BINARY, ["a"]),
        ],
        BOTH,
        "ArgMax",
        "the largest score decides the label",
    ),
    "probabilities of no kind": (
        [X],
        [
            ("p", Linear(coef=np.eye(2), intercept=np.zeros(2)), ["i0"]),
            ("a", ArgMax(), ["p"]),
            ("l", BINARY, ["a"]),
        ],
        BOTH,
        "ArgMax",
        "neither a forest's mean nor a link",
    ),
    "two classes, one versus rest": (
        [X],
        [
            ("s", Linear(coef=np.eye(2), intercept=np.zeros(2)), ["i0"]),
            ("q", Sigmoid(), ["s"]),
            ("p", Normalize(), ["q"]),
            ("a", ArgMax(), ["s"]),
            ("l", BINARY, ["a"]),
        ],
        BOTH,
        "ArgMax",
        "one-versus-rest with two classes",
    ),
    "one class": (
        [X],
        [("s", SUM, ["i0"]), ("a", ArgMax(), ["s"]), ("l", Label(classes=np.array(["no"])), ["a"])],
        {"label": "l"},
        "Label",
        "one class",
    ),
    "a name twice": (
        [X, X],
        [("y", SUM, ["i0"])],
        {"value": "y"},
        "input 'X'",
        "needs a name of its own",
    ),
    "an index that was scaled": (
        [Input(name="x", kind="number")],
        [
            ("v", Affine(divisor=np.array([3.0])), ["i0"]),
            ("h", OneHot(size=2), ["v"]),
            ("y", SUM, ["h"]),
        ],
        {"value": "y"},
        "OneHot",
        "rounding",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused_by_name(program: Make, name: str) -> None:
    inputs, chain, outputs, step, reason = CASES[name]
    classes = BINARY.classes.tolist() if "label" in outputs else None
    if name == "one class":
        classes = ["no"]
    p = program(inputs, chain, outputs, classes)
    problems = plan(p).problems
    assert problems and all(problem.remedy for problem in problems)
    assert any(problem.step == step and reason in problem.reason for problem in problems), problems


def test_all_at_once(program: Make) -> None:
    chain = [
        ("u", DIVIDE, ["i0"]),
        ("v", STUMP, ["u"]),
        ("w", Normalize(), ["i0"]),
        ("c", KEYS, ["i1"]),
        ("s", SUM, ["w"]),
        *PROBABLE,
        ("a", Step(threshold=0.3, strict=True), ["q"]),
        ("l", BINARY, ["a"]),
    ]
    problems = plan(program([X, CITY], chain, BOTH, ["no", "yes"])).problems
    assert {problem.step for problem in problems} == {"Forest", "Normalize", "Lookup", "Step"}


def test_steps_that_nothing_needs_are_not_asked_for(program: Make) -> None:
    chain = [("w", Elementwise(function="cos"), ["i0"]), ("y", SUM, ["i0"])]
    assert plan(program([X], chain, {"value": "y"})).problems == ()


def test_rows_without_a_column(program: Make, save: Make) -> None:
    p = program([X], [("y", SUM, ["i0"])], {"value": "y"})
    with pytest.raises(UsageError, match="column 'X' is missing"):
        target.open(save(p), p.interface).run({})
