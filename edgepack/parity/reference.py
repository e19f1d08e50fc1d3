"""What the server answers: the original fitted estimator, fed as it was fitted."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from edgepack.contract import Answers, Columns, Interface, are_texts
from edgepack.ir.types import Array, Flags, Floats
from edgepack.parity.refusals import Questions
from edgepack.parity.ties import ties
from edgepack.records import records_of, takes_records
from edgepack.rows import TEXT

Form = Literal["table", "matrix", "array", "texts", "records"]


class Asked(Protocol):
    """What artifacts are compared with."""

    def answers(self, columns: Columns) -> tuple[Answers, Flags]:
        """The answers to the rows that have one, in order, and `(rows,)` flags of those that have none."""

    def margins(self, columns: Columns) -> Margins:
        """How far the two best scores of each row are apart."""

    def ties(self, columns: Columns) -> Flags:
        """Rows for which they chose among equals: no answer to them is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The server: a fitted scikit-learn estimator behind an interface.

    Attributes:
        estimator: as it was loaded; its `n_jobs` is left as it is.
        interface: the inputs and outputs by name.
        none_columns: string inputs whose missing value the estimator knows as `None` rather than NaN.
        original: answers in place of the estimator where that was rebuilt from a model in another environment; the
            estimator then only says where it is near a tie.
        form: what the estimator takes: a `table` (DataFrame by column names), a numeric `matrix`, an object `array`, or
            a list of `texts`, or of dicts (`records`).
            Found from the estimator and the interface where None.
    """

    estimator: Any
    interface: Interface
    none_columns: frozenset[str] = frozenset()
    form: Form | None = None
    original: Any = None

    def rows(self, columns: Columns) -> Any:
        """The rows as the estimator takes them; numbers are float64 holding values of the interface's input dtype."""
        import pandas as pd

        given = [self._given(columns, i.name) for i in self.interface.inputs]
        form = self.form or _form(self.estimator, self.interface)
        if form == "texts":
            return given[0][:, 0]
        if form == "matrix":
            return np.concatenate(given, axis=1)
        if form == "array":
            return np.concatenate([x.astype(object) for x in given], axis=1)
        if len(given) == 1 and given[0].shape[1] > 1:
            return pd.DataFrame(given[0], columns=self.estimator.feature_names_in_)
        names = [i.name for i in self.interface.inputs]
        table = pd.DataFrame({name: pd.Series(x[:, 0], dtype=x.dtype) for name, x in zip(names, given, strict=True)})
        return records_of(table) if form == "records" else table

    def _given(self, columns: Columns, name: str) -> Array:
        x = columns[name]
        if x.dtype != object:
            return x.astype(self.interface.input_dtype).astype(np.float64)
        if name in self.none_columns:
            return x
        return np.where(x == None, np.nan, x)  # noqa: E711  (elementwise)

    def predict(self, columns: Columns) -> Answers:
        """The estimator's own answers to rows that it accepts. Raises what the estimator raises."""
        rows = self.rows(columns)
        server = self.estimator if self.original is None else self.original
        answers: dict[str, Array] = {}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for output in self.interface.outputs:
                if output == "probabilities":
                    answers[output] = np.asarray(server.predict_proba(rows), np.float64)
                elif output == "label":
                    answers[output] = np.asarray(server.predict(rows)).reshape(len(rows))  # CatBoost: (rows, 1)
                else:
                    answers[output] = as_value(self._numbers(getattr(server, self.interface.method)(rows)))
        return answers

    def _numbers(self, answer: Any) -> Any:
        """An answer whose texts are their places among each target's labels."""
        if self.interface.method != "predict" or not any(map(are_texts, self.interface.targets)):
            return answer
        given = np.asarray(answer, object)
        return np.stack([_places(given[:, k], labels) for k, labels in enumerate(self.interface.targets)], axis=1)

    def margins(self, columns: Columns) -> Margins:
        """How far the two best scores of each row are apart: probabilities if there are any, else what decides.

        Where pairs of classes vote, that is the least sum of a pair: next to 0, a vote goes to either class. Where
        scores tell equal votes apart, they decide, too. A mixture model's label is decided by logarithms of its
        probabilities, as large as that of the density.
        """
        rows = self.rows(columns)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            last, given = _last(self.estimator, rows)
            if (sums := _pair_sums(last, given)) is not None:
                least = np.abs(sums).min(axis=1)
                if getattr(last, "break_ties", False) and sums.shape[1] > 1:
                    least = np.minimum(least, Margins.of(self.estimator.decision_function(rows)).apart)
                return Margins.of(least)
            if (above := _above_threshold(last, given)) is not None:
                return Margins.of(above)
            if (distances := _distances(last, given)) is not None:
                return Margins.of(-distances)
            if "probabilities" in self.interface.outputs:
                return Margins.of(self.estimator.predict_proba(rows))
            if hasattr(self.estimator, "decision_function"):
                return Margins.of(self.estimator.decision_function(rows))
            if hasattr(self.estimator, "predict_proba") and hasattr(self.estimator, "score_samples"):
                apart = Margins.of(np.log(np.asarray(self.estimator.predict_proba(rows), np.float64)))
                return Margins(apart=apart.apart, size=np.abs(self.estimator.score_samples(rows)))
            if hasattr(self.estimator, "predict_proba") and getattr(self.estimator, "multi_class", "") != "one_vs_one":
                return Margins.of(self.estimator.predict_proba(rows))
        unknown = np.full(len(columns[self.interface.inputs[0].name]), np.inf)
        return Margins(apart=unknown, size=np.ones(len(unknown)))

    def ties(self, columns: Columns) -> Flags:
        """Where a search for neighbours found several equally near, or sums in float32 have too few digits."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return ties(self.estimator, self.rows(columns))

    def answers(self, columns: Columns) -> tuple[Answers, Flags]:
        """The answers to the rows that the estimator accepts, in order, and `(rows,)` flags of those that it refuses.

        Raises:
            ParityError: where the estimator refuses every row.
        """
        return Questions(ask=self.predict, columns=columns).run()


def _places(answer: Array, labels: Sequence[Any]) -> Floats:
    """`(rows,)`: the place of each label, or itself where it is a number."""
    if not are_texts(labels):
        return answer.astype(np.float64)
    places = {label: float(place) for place, label in enumerate(labels)}
    return np.array([places[label] for label in answer.tolist()])


def as_value(answer: Any) -> Floats:
    """What a method gave as `(rows,)` or `(rows, width) float64`: sparse made dense, several targets side by side."""
    if isinstance(answer, list):
        answer = np.concatenate([np.asarray(a, np.float64) for a in answer], axis=1)
    if hasattr(answer, "toarray"):
        answer = answer.toarray()
    value = np.asarray(answer, np.float64)
    return value[:, 0] if value.ndim == 2 and value.shape[1] == 1 else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """What decides the label of each row.

    Attributes:
        apart: the difference between the two largest scores; a single score is measured from 0.
        size: how large the two are.
    """

    apart: Floats
    size: Floats

    @classmethod
    def of(cls, scores: Any) -> Margins:
        """The margins of `(rows,)` or `(rows, classes)` of scores."""
        scores = np.asarray(scores, np.float64)
        if scores.ndim == 1 or scores.shape[1] == 1:
            single = np.abs(scores.reshape(len(scores)))
            return cls(apart=single, size=single)
        best = np.sort(scores, axis=1)[:, -2:]
        return cls(apart=best[:, 1] - best[:, 0], size=np.abs(best).max(axis=1))

    def within(self, width: float) -> Flags:
        """Where the scores are no more than `width` apart, beside the larger of 1 and their size."""
        size = np.where(np.isfinite(self.size), np.maximum(self.size, 1.0), 1.0)
        return np.asarray(self.apart <= width * size)


def _last(estimator: Any, rows: Any) -> tuple[Any, Any]:
    """What decides at the end of a pipeline, and what it is given."""
    if not hasattr(estimator, "steps"):
        return estimator, rows
    return estimator[-1], estimator[:-1].transform(rows)


def _pair_sums(last: Any, given: Any) -> Floats | None:
    """`(rows, pairs)` of what a support vector classifier of libsvm votes by."""
    if not hasattr(last, "decision_function_shape") or not hasattr(last, "_decision_function"):
        return None
    sums = np.asarray(last._decision_function(given), np.float64)
    return sums.reshape(len(sums), -1)


def _above_threshold(last: Any, given: Any) -> Floats | None:
    """`(rows,)`: by how much a classifier's score is above a threshold that was set or tuned."""
    from sklearn.utils._response import _get_response_values_binary

    if not hasattr(last, "response_method") or not hasattr(last, "_get_response_method"):
        return None
    tuned = hasattr(last, "best_threshold_")
    positive = last._curve_scorer._get_pos_label() if tuned else last.pos_label
    inner = getattr(last, "estimator_", last.estimator)
    score, _, method = _get_response_values_binary(
        inner, given, last._get_response_method(), pos_label=positive, return_response_method_used=True
    )
    threshold = last.best_threshold_ if tuned else last.threshold
    if threshold == "auto":
        threshold = 0.5 if method == "predict_proba" else 0.0
    return np.asarray(score, np.float64) - threshold


def _distances(last: Any, given: Any) -> Floats | None:
    """`(rows, points)` from what the nearest of decides the label: cluster centres, or codes of classes."""
    from sklearn.metrics import euclidean_distances
    from sklearn.multiclass import _predict_binary

    for name in ("cluster_centers_", "subcluster_centers_"):
        if hasattr(last, name):
            return np.asarray(euclidean_distances(given, getattr(last, name)), np.float64)
    if hasattr(last, "code_book_"):
        said = np.stack([_predict_binary(member, given) for member in last.estimators_], axis=1)
        return np.asarray(euclidean_distances(said, last.code_book_), np.float64)
    return None


def _form(estimator: Any, interface: Interface) -> Form:
    if hasattr(estimator, "feature_names_in_"):
        return "table"
    if takes_records(estimator):
        return "records"
    if interface.texts and [i.name for i in interface.inputs] == [TEXT]:
        return "texts"
    if any(i.name not in ("X", f"x{k}") for k, i in enumerate(interface.inputs)):
        return "table"
    return "array" if any(i.kind == "string" for i in interface.inputs) else "matrix"
