"""Every estimator of the catalogue beside scikit-learn, in every form that it takes rows."""

from __future__ import annotations

from pathlib import Path

import pytest
import skops.io
from catalogue import CASES
from catalogue.case import MADE_ROWS, Compared, compare, fitted
from catalogue.refused import refused

from edgepack.contract import InputDtype
from edgepack.source.trust import TRUSTED_TYPES

FIRST = list({name.split(",")[0]: name for name in reversed(CASES)}.values())

PICKLED = {
    "Birch": "skops has no form for it",
    "BisectingKMeans": "keeps a function whose compiled code trusts its arguments",
}


@pytest.mark.parametrize("name", FIRST)
def test_an_estimator_answers_like_scikit_learn(name: str, tmp_path: Path) -> None:
    judge(name, compare(CASES[name], tmp_path))


@pytest.mark.conformance
@pytest.mark.parametrize("name", CASES)
def test_every_flag(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    for form, seed in case.seeds.items():
        dtype: InputDtype = "float64" if form == "float64" else "float32"
        frame, folder = form == "frame", tmp_path / form
        compared = compare(case, folder, rows=MADE_ROWS, seed=seed, frame=frame, input_dtype=dtype)
        judge(name, compared, input_dtype=dtype)


@pytest.mark.conformance
@pytest.mark.parametrize("name", FIRST)
def test_an_estimator_that_is_lowered_needs_no_pickle(name: str) -> None:
    estimator, _ = fitted(CASES[name])
    try:
        untrusted = set(skops.io.get_untrusted_types(data=skops.io.dumps(estimator))) - TRUSTED_TYPES
    except TypeError:
        untrusted = {name}
    assert bool(untrusted) == (name.split(",")[0] in PICKLED), untrusted


def test_the_list_of_refusals_names_cases_that_there_are() -> None:
    assert {name for name, _ in refused()} <= set(CASES)
    assert {target for reasons in refused().values() for target in reasons} == {"coreml"}


def judge(name: str, compared: Compared, input_dtype: InputDtype = "float32") -> None:
    """No label changes but ties, probabilities within 1e-6, values within a relative 1e-5; enough rows, really run.

    What a target refuses is what the list says that it refuses, for the reason that stands there.
    """
    assert compared.refusals == refused().get((name, input_dtype), {}), f"{name}: see catalogue/refused.py"
    for target, verdict in compared.verdicts.items():
        assert verdict.passed, f"{target}: {verdict.reason}: {verdict.outputs} {verdict.worst_rows[:1]}"
        assert verdict.label_changes <= verdict.tied_rows <= verdict.rows // 4
        assert verdict.rows >= 200
