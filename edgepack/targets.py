"""The ways out of the compiler that are installed: entry points of group `edgepack.targets`, each naming an instance.

Listing them imports nothing. A target whose distribution has an extra of the same name needs what that extra asks for.
"""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint, PackageNotFoundError, distribution
from typing import cast

from edgepack.contract import Target
from edgepack.entries import distribution_name, entries_of, loaded
from edgepack.errors import UsageError

_GROUP = "edgepack.targets"
_PARTS = ("name", "check", "emit", "open")


def target_names() -> tuple[str, ...]:
    """The names of all installed targets, sorted; nothing is imported for it.

    Raises:
        UsageError: two distributions claim one name.
    """
    return tuple(sorted(entry.name for entry in _entries()))


def find_target(name: str) -> Target:
    """The installed target of this name.

    Raises:
        UsageError: no such target, its extra is not installed, or what its entry point names is no target.
    """
    entry = next((entry for entry in _entries() if entry.name == name), None)
    if entry is None:
        raise UsageError(f"{name}: no such target; choose one of {', '.join(target_names()) or 'none installed'}")
    if missing := _missing_packages(entry):
        extra = f"{distribution_name(entry)}[{name}]"
        raise UsageError(f"{name}: needs {', '.join(missing)}, not installed; pip install '{extra}'")
    target = loaded(entry)
    lacking = [part for part in _PARTS if not hasattr(target, part)]
    if isinstance(target, type) or lacking or target.name != name:
        reason = "a class" if isinstance(target, type) else f"without {', '.join(lacking)}" if lacking else target.name
        raise UsageError(f"{name}: {entry.value} is {reason}; its entry point must name a Target called {name}")
    return cast("Target", target)


def _entries() -> tuple[EntryPoint, ...]:
    return entries_of(_GROUP, "a target")


def _missing_packages(entry: EntryPoint) -> list[str]:
    """The packages that the extra named like the target asks for and that are not installed."""
    asked = re.compile(rf"""^([\w.-]+)[^;]*;.*\bextra\s*==\s*["']{re.escape(entry.name)}["']""")
    requirements = (entry.dist.requires if entry.dist else None) or []
    packages = [match[1] for requirement in requirements if (match := asked.match(requirement))]
    return [package for package in packages if not _installed(package)]


def _installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
