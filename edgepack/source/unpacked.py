"""How much a skops file unpacks to, known before any of it is unpacked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from edgepack.errors import SourceError

TIMES = 20
"""An array of numbers is deflated to a tenth at best; a bomb to a thousandth."""
ALWAYS_BYTES = 1 << 28


def check_unpacked(content: bytes) -> None:
    """Passes if a skops file takes no more memory than a model of its size would.

    Counted are the members of the archive, those of sparse matrices (archives within), and a member once more for each
    further node that is made from it. What is no archive of such a form raises what its reader raises.

    Raises:
        SourceError: it takes more.
    """
    allowed, found = max(ALWAYS_BYTES, TIMES * len(content)), 0
    for size in _sizes(content):
        found += size
        if found > allowed:
            raise SourceError(f"its {len(content):,} bytes unpack to more than {allowed:,}; log the model again")


def _sizes(content: bytes) -> Iterator[int]:
    with ZipFile(BytesIO(content)) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
        yield from (member.file_size for member in archive.infolist())  # zipfile reads no more than these say
        nodes = Counter(name for name, _ in _made_from(json.loads(archive.read("schema.json"))))
        for name in nodes.keys() & sizes.keys():
            within = 0
            if name.endswith(".npz"):
                with ZipFile(BytesIO(archive.read(name))) as inner:
                    within = sum(member.file_size for member in inner.infolist())
            yield nodes[name] * (sizes[name] + within) - sizes[name]


def _made_from(schema: Any) -> set[tuple[str, Any]]:
    """Each member with the ids of the nodes that are made from it: skops reads it anew for every id."""
    found: set[tuple[str, Any]] = set()
    waiting = [schema]
    while waiting:
        match waiting.pop():
            case dict() as node:
                if isinstance(name := node.get("file"), str):
                    found.add((name, str(node.get("__id__"))))
                waiting.extend(node.values())
            case list() as nodes:
                waiting.extend(nodes)
    return found
