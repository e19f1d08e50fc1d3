"""What the members of an ensemble answer, in the terms of the whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import is_classifier, is_regressor

from edgepack.ir.ops import Affine, Concat, Constant, Linear, Lookup, Select, Sum
from edgepack.ir.types import Floats, Integers
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import column
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def predictions(
    estimators: Iterable[Any], table: Table, b: Builder, lower: Dispatch, columns: Sequence[Any] | None = None
) -> list[Prediction]:
    """Each member's own answers to the table, or to its own columns of it."""
    found = []
    for k, member in enumerate(estimators):
        with b.within(f"[{k}]"):
            given = table if columns is None else table.take(np.asarray(columns[k]).tolist())
            found.append(lower.predict(member, given, b))
    return found


def label_of(p: Prediction, b: Builder) -> str:
    """The index of a classifier's label."""
    return p.label or _unsaid(p, "label", 1, b)


def value_of(p: Prediction, b: Builder) -> str:
    """A regressor's value."""
    return p.value or _unsaid(p, "value", 1, b)


def decision_of(p: Prediction, b: Builder, width: int = 1) -> str:
    """A classifier's decision function."""
    return p.decision or _unsaid(p, "decision_function", width, b)


def probabilities_of(p: Prediction, b: Builder, classes: int) -> str:
    """A classifier's probabilities."""
    return p.probabilities or _unsaid(p, "predict_proba", classes, b)


def positive(member: Any, p: Prediction, b: Builder) -> str:
    """How much a binary member says for class 1: a regressor's value, a decision, else a probability."""
    if is_regressor(member):
        return value_of(p, b)
    if hasattr(member, "decision_function"):
        return decision_of(p, b)
    return column(probabilities_of(p, b, 2), 1, b)


def threshold_of(member: Any) -> float:
    """From where on `positive` means class 1."""
    return 0.0 if hasattr(member, "decision_function") and is_classifier(member) else 0.5


def beside(values: Sequence[str], b: Builder) -> str:
    """Values side by side."""
    return values[0] if len(values) == 1 else b.emit(Concat(), *values)


def total(values: Sequence[str], b: Builder) -> str:
    """Values added, first to last."""
    return values[0] if len(values) == 1 else b.emit(Sum(), *values)


def mean(values: Sequence[str], b: Builder, weights: Floats | None = None) -> str:
    """Values, weighted, added first to last and divided once, as `np.average` does."""
    width = b.types[values[0]].width
    if weights is not None:
        values = [b.emit(Affine(factor=np.full(width, float(w))), v) for v, w in zip(values, weights, strict=True)]
    count = float(len(values)) if weights is None else float(np.sum(weights))
    return b.emit(Affine(divisor=np.full(width, count)), total(values, b))


def placed(value: str, at: Integers, width: int, b: Builder) -> str:
    """A member's columns where the whole has them; zeros elsewhere."""
    if np.array_equal(at, np.arange(width)):
        return value
    columns = np.full(width, len(at))
    columns[at] = np.arange(len(at))
    return b.emit(Select(columns=columns), b.emit(Concat(), value, b.emit(Constant(row=np.zeros(1)), value)))


def row_of(index: str, rows: Floats, b: Builder) -> str:
    """The row of a table `(classes, width)` that an index names."""
    nowhere = np.full((2, rows.shape[1]), np.nan)
    return b.emit(Lookup(keys=np.arange(float(len(rows))), table=np.concatenate([rows, nowhere])), index)


def weighed(values: str, coef: Floats, b: Builder) -> str:
    """Weighted sums of the columns, `(outputs, columns)`."""
    return b.emit(Linear(coef=coef, intercept=np.zeros(len(coef))), values)


def _unsaid(p: Prediction, what: str, width: int, b: Builder) -> str:
    if p.is_empty:  # it was refused, and has said why
        return b.gather(b.placeholder(width))
    raise Refused(f"a member gives no {what} here; use one that does")
