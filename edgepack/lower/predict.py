"""What a lowered predictor gives, and predictors made of predictors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edgepack.lower import scale
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.compose import steps

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The Program values behind a predictor's answers: a `value`, or class index `label` with `probabilities`."""

    value: str | None = None
    label: str | None = None
    probabilities: str | None = None
    classes: Any = None


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
            return Prediction(value=scale.inverse(est.transformer_, value, b))
        except Refused as error:  # noted here, where the step's own name is known
            b.refuse(error)
            return Prediction()


def best_estimator(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """A search's best estimator."""
    if not hasattr(est, "best_estimator_"):
        raise Refused("refit=False keeps no estimator; search with refit=True")
    return lower.predict(est.best_estimator_, table, b)
