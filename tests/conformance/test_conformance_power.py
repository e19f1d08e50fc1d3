"""The conformance comparison finds the faults that a lowering can have, in every estimator of the catalogue."""

from __future__ import annotations

import zlib

import pytest
from catalogue import CASES
from catalogue.case import MADE_ROWS
from catalogue.faults import judge

FIRST = list({name.split(",")[0]: name for name in reversed(CASES)}.values())
SLICE = [name for name in FIRST if zlib.crc32(name.encode()) % 8 == 0]


def seed_of(name: str) -> int:
    return zlib.crc32(name.encode())


@pytest.mark.parametrize("name", SLICE)
def test_a_slice_of_faults_is_caught(name: str) -> None:
    assert judge(CASES[name], count=4, rows=5_000, seed=seed_of(name)).missed == ()


def test_most_faults_change_answers() -> None:
    """Else the tests beside this one would hold of nothing."""
    found = [judge(CASES[name], count=4, rows=5_000, seed=seed_of(name)) for name in SLICE[::3]]
    assert sum(len(f.semantic) for f in found) > sum(f.equal for f in found)


@pytest.mark.conformance
@pytest.mark.parametrize("name", CASES)
def test_every_fault_is_caught(name: str) -> None:
    found = judge(CASES[name], count=24, rows=MADE_ROWS, seed=seed_of(name))
    assert found.missed == ()
