"""The files of a bundle: which names are safe, what lies in a folder, and what each file hashes to."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import unicodedata
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from edgepack.errors import SignatureError

MANIFEST = "manifest.json"
SIGNATURE = "model.sig"
GOLDEN = "golden.json"


def golden_of(target: str) -> str:
    """The golden rows of a target whose artifact was quantized in another way than the first's."""
    return f"golden.{target}.json"


_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledFile:
    """One file of a bundle: its name (relative, `/` between folders), its SHA-256 and its size."""

    path: str
    sha256: str
    size_bytes: int


def unsafe_name(name: str) -> str | None:
    """Why a file must not have this name in a bundle, or None if it may."""
    parts = name.split("/")
    if name.startswith("/"):
        return "absolute"
    if "\\" in name or ":" in name:
        return "holds a backslash or a colon, which some systems read as a path"
    if any(part in ("", ".", "..") for part in parts):
        return "not a plain relative path"
    if any(part.casefold().startswith(".git") for part in parts):
        return "a git file, which other verifiers of this signature format skip"
    if not name.isprintable():
        return "not printable text"
    return None


def clashes(names: Iterable[str]) -> list[str]:
    """Names that stand twice, or that some file system takes for another one's (letter case, Unicode form)."""
    seen: dict[str, str] = {}
    found = []
    for name in names:
        folders = name.split("/")[:-1]
        for depth in range(1, len(folders) + 1):
            folder = "/".join(folders[:depth]) + "/"
            if (first := seen.setdefault(_folded(folder), folder)) != folder:
                found.append(f"{name}: its folder differs from {first} only by case")
        if _folded(name) in seen:
            other = seen[_folded(name)]
            found.append(f"{name}: " + ("named twice" if other == name else f"differs from {other} only by case"))
        seen[_folded(name)] = name
    return found


def names_in(folder: Path) -> tuple[list[str], list[str]]:
    """The names of all files in a folder, sorted, and the problems: links, special files, empty folders, bad names."""
    names: list[str] = []
    problems: list[str] = []

    def descend(at: str) -> bool:
        """Whether anything that can be signed lies below."""
        filled = False
        with os.scandir(folder / at) as entries:
            for entry in sorted(entries, key=lambda e: e.name):
                name = f"{at}{entry.name}"
                filled = True
                if entry.is_symlink():
                    problems.append(f"{name}: a symbolic link; a bundle holds plain files only")
                elif reason := unsafe_name(name):
                    problems.append(f"{_printable(name)}: {reason}; rename or remove it")
                elif entry.is_dir():
                    if not descend(f"{name}/"):
                        problems.append(f"{name}/: an empty folder, which no signature covers; remove it")
                elif entry.is_file():
                    names.append(name)
                else:
                    problems.append(f"{name}: neither a file nor a folder; a bundle holds plain files only")
        return filled

    try:
        descend("")
    except OSError as error:
        raise SignatureError(f"{error.filename}: cannot be read ({error.strerror}); get the bundle again") from error
    return sorted(names), problems + clashes(names)


def measure(folder: Path, name: str) -> BundledFile:
    """A file's name, digest and size, read once."""
    with _opened(folder, name) as file:
        sha256 = hashlib.file_digest(cast(Any, file), "sha256").hexdigest()
        return BundledFile(path=name, sha256=sha256, size_bytes=file.tell())


def copy_measured(folder: Path, name: str, into: Path) -> str:
    """The SHA-256 of the bytes that went into a copy of a file, under the same name in another folder."""
    copy = into / name
    copy.parent.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256()
    with copy.open("wb") as file:
        for chunk in _chunks(folder, name):
            sha256.update(chunk)
            file.write(chunk)
    return sha256.hexdigest()


def read_small(folder: Path, name: str, limit_bytes: int = 64 << 20) -> bytes:
    """A file's bytes; hash and parse these, so that what was checked is what is read."""
    with _opened(folder, name) as file:
        data = file.read(limit_bytes + 1)
    if len(data) > limit_bytes:
        raise SignatureError(f"{name}: larger than {limit_bytes >> 20} MiB; this is no file of edgepack's")
    return data


def survey(folder: Path, signed: Collection[str] | None = None) -> tuple[dict[str, str], bytes]:
    """The SHA-256 of every file but the signature, by name, and the very bytes of the manifest that were hashed.

    Args:
        signed: the names that must be there, no more and no fewer; any names will do, if not given.

    Raises:
        SignatureError: no manifest, files missing or too many; links, special files, empty folders or names that no
            bundle may hold.
    """
    found, problems = names_in(folder)
    names = [name for name in found if name != SIGNATURE]
    if signed is not None:
        gone = [name for name in signed if not os.path.lexists(folder / name)]
        problems += [f"{name}: missing, though it was signed" for name in gone]
        problems += [f"{name}: not signed" for name in names if name not in signed]
    elif MANIFEST not in names:
        problems.append(f"{MANIFEST}: missing; this is not a whole edgepack bundle")
    if problems:
        raise SignatureError(f"{told(problems)}; get the bundle again")
    manifest = read_small(folder, MANIFEST)
    digests = {name: measure(folder, name).sha256 for name in names if name != MANIFEST}
    return {**digests, MANIFEST: hashlib.sha256(manifest).hexdigest()}, manifest


def deflated_size_bytes(folder: Path, names: Iterable[str]) -> int:
    """What the files take in an app's archive: each deflated by itself at level 6."""
    total = 0
    for name in names:
        packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
        total += sum(len(packer.compress(chunk)) for chunk in _chunks(folder, name)) + len(packer.flush())
    return total


def told(problems: Iterable[str], limit: int = 8) -> str:
    """The problems on one line; how many more there are, if there are many."""
    every = list(problems)
    rest = len(every) - limit
    return "; ".join(every[:limit]) + (f"; and {rest} more" if rest > 0 else "")


def _chunks(folder: Path, name: str) -> Iterator[bytes]:
    with _opened(folder, name) as file:
        while chunk := file.read(_CHUNK):
            yield chunk


@contextmanager
def _opened(folder: Path, name: str) -> Iterator[IO[bytes]]:
    """The file, opened without following a link and without waiting on a pipe that was put in its place."""
    try:
        handle = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        reason = "a symbolic link" if error.errno == errno.ELOOP else f"cannot be read ({error.strerror})"
        raise SignatureError(f"{name}: {reason}; get the bundle again") from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise SignatureError(f"{name}: not a plain file; a bundle holds plain files only")
    with os.fdopen(handle, "rb") as file:
        yield file


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _printable(name: str) -> str:
    return name if name.isprintable() else repr(name)
