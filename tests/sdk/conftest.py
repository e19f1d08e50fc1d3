"""Bundles of the pipelines, each made once, and their packages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.sdk import generate
from sdk import kotlin, npm
from sdk.pipelines import bundle_of

Packaged = Callable[[str, str], Path]


@pytest.fixture(scope="session")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Bundle]:
    """The bundle of a pipeline, for both targets where both can say it."""

    @cache
    def make(name: str) -> Bundle:
        return bundle_of(name, tmp_path_factory.mktemp("pipeline"), targets=("onnx", "coreml"))

    return make


@pytest.fixture
def packaged(bundled: Callable[[str], Bundle], tmp_path: Path) -> Packaged:
    """A fresh package of a pipeline for a platform, which a test may spoil."""

    def make(name: str, platform: str) -> Path:
        [package] = generate(bundled(name), [platform], tmp_path)
        return package

    return make


@pytest.fixture(scope="session")
def node(request: pytest.FixtureRequest) -> None:
    """Skips where Node.js or what `make sdk` fetches is not there; `make sdk` itself fetches it."""
    if reason := npm.fetch() if _marked(request) else npm.lacking():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def android(request: pytest.FixtureRequest) -> None:
    """Skips where Java or what `make sdk` fetches is not there; `make sdk` itself fetches it."""
    if reason := kotlin.fetch() if _marked(request) else kotlin.lacking():
        pytest.skip(f"{reason}: generated Kotlin was NOT compiled")


def _marked(request: pytest.FixtureRequest) -> bool:
    """Whether this is `make sdk`."""
    return str(request.config.getoption("-m")).startswith("sdk")
