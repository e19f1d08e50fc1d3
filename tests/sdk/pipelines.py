"""Pipelines that packages are made for, each as a signed bundle: every kind of input and output once."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from zoo import classes, matrix, matrix_target, table, target, usual

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.keys import generate_key, load_private_key
from edgepack.bundle.seal import seal_bundle
from edgepack.columns import take
from edgepack.contract import EmitOptions
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases, run_parity
from edgepack.passes import optimize
from edgepack.records import table_of
from edgepack.rows import columns_of
from edgepack.targets import find_target

Fitted = tuple[Any, Any]

HOSTILE = (
    "class", "a b", "a_b", "1st", "🏠", "🏠 price", "Größe", "価格", "__proto__", "constructor",
    '"; alert(1); //', "*/ alert(1) /*", "${alert(1)}", "line\nend", "\u202eevil", "{{ 7 * 7 }}",
)  # fmt: skip
"""Column names that would do harm in code, if they could."""

TEXTS = [
    "a café near the Łódź station, open until late",
    "no milk, no sugar: a bad café",
    "Straße und GROSSE Häuser",
    "the station is closed; the trains are late again",
    "ΟΔΟΣ and İstanbul 42 ١٢",
    "an open house by the sea, good milk",
] * 8


def _frame(model: Any, labels: Sequence[Any] | None = None, before: Any = None, **options: Any) -> Fitted:
    frame = table(**options)
    wanted = target(frame) if labels is None else classes(target(frame), labels)
    return make_pipeline(usual() if before is None else before, model).fit(frame, wanted), frame


def _strict() -> Fitted:
    """Categories that must be known, nothing missing, two-sided names for classes."""
    frame = table(missing=False)
    strings = OneHotEncoder(handle_unknown="error")
    columns = ColumnTransformer([("n", StandardScaler(), ["area", "year"]), ("s", strings, ["zone", "roof"])])
    labels = classes(target(frame), ['say "no"', "it's\nyes"])
    return make_pipeline(columns, LogisticRegression(max_iter=500)).fit(
        frame[["area", "year", "zone", "roof"]], labels
    ), (frame[["area", "year", "zone", "roof"]])


def _hostile() -> Fitted:
    x = matrix(width=len(HOSTILE) - 2)
    frame = pd.DataFrame(x, columns=list(HOSTILE[2:]))
    strings = np.random.default_rng(3).choice(["</script>", "`${1}`", "\\", "é", "e\u0301"], (len(x), 2)).astype(object)
    for k, name in enumerate(HOSTILE[:2]):
        frame[name] = strings[:, k]
    frame = frame[list(HOSTILE)]
    encode = ColumnTransformer(
        [("s", OneHotEncoder(handle_unknown="ignore"), list(HOSTILE[:2]))], remainder="passthrough"
    )
    wanted = classes(matrix_target(x), ["</script>", "${7}", "\u2028"])
    return make_pipeline(encode, RandomForestClassifier(6, max_depth=4, random_state=0)).fit(frame, wanted), frame


def _ordinal() -> Fitted:
    """Trees over categories, and integral floats as classes."""
    strings = make_pipeline(
        SimpleImputer(strategy="constant", fill_value="none"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    )
    before = usual(numbers=SimpleImputer(add_indicator=True), strings=strings)
    return _frame(GradientBoostingClassifier(n_estimators=10, random_state=0), [-1.0, 2.0], before)


def _texts(vectorizer: Any, model: Any, wanted: Any) -> Fitted:
    return make_pipeline(vectorizer, model).fit(TEXTS, wanted), TEXTS


def _mixed_text() -> Fitted:
    """A text beside numbers."""
    frame = table(rows=len(TEXTS), missing=False)[["area", "rooms"]].assign(review=TEXTS)
    words = CountVectorizer(ngram_range=(1, 2), strip_accents="unicode", stop_words=["the", "a"], min_df=2)
    columns = ColumnTransformer([("n", StandardScaler(), ["area", "rooms"]), ("t", words, "review")])
    return make_pipeline(columns, Ridge()).fit(frame, np.arange(len(TEXTS)) % 6), frame


def _several() -> Fitted:
    x = matrix()
    wanted = np.stack([matrix_target(x), x[:, 0] - x[:, 1], np.abs(x[:, 2])], axis=1)
    return make_pipeline(StandardScaler(), ExtraTreesRegressor(6, max_depth=4, random_state=0)).fit(x, wanted), x


def _wide() -> Fitted:
    """More numbers than a constructor on a JVM takes."""
    x = matrix(rows=300, width=130)
    return LinearRegression().fit(pd.DataFrame(x, columns=[f"c{k}" for k in range(130)]), x[:, 0] - x[:, 129]), (
        pd.DataFrame(x, columns=[f"c{k}" for k in range(130)])
    )


def _records() -> Fitted:
    """Named values, any of which may be absent; the app counts the texts among them."""
    r = np.random.default_rng(5)
    rows = [
        {"area": float(np.float32(r.lognormal(1, 0.5))), "zone": str(r.choice(["north", "söuth", ""])), "rooms": 3.0}
        for _ in range(80)
    ]
    rows = [{name: given for name, given in row.items() if r.random() > 0.15} for row in rows]
    wanted = ["dear" if row.get("area", 0) > 2 or row.get("zone") == "söuth" else "cheap" for row in rows]
    hasher = FeatureHasher(n_features=16, input_type="dict")
    return make_pipeline(hasher, RandomForestClassifier(6, max_depth=4, random_state=0)).fit(rows, wanted), rows


def _hashed() -> Fitted:
    vectorizer = HashingVectorizer(n_features=64, analyzer="char_wb", ngram_range=(2, 3), norm=None)
    return _texts(vectorizer, LogisticRegression(), ["up", "down", "up"] * 16)


def _records() -> Fitted:
    """Dicts in which a key may be absent; their texts are hashed with their names."""
    cities = ["Köln", "", "a=b", "日本", "🚲"]
    rows = [{"area": 1.5 * k, "city": cities[k % 5], "kind": "flat"} for k in range(60)]
    rows = [{name: row[name] for name in row if (len(name) + k) % 7} for k, row in enumerate(rows)]
    return make_pipeline(FeatureHasher(16), Ridge()).fit(rows, np.arange(60) % 9), table_of(rows)


PIPELINES: dict[str, Callable[[], Fitted]] = {
    "rents": lambda: _frame(HistGradientBoostingRegressor(max_iter=8, random_state=0)),
    "linear-rents": lambda: (LinearRegression().fit(matrix(), matrix_target(matrix())), matrix()),
    "churn": lambda: _frame(LogisticRegression(max_iter=500), ["no", "yes"]),
    "flags": lambda: _frame(RandomForestClassifier(8, max_depth=5, random_state=0), [False, True]),
    "grades": lambda: _frame(RandomForestClassifier(8, max_depth=5, random_state=0), [3, 5, 8]),
    "strict": _strict,
    "ordinal": _ordinal,
    "missing-numbers": lambda: (
        HistGradientBoostingClassifier(max_iter=6, random_state=0).fit(
            matrix(missing=True), classes(matrix_target(matrix(missing=True)), ["low", "mid", "high"])
        ),
        matrix(missing=True),
    ),
    "reviews": lambda: _texts(TfidfVectorizer(), LogisticRegression(), ["good", "bad"] * 24),
    "review-prices": _mixed_text,
    "hashed": _hashed,
    "records": _records,
    "several": _several,
    "hostile */ names": _hostile,
    "wide": _wide,
}


def bundle_of(name: str, folder: Path, *, targets: Sequence[str] = ("onnx",), rows: int = 400) -> Bundle:
    """The bundle of a pipeline in a folder, signed by `key.pem` beside it; without the targets that refuse it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator, sample = PIPELINES[name]()
    lowered = lower(estimator, sample)
    program = optimize(lowered)
    interface = program.interface
    artifacts, runners = [], {}
    for target_name in targets:
        chosen = find_target(target_name)
        if not chosen.check(program):
            into = folder / "emitted" / target_name
            into.mkdir(parents=True)
            artifacts.append(chosen.emit(program, into, EmitOptions(name=name)))
            runners[target_name] = chosen.open(artifacts[-1].path, interface)
    reference = Reference(estimator=estimator, interface=interface, none_columns=program.none_columns)
    cases = make_cases(lowered, folded=program, example=columns_of(sample, interface), budget_rows=rows)
    verdicts = run_parity(reference, runners, cases, program=lowered)
    assert all(v.passed for v in verdicts), [v.reason for v in verdicts]
    answers, refused = reference.answers(cases.columns)
    kept = np.flatnonzero(~refused)
    some = np.unique(np.linspace(0, len(kept) - 1, 64).astype(int))
    key, _ = generate_key(folder / "key.pem")
    return seal_bundle(
        folder / "bundle",
        name=name,
        version=3,
        interface=interface,
        uri=f"models:/{name}/3",
        lineage={},
        artifacts=artifacts,
        columns=take(cases.columns, kept[some]),
        answers={o: a[some] for o, a in answers.items()},
        verdicts=verdicts,
        tools={},
        key=load_private_key(key),
    )
