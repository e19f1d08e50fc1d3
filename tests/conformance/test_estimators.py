"""Every estimator of the catalogue beside scikit-learn, in every form that it takes rows."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from catalogue import CASES
from catalogue.case import Compared, compare

FIRST = list({name.split(",")[0]: name for name in reversed(CASES)}.values())


@pytest.mark.parametrize("name", FIRST)
def test_an_estimator_answers_like_scikit_learn(name: str, tmp_path: Path) -> None:
    judge(name, compare(CASES[name], tmp_path))


@pytest.mark.conformance
@pytest.mark.parametrize("name", CASES)
def test_every_flag(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    judge(name, compare(case, tmp_path / "32", rows=4_000))
    judge(name, compare(case, tmp_path / "64", rows=4_000, input_dtype="float64"))
    if not case.sparse:
        judge(name, compare(case, tmp_path / "frame", rows=4_000, frame=True))


def judge(name: str, compared: Compared) -> None:
    """No label changes but ties, probabilities within 1e-6, values within a relative 1e-5; enough rows, really run."""
    assert compared.verdicts["onnx"] is not None, f"{name}: the ONNX target refuses it"
    for target, verdict in compared.verdicts.items():
        if verdict is None:
            warnings.warn(f"{name}: {target} refuses it", stacklevel=1)
            continue
        assert verdict.passed, f"{target}: {verdict.reason}: {verdict.outputs} {verdict.worst_rows[:1]}"
        assert verdict.label_changes <= verdict.tied_rows <= verdict.rows // 4
        assert verdict.rows >= 200
