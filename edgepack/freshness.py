"""A verified bundle, held against the registry that its model came from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from edgepack.errors import SourceError

if TYPE_CHECKING:
    from edgepack.bundle.verify import Verified


def require_same_online(
    bundle: Path, verified: Verified, *, aliases: Iterable[str] = (), tracking_uri: str | None = None
) -> None:
    """Returns if the registry still has the model that the bundle was made from, with its aliases and files.

    Args:
        bundle: where it lies; its `lineage.json` beside it is read where there is one, and tells the aliases.

    Raises:
        SourceError: the registry does not answer, or says something else now; a line for each difference.
        SignatureError: the `lineage.json` beside is not the bundle's.
    """
    from edgepack.bundle.bundle import Bundle
    from edgepack.source.online import compare_online

    uri, lineage = Bundle(path=bundle, manifest=verified.manifest).origin
    if not uri:
        raise SourceError("the bundle does not say where it came from; leave out --online")
    if problems := compare_online(uri, lineage, aliases=aliases, tracking_uri=tracking_uri):
        raise SourceError("\n".join(problems))
