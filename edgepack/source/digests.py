"""SHA-256 of a model's files: MLflow keeps none, and its dataset digests are identifiers of 8 characters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from edgepack.errors import SourceError

DOWNLOAD_NOTE = "registered_model_meta"
"""A file that MLflow's own download adds to a model: no part of what was trained."""


def refuse_links(folder: Path) -> None:
    """Passes if the folder holds regular files and folders only.

    Raises:
        SourceError: names each link (it may point anywhere on this machine) or special file.
    """
    odd = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or not (path.is_file() or path.is_dir())
    ]
    if odd:
        raise SourceError(f"{', '.join(odd)}: links and special files are not followed; log the model with plain files")


def digest_files(folder: Path) -> dict[str, dict[str, str | int]]:
    """`{path: {"sha256", "size_bytes"}}` of every file, by its POSIX path in the folder, sorted.

    Raises:
        SourceError: the folder holds a link or a special file.
    """
    refuse_links(folder)
    digests: dict[str, dict[str, str | int]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != DOWNLOAD_NOTE:
            with path.open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            digests[name] = {"sha256": sha256, "size_bytes": path.stat().st_size}
    return digests


def digest_tree(files: Mapping[str, Mapping[str, str | int]]) -> str:
    """One SHA-256 for the folder: that of the text which `sha256sum` writes for its files, sorted by path."""
    listing = "".join(f"{file['sha256']}  {name}\n" for name, file in sorted(files.items()))
    return hashlib.sha256(listing.encode()).hexdigest()


def read_recorded(folder: Path, name: str, files: Mapping[str, Mapping[str, str | int]]) -> bytes:
    """The bytes of a model's file, which are those that `digest_files` recorded.

    Raises:
        SourceError: the model has no such file (or it lies outside the folder), or it changed since it was recorded.
    """
    if name not in files:
        raise SourceError(f"MLmodel names the file {name!r}, which the model does not hold; log the model again")
    content = (folder / name).read_bytes()
    if hashlib.sha256(content).hexdigest() != files[name]["sha256"]:
        raise SourceError(f"{name} changed since its digest was taken; resolve the model again")
    return content
