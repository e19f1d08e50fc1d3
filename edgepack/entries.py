"""What installed distributions add to edgepack by entry points. Listing them imports nothing."""

from __future__ import annotations

from collections import Counter
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from edgepack.errors import UsageError


def entries_of(group: str, noun: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group.

    Raises:
        UsageError: two distributions claim one name.
    """
    entries = tuple(entry_points(group=group))
    for name, count in Counter(entry.name for entry in entries).items():
        if count > 1:
            claims = ", ".join(sorted(distribution_name(entry) for entry in entries if entry.name == name))
            raise UsageError(f"{name}: {noun} of {claims}; uninstall all but one of them")
    return entries


def loaded(entry: EntryPoint) -> Any:
    """What an entry point names.

    Raises:
        UsageError: it cannot be imported.
    """
    try:
        return entry.load()
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"{entry.name}: {entry.value} cannot be imported ({error}); install {distribution_name(entry)} again"
        ) from error


def distribution_name(entry: EntryPoint) -> str:
    """Who brings it."""
    return entry.dist.name if entry.dist else entry.value
