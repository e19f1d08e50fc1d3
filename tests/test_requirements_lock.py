"""The lock is complete, hashed, names no index, and is what is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

LOCK = Path(__file__).parents[1] / "requirements.lock"


def entries() -> Iterator[tuple[Requirement, list[str]]]:
    for entry in re.sub(r"^#.*\n", "", LOCK.read_text(), flags=re.MULTILINE).replace("\\\n", " ").splitlines():
        requirement, *hashes = entry.split(" --hash=")
        yield Requirement(requirement.strip()), [digest.strip() for digest in hashes]


def test_every_requirement_is_pinned_and_hashed() -> None:
    for requirement, hashes in entries():
        assert [part.operator for part in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), requirement


def test_lock_names_no_host_and_no_path() -> None:
    text = LOCK.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("    --hash=", ""), flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["scikit-learn", "numpy", "onnx", "onnxruntime", "coremltools", "mlflow", "skops"])
def test_installed_version_is_the_locked_one(name: str) -> None:
    (locked,) = (requirement for requirement, _ in entries() if requirement.name == name)
    if locked.marker and not locked.marker.evaluate():
        pytest.skip(f"{name} is not locked for this platform")
    try:
        installed = version(name)
    except PackageNotFoundError:
        pytest.skip(f"{name} is an extra and not installed")
    assert locked.specifier.contains(installed)
