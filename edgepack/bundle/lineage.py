"""How much of its lineage a bundle carries: all of it, a digest of what stays at home, or nothing.

A phone is no place for user names, tags and internal addresses. With `digest`, the default, a bundle ships opaque
identifiers alone: the model's URI, the run's id, the digest of the model's files, and the SHA-256 of `lineage.json`,
which is written beside the bundle, not into it. Whoever has that file can prove that it belongs to the bundle.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from edgepack.bundle.files import read_small
from edgepack.bundle.strict_json import parse, plain, pretty, with_floats
from edgepack.errors import SignatureError

Mode = Literal["full", "digest", "none"]


def shipped_uri(uri: str, mode: Mode) -> str:
    """What a bundle says of the URI: a path of this machine is cut to its last part, with `none` all is."""
    if mode == "full":
        return uri
    if mode == "none":
        return ""
    return uri if re.match(r"(models|runs):/", uri) else Path(uri).name


def lineage_document(uri: str, lineage: Mapping[str, Any]) -> bytes:
    """The bytes of the `lineage.json` that stays at home."""
    return pretty(plain({"uri": uri, "lineage": lineage}, "lineage.json"))


def shipped_lineage(uri: str, lineage: Mapping[str, Any], mode: Mode) -> dict[str, Any]:
    """The lineage that the manifest holds."""
    if mode == "full":
        return dict(lineage)
    if mode == "none":
        return {}
    digest: dict[str, Any] = {"sha256": hashlib.sha256(lineage_document(uri, lineage)).hexdigest()}
    for part, key in (("run", "run_id"), ("artifacts", "tree_sha256")):
        if value := (lineage.get(part) or {}).get(key):
            digest[part] = {key: value}
    return digest


def lineage_path(bundle: Path) -> Path:
    """Where a bundle's `lineage.json` lies: `dist/house-prices-3.lineage.json`."""
    return bundle.with_name(f"{bundle.name}.lineage.json")


def read_lineage(path: Path, sha256: str) -> tuple[str, dict[str, Any]]:
    """The URI and the whole lineage in a `lineage.json` with this digest.

    Round trip: `lineage_document(uri, lineage)`, written to a file, reads back to `(uri, lineage)`.

    Raises:
        SignatureError: unreadable, another digest or another form.
    """
    data = read_small(path.parent, path.name)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise SignatureError(f"{path}: not the lineage.json of this bundle, whose sha256 is {sha256}; get that one")
    match with_floats(parse(data, path.name)):
        case {"uri": str(uri), "lineage": dict(lineage)}:
            return uri, lineage
    raise SignatureError(f"{path}: holds no uri and lineage; get the one that was written beside the bundle")
