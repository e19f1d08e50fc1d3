"""Apple's framework answers row by row, in dictionaries; the runner puts them in the contract's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Input
from edgepack.errors import UsageError
from edgepack.ir.ops import Complement, Concat, Label, Linear, Lookup, Sigmoid, Step
from edgepack_coreml import target
from edgepack_coreml.evaluate import load
from edgepack_coreml.evaluate.values import Dictionaries
from edgepack_coreml.runner import EvaluatorRunner, MacRunner

Make = Callable[..., Any]


class Framework:
    """As `coremltools.models.MLModel` answers: a dictionary per row."""

    def __init__(self, path: Any) -> None:
        self.evaluator = load(path)

    def get_spec(self) -> Any:
        return type("Spec", (), {"description": self.evaluator.description})

    def predict(self, rows: Any) -> Any:
        answers = []
        for row in rows:
            kind = {name: object if isinstance(value, str) else np.float64 for name, value in row.items()}
            given = {name: np.array([value], kind[name]) for name, value in row.items()}
            answers.append({name: self.plain(value) for name, value in self.evaluator.run(given).items()})
        return answers

    def plain(self, value: Any) -> Any:
        if isinstance(value, Dictionaries):
            pairs = zip(value.labels, value.numbers[0].tolist(), strict=True)
            return dict(sorted(pairs, reverse=True))  # in no order that matters
        return value[0]


@pytest.mark.parametrize("classes", [(False, True), ("no", "yes"), (0.5, 1.5)])
def test_labels_and_probabilities(program: Make, save: Make, columns: Make, classes: Any) -> None:
    codes = Lookup(keys=np.array(["a"], object), table=np.array([[1.0], [0.0], [2.0]]))
    chain = [
        ("c", codes, ["i0"]),
        ("x", Concat(), ["c", "i1"]),
        ("s", Linear(coef=np.array([[1.0, 0.3]]), intercept=np.array([-0.7])), ["x"]),
        ("q", Sigmoid(), ["s"]),
        ("p", Complement(), ["q"]),
        ("k", Step(threshold=0.0, strict=True), ["s"]),
        ("l", Label(classes=np.array(classes)), ["k"]),
    ]
    inputs = [Input(name="city", kind="string"), Input(name="age", kind="number")]
    p = program(inputs, chain, {"label": "l", "probabilities": "p"}, classes)
    rows, path = columns(p, rows=40), save(p)
    wanted = p.run(rows)
    answers = MacRunner(model=Framework(path), interface=p.interface).run(rows)
    np.testing.assert_array_equal(answers["label"], wanted["label"])
    np.testing.assert_allclose(answers["probabilities"], wanted["probabilities"], rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("outputs", [1, 2])
def test_values(program: Make, save: Make, columns: Make, outputs: int) -> None:
    chain = [("y", Linear(coef=np.ones((outputs, 2)), intercept=np.arange(outputs) + 1.0), ["x"])]
    inputs = [Input(name=name, kind="number") for name in ("a", "b")]
    p = program(inputs, [("x", Concat(), ["i0", "i1"]), *chain], {"value": "y"})
    rows = columns(p, rows=20)
    answers = MacRunner(model=Framework(save(p)), interface=p.interface).run(rows)
    np.testing.assert_array_equal(answers["value"], p.run(rows)["value"])


def test_a_file_of_another_model(program: Make, save: Make, columns: Make) -> None:
    def classifier(*classes: str) -> Any:
        chain = [
            ("s", Linear(coef=np.ones((1, 1)), intercept=np.zeros(1)), ["i0"]),
            ("k", Step(threshold=0.0, strict=True), ["s"]),
            ("l", Label(classes=np.array(classes)), ["k"]),
        ]
        return program([Input(name="x", kind="number")], chain, {"label": "l"}, classes)

    ours, theirs = classifier("no", "yes"), classifier("cat", "dog")
    runner = target.open(save(theirs), ours.interface)
    assert isinstance(runner, EvaluatorRunner)
    with pytest.raises(UsageError, match="is not among the interface's classes"):
        runner.run(columns(ours))
