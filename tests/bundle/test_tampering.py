"""Every tampering is refused by edgepack, for what was tampered with; what model_signing lets through is listed.

model_signing is asked each time, so that a tampering which fails for another reason than the one under test shows
itself.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tampering import HANGS, LETS_THROUGH, TABLE

from edgepack.bundle.verify import verify_bundle


def by_name(tampering: Any) -> str:
    return tampering.name


@pytest.mark.parametrize("tampering", TABLE, ids=by_name)
def test_a_tampered_bundle_is_refused(signed: Any, tampering: Any) -> None:
    tampering.spoil(signed)
    signed.is_refused(tampering.says)
    if tampering.name not in HANGS:
        assert signed.oracle_accepts() == (tampering.name in LETS_THROUGH)


def test_the_table_names_each_case_once_and_lists_none_that_is_gone() -> None:
    names = Counter(tampering.name for tampering in TABLE)
    assert [name for name, times in names.items() if times > 1] == []
    assert sorted((LETS_THROUGH | HANGS) - set(names)) == []
    assert len(names) >= 60


def test_the_bundle_that_is_tampered_with_verifies(signed: Any) -> None:
    """So the second signer's bundles too fail for what was spoiled."""
    verify_bundle(signed.folder, [signed.public])
    signed.sign_files()
    verify_bundle(signed.folder, [signed.public])
    assert signed.oracle_accepts()
