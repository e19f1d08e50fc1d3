"""Each ML Program operation that the evaluator knows, from a file that coremltools saved, beside numpy and scipy."""

from __future__ import annotations

from pathlib import Path

import pytest
from mil_cases import DRAWS, drawn
from mil_programs import compare, evaluated

from edgepack_coreml.evaluate.mil.table import CONSTEXPR, OPERATIONS

WITHOUT_TENSORS = {"fill", "fill_like", "range_1d"}
"""Operations whose answer is a constant."""


def test_every_operation_is_drawn() -> None:
    known = {op for op in OPERATIONS if not op.startswith(CONSTEXPR)}
    assert set(DRAWS) == known - WITHOUT_TENSORS


def judged(seed: int, each: int, ios: int, folder: Path) -> None:
    """Draws, saves, evaluates and compares; says how many of which."""
    cases = drawn(seed, each)
    answers = evaluated(cases, folder / "Cases.mlpackage", ios)
    for case in cases:
        compare(case, answers, ios)
    print(
        f"{len(cases)} cases of {len(DRAWS)} operations, {len(answers)} with constants in all places, iOS {ios}: agree"
    )


def test_one_case_of_each(tmp_path: Path) -> None:
    judged(0, 1, 16, tmp_path)


@pytest.mark.conformance
@pytest.mark.parametrize("ios", [15, 16, 17, 18])
@pytest.mark.parametrize("seed", range(1, 5))
def test_many_cases_of_each(tmp_path: Path, seed: int, ios: int) -> None:
    judged(seed, 6, ios, tmp_path)
