"""What a quantized model's answers are worth beside the server's, as scikit-learn's scorers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer

from edgepack.contract import Answers
from edgepack.errors import UsageError
from edgepack.ir.types import Array

GROUPS = 8
"""The score is taken in so many groups of rows, too, to see how much it scatters."""

FEWEST_ROWS = 10 * GROUPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """How much of a score is lost.

    Attributes:
        metric: the scorer's name.
        server, quantized: the scores; greater is better.
        scatter: the standard error of their difference.
    """

    metric: str
    server: float
    quantized: float
    scatter: float

    @property
    def size(self) -> float:
        """What is lost; negative where something is won."""
        return self.server - self.quantized


def drop_of(metric: str, truth: Array, server: Answers, quantized: Answers, classes: Any) -> Drop:
    """The loss of a score on rows whose true answers are known.

    Args:
        metric: a name that `sklearn.metrics.get_scorer` knows.
        truth: `(rows,)` or `(rows, outputs)`.
        classes: the labels in the order of the probabilities' columns; None for a regressor.

    Raises:
        UsageError: no such scorer, one that these answers are not enough for, or too few rows.
    """
    try:
        scorer = get_scorer(metric)
    except ValueError as error:
        raise UsageError(f"{metric}: scikit-learn has no such scorer; give for example accuracy or r2") from error

    def score(answers: Answers, some: Any) -> float:
        given = _Answers.of(answers, some, classes)
        try:
            return float(scorer(given, np.zeros((len(truth[some]), 1)), truth[some]))
        except (ValueError, TypeError, AttributeError) as error:
            reason = " ".join(str(error).split())
            raise UsageError(f"{metric}: cannot score this model's answers ({reason}); choose another") from error

    if len(truth) < FEWEST_ROWS:
        raise UsageError(f"{len(truth)} rows are too few for a metric; give at least {FEWEST_ROWS} with --data FILE")
    groups = [np.arange(len(truth)) % GROUPS == k for k in range(GROUPS)]
    lost = []
    for some in groups:
        if any(not np.array_equal(answer[some], quantized[name][some]) for name, answer in server.items()):
            lost.append(score(server, some) - score(quantized, some))
        else:
            lost.append(0.0)
    scatter = float(np.std(lost, ddof=1) / np.sqrt(GROUPS))
    everything = np.ones(len(truth), np.bool_)
    return Drop(
        metric=metric, server=score(server, everything), quantized=score(quantized, everything), scatter=scatter
    )


class _Answers:
    """Answers in the form of a fitted estimator that gives them whatever it is asked, as scorers want one."""

    @staticmethod
    def of(answers: Answers, some: Any, classes: Any) -> Any:
        """A classifier where there are labels, with probabilities where there are those; else a regressor."""
        if "label" not in answers:
            return _Regressor(answers["value"][some])
        labels = answers["label"][some]
        if "probabilities" in answers:
            return _Classifier(labels, classes, answers["probabilities"][some])
        return _Labeller(labels, classes)


class _Regressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    def __init__(self, value: Array) -> None:
        self.value = value

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, _rows: Any) -> Array:
        return self.value


class _Labeller(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    def __init__(self, label: Array, classes: Any) -> None:
        self.label = label
        self.classes_ = np.asarray(classes if classes is not None else np.unique(label))

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, _rows: Any) -> Array:
        return self.label


class _Classifier(_Labeller):
    def __init__(self, label: Array, classes: Any, probabilities: Array) -> None:
        super().__init__(label, classes)
        self.probabilities = probabilities

    def predict_proba(self, _rows: Any) -> Array:
        return self.probabilities
