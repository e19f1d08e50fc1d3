"""Vectorizers of texts as wide as a row of counts may be, one column narrower, and one wider."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from catalogue.case import run
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from edgepack.errors import UnsupportedError
from edgepack.host.text import TextStep
from edgepack.ir.program import NUMBERS
from edgepack.lower import lower
from edgepack.lower.text import MOST_COLUMNS

NO_STAGE = {"coreml": "Count of strings has no Core ML stage"}
KINDS: dict[str, Callable[[int], Any]] = {
    "CountVectorizer": lambda width: CountVectorizer(vocabulary=words(width)),
    "TfidfVectorizer": lambda width: TfidfVectorizer(vocabulary=words(width)),
    "HashingVectorizer": lambda width: HashingVectorizer(n_features=width),
    "FeatureHasher": lambda width: FeatureHasher(n_features=width),
}


def words(width: int) -> list[str]:
    """A vocabulary; its last word stands in the last column."""
    return [f"w{k}" for k in range(width)]


def sample(kind: str, width: int) -> Any:
    """Texts, or records, that count in the first and in the last columns, more than once, and nowhere."""
    last = f"w{width - 1}"
    texts = [
        f"w0 w1 {last}",
        f"{last} {last} w2",
        "w0 w0 w0",
        "nothing known",
        f"w{width - 2} w7",
        f"w3 {last}",
        "w7",
        "",
    ]
    return [{"text": text} for text in texts * 4] if kind == "FeatureHasher" else texts * 4


def fitted(kind: str, width: int) -> tuple[Any, Any]:
    given = sample(kind, width)
    return make_pipeline(KINDS[kind](width), LogisticRegression()).fit(given, np.arange(len(given)) % 2), given


@pytest.mark.parametrize("less", [1, 0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_row_of_counts_may_be_as_wide_as_the_limit(kind: str, less: int, tmp_path: Path) -> None:
    estimator, given = fitted(kind, MOST_COLUMNS - less)
    compared = run(estimator, given, lower(estimator, given, fallback=False), tmp_path, rows=200)
    assert compared.refusals == NO_STAGE
    verdict = compared.verdicts["onnx"]
    assert verdict.passed, verdict.reason
    assert verdict.rows >= 150
    assert compared.artifacts["onnx"].path.stat().st_size > 4 * (MOST_COLUMNS - less)  # a weight for every column


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_is_one_column_wider_is_refused(kind: str) -> None:
    estimator, given = fitted(kind, MOST_COLUMNS + 1)
    with pytest.raises(UnsupportedError, match=rf"{MOST_COLUMNS + 1}\b.* a row of which no phone should fill; give"):
        lower(estimator, given, fallback=False)


@pytest.mark.parametrize(
    "last", [LogisticRegression(), RandomForestClassifier(5, random_state=0)], ids=["sum", "trees"]
)
def test_wide_rows_are_counted_few_at_a_time(last: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 of them, as parity has by default, would take 20 GB."""
    counts, most = TextStep.counts, []

    def noted(step: TextStep, texts: Any) -> Any:
        most.append(len(texts) * step.width)
        return counts(step, texts)

    texts = sample("CountVectorizer", MOST_COLUMNS)
    frame = pd.DataFrame({"text": pd.Series(texts, dtype=object), "n": np.arange(len(texts)) % 5.0})
    columns = make_column_transformer((CountVectorizer(vocabulary=words(MOST_COLUMNS)), "text"), ("passthrough", ["n"]))
    estimator = make_pipeline(columns, last).fit(frame, np.arange(len(texts)) % 2)
    monkeypatch.setattr(TextStep, "counts", noted)
    compared = run(estimator, frame, lower(estimator, frame, fallback=False), tmp_path, rows=600)
    assert compared.verdicts["onnx"].passed
    assert NUMBERS // 4 < max(most) <= NUMBERS
