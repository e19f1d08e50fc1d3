"""What a lowered predictor gives, and predictors made of predictors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn import compose
from sklearn import pipeline as sk_pipeline

from edgepack.ir.ops import ArgMax
from edgepack.ir.types import number
from edgepack.lower import taught
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.compose import steps
from edgepack.lower.inverse import inverse

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The Program values behind a predictor's answers, as far as it has them.

    Attributes:
        value: a regressor's `predict`, `(rows, targets)`.
        label: a classifier's `predict` as the index of a class, `(rows, 1)`.
        probabilities: `predict_proba`, `(rows, classes)`.
        decision: `decision_function`: one column where scikit-learn gives one number per row.
        scores: `score_samples`, `(rows, 1)`.
        classes: the labels by index.
        targets: a classifier of several targets has nothing of the above, but one `Prediction` per target.
        multilabel: whether those targets are one `(rows, labels)` indicator, whose probabilities are those of class 1.
    """

    value: str | None = None
    label: str | None = None
    probabilities: str | None = None
    decision: str | None = None
    scores: str | None = None
    classes: Any = None
    targets: tuple[Prediction, ...] = ()
    multilabel: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it was refused."""
        return not (self.value or self.label or self.targets or self.decision or self.scores)


def pipeline(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The transformers, then the last step."""
    table = steps(est.steps[:-1], table, b, lower)
    name, last = est.steps[-1]
    with b.within(name):
        return lower.predict(last, table, b)


def transformed_target_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The regressor's value, taken back to the target's own scale."""
    with b.within("regressor"):
        inner = lower.predict(est.regressor_, table, b)
    if inner.label is not None:
        raise Refused(f"regressor {type(est.regressor_).__name__} gives no value; use a regressor")
    value = inner.value or b.gather(b.placeholder(getattr(est.transformer_, "n_features_in_", 1)))
    with b.within("transformer", type(est.transformer_).__name__):
        try:
            return Prediction(value=inverse(est.transformer_, value, b))
        except Refused as error:  # noted here, where the step's own name is known
            b.refuse(error)
            return Prediction()


def taught_predictor(est: Any, table: Table, b: Builder) -> Prediction | None:
    """The answers of a class that somebody teaches: a classifier's probabilities, and of these the largest."""
    answer = taught.answer(est, table, b)
    if answer is None or not hasattr(est, "classes_"):
        return None if answer is None else Prediction(value=answer)
    if b.types[answer] != number(len(est.classes_)):
        raise Refused(f"its lowering gives {b.types[answer]}; return probabilities, one column per class")
    return Prediction(label=b.emit(ArgMax(), answer), probabilities=answer, classes=est.classes_)


PREDICTORS = {
    compose.TransformedTargetRegressor: transformed_target_regressor,
    sk_pipeline.Pipeline: pipeline,
}
