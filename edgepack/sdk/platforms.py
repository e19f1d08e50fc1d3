"""The platforms that packages are made for."""

from __future__ import annotations

from importlib import import_module

from edgepack.errors import UsageError
from edgepack.sdk.platform import Platform

PLATFORMS = (
    "ios",
    "android",
    "web",
)  # fmt: skip
"""Each is a folder here that holds `platform`."""


def find_platform(name: str) -> Platform:
    """The platform of this name. Raises `UsageError`."""
    if name not in PLATFORMS:
        raise UsageError(f"{name}: no such platform; choose of {', '.join(PLATFORMS)}")
    platform: Platform = import_module(f"edgepack.sdk.{name}").platform
    return platform
