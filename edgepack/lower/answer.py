"""Which of a predictor's answers become the Program's outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.contract import Method, are_texts
from edgepack.ir.ops import Concat, Label, Lookup, Select
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.predict import Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The values behind a Program's outputs, the method that `value` answers, the classes of a label or of targets."""

    outputs: dict[str, str]
    method: Method
    classes: Any = None
    targets: tuple[Any, ...] = ()


def answer_of(prediction: Prediction, wanted: Method | None, b: Builder) -> Answer:
    """The outputs for a method; by default the prediction with its probabilities. Raises `Refused` where it has none.

    Several targets become one `value`: see `Interface.targets`.
    """
    p = prediction
    if wanted in ("decision_function", "score_samples"):
        scores = p.decision if wanted == "decision_function" else p.scores
        if scores is None:
            raise Refused(_instead(wanted, p))
        return Answer(outputs={"value": scores}, method=wanted)
    if p.targets:
        return _of_targets(p, wanted, b)
    if wanted == "transform":
        raise Refused(_instead(wanted, p))
    if wanted == "predict_proba" and p.probabilities is None:
        raise Refused(_instead(wanted, p))
    if p.label is None:
        if wanted == "predict_proba" and p.probabilities:
            return Answer(outputs={"value": p.probabilities}, method="predict_proba")
        if p.value is None:
            raise Refused("gives no prediction")
        return Answer(outputs={"value": p.value}, method="predict")
    outputs = {"label": b.emit(Label(classes=np.asarray(p.classes)), p.label)}
    if p.probabilities is not None and wanted != "predict":
        outputs["probabilities"] = p.probabilities
    return Answer(outputs=outputs, method="predict", classes=p.classes)


def transformed(table: Table, b: Builder) -> Answer:
    """A transformer's columns as one `value`."""
    return Answer(outputs={"value": b.numbers(table)} if not b.problems else {}, method="transform")


def _of_targets(p: Prediction, wanted: Method | None, b: Builder) -> Answer:
    classes = tuple(tuple(np.asarray(t.classes).tolist()) for t in p.targets)
    if wanted == "predict_proba":
        probabilities = [t.probabilities for t in p.targets if t.probabilities is not None]
        if len(probabilities) < len(p.targets):
            raise Refused(_instead(wanted, p))
        if p.multilabel:
            ones = [b.emit(Select(columns=np.array([1])), name) for name in probabilities]
            return Answer(outputs={"value": _beside(ones, b)}, method="predict_proba")
        return Answer(outputs={"value": _beside(probabilities, b)}, method="predict_proba", targets=classes)
    numbers = [str(t.label) if are_texts(c) else as_numbers(t, b) for t, c in zip(p.targets, classes, strict=True)]
    return Answer(outputs={"value": _beside(numbers, b)}, method="predict", targets=() if p.multilabel else classes)


def as_numbers(target: Prediction, b: Builder) -> str:
    """A classifier's labels themselves."""
    classes = np.asarray(target.classes)
    if are_texts(classes.tolist()):
        raise Refused("a later step takes labels that are no numbers; encode the labels")
    known = classes.astype(np.float64)[:, None]
    if np.array_equal(known[:, 0], np.arange(len(known))):
        return str(target.label)
    table = np.concatenate([known, np.full((2, 1), np.nan)])
    return b.emit(Lookup(keys=np.arange(len(known), dtype=np.float64), table=table), str(target.label))


def _beside(names: Sequence[str], b: Builder) -> str:
    return names[0] if len(names) == 1 else b.emit(Concat(), *names)


def _instead(wanted: str, p: Prediction) -> str:
    has = {"decision_function": p.decision, "score_samples": p.scores, "predict_proba": p.probabilities}
    known = " or ".join(["predict", *(name for name, value in has.items() if value is not None)])
    return f"gives no {wanted}; choose {known}"
