"""docs/estimators.md says what is so. `python tests/inventory/test_inventory.py` writes it anew (`make docs`)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from inventory.document import DOCUMENT, counts, document
from inventory.facts import Fact, fact_of
from inventory.kinds import KINDS
from inventory.reasons import FITTED_ROWS_ONLY

VERSION = ".".join(sklearn.__version__.split(".")[:2])
LEAST = {"onnx": 195, "coreml": 190}
"""Ratchets: only ever to be raised."""


def every_fact() -> dict[Any, Fact]:
    with tempfile.TemporaryDirectory() as folder:
        return {kind: fact_of(kind, Path(folder, name)) for name, kind in KINDS.items()}


@pytest.fixture(scope="module")
def facts() -> dict[Any, Fact]:
    """Of every estimator there is: that this ends without an exception is a test of its own."""
    return every_fact()


def test_the_table_says_what_is_so(facts: dict[Any, Fact]) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(facts, VERSION), "run: make docs"


def test_so_many_estimators_are_lowered(facts: dict[Any, Fact]) -> None:
    found = counts(facts)
    assert {target: found[target] >= least for target, least in LEAST.items()} == dict.fromkeys(LEAST, True), found


def test_no_own_lowering_answers_otherwise_on_onnx(facts: dict[Any, Fact]) -> None:
    assert [kind.__name__ for kind, fact in facts.items() if fact.onnx == "differs" and fact.answers] == []


def test_every_core_ml_file_lints_clean(facts: dict[Any, Fact]) -> None:
    """Each was loaded from its file and agreed: `classic` and `ML Program` say so."""
    written_forms = ("classic", "ML Program", "label alone")
    written = [kind.__name__ for kind, fact in facts.items() if fact.coreml in (*written_forms, "differs")]
    agree = [kind.__name__ for kind, fact in facts.items() if fact.coreml in written_forms]
    print(
        f"Core ML: {len(written)} of {len(facts)} estimators emitted and linted, {len(agree)} agree with scikit-learn"
    )
    assert len(agree) >= LEAST["coreml"]
    assert {kind.__name__: fact.findings for kind, fact in facts.items() if fact.findings} == {}


def test_whatever_is_refused_has_a_reason(facts: dict[Any, Fact]) -> None:
    refused = {"refused", "differs", "no meaning"}
    assert [k.__name__ for k, fact in facts.items() if {fact.onnx, fact.coreml} & refused and not fact.why] == []


def test_every_reason_that_is_written_is_used(facts: dict[Any, Fact]) -> None:
    told = {fact.why for fact in facts.values() if fact.onnx == "no meaning"}
    assert told >= set(FITTED_ROWS_ONLY.values())


@pytest.mark.parametrize("name", ["LabelBinarizer", "LabelEncoder", "MultiLabelBinarizer"])
def test_what_transforms_targets_can_be_in_no_pipeline(name: str) -> None:
    with pytest.raises(TypeError, match="positional argument"):
        make_pipeline(KINDS[name](), Ridge()).fit([["a"], ["b"]], [0, 1])


def test_an_estimator_that_nothing_lowers_is_told_in_one_line(tmp_path: Path) -> None:
    class Unheard(BaseEstimator):
        def fit(self, x: Any, y: Any = None) -> Unheard:
            self.fitted_ = True
            return self

        def predict(self, x: Any) -> Any:
            raise ZeroDivisionError("of its own")

    fact = fact_of(Unheard, tmp_path)
    assert fact.onnx == fact.coreml == "refused"
    assert "ZeroDivisionError" in fact.why or "of its own" in fact.why
    assert "\n" not in fact.why


if __name__ == "__main__":
    DOCUMENT.write_text(document(every_fact(), VERSION), encoding="utf-8")
