"""Whether a registry still says of a model what it said when the model was exported."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from edgepack.errors import SourceError
from edgepack.source.registry import resolve
from edgepack.source.uri import RegisteredAlias, RegisteredVersion, parse_uri


def compare_online(
    uri: str,
    lineage: Mapping[str, Any],
    *,
    aliases: Iterable[str] = (),
    tracking_uri: str | None = None,
    timeout_s: float = 10,
) -> list[str]:
    """How the registry's model now differs from the one that a bundle was made from; empty where it does not.

    Args:
        uri: the model's URI, as the bundle tells it.
        lineage: the bundle's; as far as it goes, files are compared one by one, or by the digest of them all, and the
            aliases that it names must still be on this version.
        aliases: further ones that must be.

    Raises:
        SourceError: the registry does not answer, or has no such model or version any more.
    """
    if not isinstance(parse_uri(uri), RegisteredVersion | RegisteredAlias):
        raise SourceError(f"{uri}: not a registered model, so there is no registry to ask; leave out --online")
    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch:
        now = resolve(uri, Path(scratch), tracking_uri=tracking_uri, timeout_s=timeout_s)
    recorded = (lineage.get("model") or {}).get("aliases") or ()
    problems = [
        f"{uri}: alias {alias!r} is not on version {now.version} any more"
        for alias in sorted({*recorded, *aliases} - set(now.aliases))
    ]
    was, found = lineage.get("artifacts") or {}, now.lineage["artifacts"]
    if not was.get("tree_sha256"):
        problems.append(f"{uri}: the bundle tells no digest of the model's files, so they cannot be compared")
    elif was["tree_sha256"] != found["tree_sha256"]:
        problems += [f"{uri}: {difference}" for difference in _differences(was.get("files"), found["files"])]
    return problems


def _differences(was: Mapping[str, Any] | None, now: Mapping[str, Any]) -> list[str]:
    """Which files changed, where the bundle tells; at least that some did."""
    names = sorted({*(was or {}), *now})
    changed = [
        f"{name} {'is gone' if name not in now else 'is new' if name not in was else 'has another sha256'}"
        for name in names
        if was and was.get(name) != now.get(name)
    ]
    return changed or ["its files are not those that the bundle was made from"]
