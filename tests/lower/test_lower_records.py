"""Pipelines that begin with dicts: DictVectorizer and FeatureHasher."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalogue.case import Compared, run
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction import DictVectorizer, FeatureHasher
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import MaxAbsScaler
from sklearn.utils import murmurhash3_32

from edgepack.errors import UnsupportedError
from edgepack.host import Analyzer, TextStep
from edgepack.lower import lower, records
from edgepack.parity import Reference
from edgepack.records import records_of, table_of
from edgepack.rows import columns_of


def made(count: int = 160, *, strings: bool = True) -> list[dict[str, Any]]:
    """Records in which any key may be absent."""
    r = np.random.default_rng(5)
    rows = []
    for _ in range(count):
        row: dict[str, Any] = {"area": float(np.float32(r.lognormal(1, 0.5))), "rooms": int(r.poisson(3))}
        row["flag"] = bool(r.integers(0, 2))
        if strings:
            row["zone"] = str(r.choice(["north", "söuth", "a=b", ""]))
            row["kind"] = str(r.choice(["flat", "house"]))
        rows.append({name: value for name, value in row.items() if r.random() > 0.15})
    return rows


RECORDS = made()
Y = np.array([3 * row.get("area", 0) + (row.get("zone") == "north") * 4 - row.get("rooms", 0) for row in RECORDS])
LABEL = np.where(np.median(Y) < Y, "dear", "cheap")
BOTH = ("onnx", "coreml")
CANCEL = 1e9
"""3e38 − 3e38 + 1 in one hashed column: which are added first decides, and scikit-learn sorts them in no sure order."""


def compared(estimator: Any, folder: Path, sample: Any = None, limit: float = np.inf) -> Compared:
    sample = RECORDS if sample is None else sample
    return run(estimator, sample, lower(estimator, sample, fallback=False), folder, rows=400, limit=limit)


def passed(found: Compared) -> dict[str, str]:
    said = {name: verdict.status for name, verdict in found.verdicts.items()}
    return {**said, **dict.fromkeys(found.refusals, "refused")}


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("separator", ["=", "→"])
@pytest.mark.parametrize("sort", [True, False])
def test_named_values_spread_over_columns(tmp_path: Path, sparse: bool, separator: str, sort: bool) -> None:
    vectorizer = DictVectorizer(sparse=sparse, separator=separator, sort=sort).fit(RECORDS)
    found = compared(vectorizer, tmp_path)
    assert passed(found)["onnx"] == "measured"
    inputs = {i.name: i for i in found.program.interface.inputs}
    assert inputs["zone"].categories and set(inputs["zone"].categories) == {"north", "söuth", "a=b", ""}
    assert all(i.accepts_missing for i in inputs.values())


def test_a_classifier_of_dicts_runs_on_both_targets(tmp_path: Path) -> None:
    forest = RandomForestClassifier(6, max_depth=5, random_state=0)
    model = make_pipeline(DictVectorizer(), MaxAbsScaler(), forest).fit(RECORDS, LABEL)
    assert passed(compared(model, tmp_path)) == dict.fromkeys(BOTH, "measured")


def test_a_linear_model_of_dicts_runs_on_both_targets(tmp_path: Path) -> None:
    model = make_pipeline(DictVectorizer(), LogisticRegression(max_iter=500)).fit(RECORDS, LABEL)
    assert passed(compared(model, tmp_path)) == dict.fromkeys(BOTH, "measured")


def test_dicts_reach_a_search_and_a_union(tmp_path: Path) -> None:
    union = FeatureUnion([("a", DictVectorizer()), ("b", DictVectorizer(sort=False))])
    model = GridSearchCV(make_pipeline(union, Ridge()), {"ridge__alpha": [0.1, 1.0]}, cv=2).fit(RECORDS, Y)
    assert passed(compared(model, tmp_path))["onnx"] == "measured"


def test_a_table_stands_for_its_records(tmp_path: Path) -> None:
    model = make_pipeline(DictVectorizer(), Ridge()).fit(RECORDS, Y)
    assert passed(compared(model, tmp_path, table_of(RECORDS)))["onnx"] == "measured"


def test_keys_that_were_never_fitted_are_no_inputs() -> None:
    model = make_pipeline(DictVectorizer(), Ridge()).fit(RECORDS, Y)
    program = lower(model, [{**row, "other": 1.0, "note": "x"} for row in RECORDS])
    assert {i.name for i in program.interface.inputs} == {"area", "rooms", "flag", "zone", "kind"}


def test_a_sample_without_a_fitted_key_is_refused() -> None:
    model = make_pipeline(DictVectorizer(), Ridge()).fit(RECORDS, Y)
    sample = [{k: v for k, v in row.items() if k != "kind"} for row in RECORDS]
    with pytest.raises(UnsupportedError, match=r"gives kind=.*; give a sample with every fitted key"):
        lower(model, sample)


def test_two_columns_of_one_term_are_refused() -> None:
    rows = [{"a": "b=c", "d": 1.0}, {"a=b": "c", "d": 2.0}, {"a": "b=c", "a=b": "c"}]
    with pytest.raises(UnsupportedError, match="two columns of the sample give a=b=c; rename one"):
        lower(DictVectorizer().fit(rows), rows)


def test_a_narrow_type_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="dtype=int64 rounds the numbers; give"):
        lower(DictVectorizer(dtype=np.int64).fit(RECORDS), RECORDS)


@pytest.mark.parametrize("alternate_sign", [True, False])
@pytest.mark.parametrize("columns", [2, 3, 64])
def test_hashed_numbers_run_on_both_targets(tmp_path: Path, alternate_sign: bool, columns: int) -> None:
    rows = made(strings=False)
    model = make_pipeline(FeatureHasher(columns, alternate_sign=alternate_sign), Ridge()).fit(rows, Y)
    assert passed(compared(model, tmp_path, rows, CANCEL)) == dict.fromkeys(BOTH, "measured")


@pytest.mark.parametrize("alternate_sign", [True, False])
def test_two_numbers_in_one_hashed_column_are_added_up_to_the_largest_float32(
    tmp_path: Path, alternate_sign: bool
) -> None:
    """Two have one sum, whichever comes first; 3e38 + 3e38 is no infinity among doubles."""
    rows = [{"a": float(k), "b": k / 2, "c": -1.0 * k} for k in range(1, 9)]
    shared = next(n for n in range(2, 64) if sorted(_collisions(n)) == [1, 2])
    found = compared(FeatureHasher(shared, alternate_sign=alternate_sign).fit(rows), tmp_path, rows)
    assert passed(found) == dict.fromkeys(BOTH, "measured")
    assert max(np.nanmax(np.abs(x)) for x in found.cases.columns.values()) > 1e38


def _collisions(columns: int) -> list[int]:
    """How many of three names share each hashed column."""
    at = [abs(int(murmurhash3_32(name, seed=0))) % columns for name in "abc"]
    return [at.count(k) for k in set(at)]


@pytest.mark.parametrize("alternate_sign", [True, False])
@pytest.mark.parametrize("columns", [2, 16])
def test_hashed_strings_are_a_host_step(tmp_path: Path, alternate_sign: bool, columns: int) -> None:
    model = make_pipeline(FeatureHasher(columns, alternate_sign=alternate_sign), Ridge()).fit(RECORDS, Y)
    found = compared(model, tmp_path, limit=CANCEL)
    assert passed(found) == {"onnx": "measured", "coreml": "refused"}
    assert {step.input: step.analyzer.prefix for step in found.program.interface.texts} == {
        "zone": "zone=",
        "kind": "kind=",
    }


def test_a_hasher_of_pairs_and_a_wide_one_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="input_type='pair' has no columns of a table; use input_type='dict'"):
        lower(FeatureHasher(8, input_type="pair"), table_of(RECORDS))
    with pytest.raises(UnsupportedError, match="n_features=1048576, a row of which no phone should fill"):
        lower(FeatureHasher(), RECORDS)


def test_a_missing_text_has_no_term_and_an_empty_one_has() -> None:
    analyzer = Analyzer(
        unit="whole", ngrams=(1, 1), lowercase=False, strip_accents=None, token_pattern=None, prefix="zone="
    )
    step = TextStep(input="zone", name="zone_counts", analyzer=analyzer, vocabulary=("zone=", "zone=é"))
    assert step.counts(np.array([None, "", "é", "É"], object)).tolist() == [[0, 0], [1, 0], [0, 1], [0, 0]]


def test_records_and_tables_hold_the_same_values() -> None:
    assert records_of(table_of(RECORDS)) == RECORDS
    assert table_of(records_of(table_of(RECORDS))).equals(table_of(RECORDS))


def test_records_are_columns_of_a_model() -> None:
    model = make_pipeline(DictVectorizer(), Ridge()).fit(RECORDS, Y)
    program = lower(model, RECORDS)
    columns = columns_of(RECORDS[:7], program.interface)
    reference = Reference(estimator=model, interface=program.interface, none_columns=program.none_columns)
    assert [sorted(row) for row in reference.rows(columns)] == [sorted(row) for row in RECORDS[:7]]
    np.testing.assert_allclose(program.run(columns)["value"], model.predict(RECORDS[:7]), rtol=1e-12)


def _turned(index: Callable[..., Any]) -> Callable[..., Any]:
    return lambda column, keys, b: index(column, keys[::-1], b)


def _half_there(present: Callable[..., Any]) -> Callable[..., Any]:
    return lambda columns, b: present(columns[::-1], b)


@pytest.mark.parametrize(("name", "fault"), [("_one_hot", _turned), ("_present", _half_there)])
def test_planted_faults_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[..., Any]
) -> None:
    monkeypatch.setattr(records, name, fault(getattr(records, name)))
    rows, step = (RECORDS, DictVectorizer()) if name == "_one_hot" else (made(strings=False), FeatureHasher(16))
    model = make_pipeline(step, Ridge()).fit(rows, Y)
    assert passed(compared(model, tmp_path, rows)) == dict.fromkeys(BOTH, "failed")


def test_a_dropped_sign_is_found(tmp_path: Path) -> None:
    rows = made(strings=False)
    model = make_pipeline(FeatureHasher(16), Ridge()).fit(rows, Y)
    lowered = lower(model, rows)
    model[0].set_params(alternate_sign=False)
    assert passed(run(model, rows, lowered, tmp_path, rows=200)) == dict.fromkeys(BOTH, "failed")
