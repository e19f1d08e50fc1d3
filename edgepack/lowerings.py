"""Lowerings of one's own: entry points of group `edgepack.lowerings`, each named after what it teaches.

The name is the full name of a class or function (`acme.steps.Winsorizer`), the value a function as docs/extending.md
describes. Listing them imports nothing; one is imported when a model holds what it teaches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgepack.entries import distribution_name, entries_of, loaded
from edgepack.errors import UsageError

_GROUP = "edgepack.lowerings"


def taught_names() -> frozenset[str]:
    """The full names of the classes and functions that installed distributions teach.

    Raises:
        UsageError: two distributions teach one name.
    """
    return frozenset(entry.name for entry in entries_of(_GROUP, "taught by each"))


def find_lowering(name: str) -> Callable[..., Any] | None:
    """The function that lowers what has this full name; None where nobody teaches it.

    Raises:
        UsageError: it cannot be imported, or is no function.
    """
    entry = next((entry for entry in entries_of(_GROUP, "taught by each") if entry.name == name), None)
    if entry is None:
        return None
    lowering = loaded(entry)
    if not callable(lowering) or isinstance(lowering, type):
        raise UsageError(
            f"{name}: {entry.value} is no function; have {distribution_name(entry)} name one (docs/extending.md)"
        )
    found: Callable[..., Any] = lowering
    return found
