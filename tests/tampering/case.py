"""One way to tamper with a bundle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Spoil = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Tampering:
    """What is done to a signed bundle (`SignedBundle` of tests/bundle/conftest.py), and what the refusal must say."""

    name: str
    spoil: Spoil
    says: str
