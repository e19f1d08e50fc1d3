"""A bundle that comes as one file: unpacked into a fresh folder, and nowhere else.

Nothing in the archive decides where it is written, what kind of file it becomes or how much room it takes: names are
those that a bundle may hold, entries are plain files and folders, no file is written twice, and what unpacks to more
than `_RATIO` times the archive's size is refused while it is unpacked.
"""

from __future__ import annotations

import gzip
import secrets
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from edgepack.bundle.files import MANIFEST, unsafe_name
from edgepack.errors import SignatureError, UsageError

ENDINGS = (".zip", ".tar.gz", ".tgz")

_RATIO = 100
_SLACK_BYTES = 64 << 20  # on top: a small archive may pack well
_ENTRIES = 10_000
_CHUNK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


@contextmanager
def unpacked(archive: Path, into: Path) -> Iterator[Path]:
    """The bundle of an archive, in a hidden folder beside `into`; it becomes `into` if the block ends without an error.

    A bundle may lie at the top of its archive or in one folder there. After an error nothing is left.

    Raises:
        SignatureError: the archive is damaged, or holds what no bundle may hold.
        UsageError: `into` exists, the folder cannot be written, or this is no such archive.
    """
    if not archive.name.endswith(ENDINGS):
        raise UsageError(f"{archive}: neither a folder nor one of {', '.join(ENDINGS)}; give the bundle or its archive")
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(f"{into}: exists; a bundle is unpacked into a fresh folder, so choose another one")
    fresh = into.with_name(f".{into.name}.{secrets.token_hex(4)}.partial")
    try:
        fresh.mkdir(parents=True)
        _unpack(archive, fresh)
        bundle = _root(fresh)
        yield bundle
        bundle.rename(into)
    except OSError as error:
        raise UsageError(f"{into}: cannot be written ({error.strerror}); make room or choose another place") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _unpack(archive: Path, into: Path) -> None:
    try:
        with archive.open("rb") as file:
            left = _RATIO * file.seek(0, 2) + _SLACK_BYTES
            file.seek(0)
            for count, (name, content) in enumerate(_entries(archive, file)):
                if count == _ENTRIES:
                    raise _refused(archive, f"holds more than {_ENTRIES} entries")
                left -= _write(archive, into, name, content, left)
    except _DAMAGE as error:
        raise _refused(archive, f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())})") from error
    except OSError as error:
        if error.errno is None:  # gzip's way of saying that a file is none of its own
            raise _refused(archive, f"cannot be read ({error})") from error
        if error.filename == str(archive):
            raise UsageError(f"{archive}: cannot be read ({error.strerror}); give a bundle's archive") from error
        raise


def _entries(archive: Path, file: BinaryIO) -> Iterator[tuple[str, IO[bytes] | None]]:
    """Each entry's name and, unless it is a folder, its content."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(file) as packed:
            for info in packed.infolist():
                mode = info.external_attr >> 16
                if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _refused(archive, f"{info.filename!r} is a link or special file")
                if info.is_dir():
                    yield info.filename.removesuffix("/"), None
                    continue
                with packed.open(info) as content:
                    yield info.filename, content
        return
    with gzip.open(file) as plain, tarfile.open(fileobj=cast(Any, _Sips(plain)), mode="r:") as tar:
        for member in tar:
            if member.issparse() or not (member.isreg() or member.isdir()):
                raise _refused(archive, f"{member.name!r} is a link or special file")
            name = member.name.removeprefix("./")  # what `tar -C bundle .` writes
            if name not in ("", "."):
                yield name, tar.extractfile(member)


class _Sips:
    """A file that is read a little at a time: a tar header cannot ask for gigabytes at once."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        if size > _CHUNK:
            raise tarfile.ReadError(f"a header of {size} bytes")
        return self._file.read(size)


def _write(archive: Path, into: Path, name: str, content: IO[bytes] | None, left: int) -> int:
    """How many bytes the entry took."""
    if reason := unsafe_name(name):
        raise _refused(archive, f"{name!r} is {reason}")
    path, taken = into / name, 0
    try:
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if content is None:
            return 0
        file = path.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise _refused(archive, f"{name!r} stands in it twice") from error
    with file:
        while chunk := content.read(_CHUNK):
            if (taken := taken + len(chunk)) > left:
                raise _refused(archive, f"unpacks to more than {_RATIO} times its size")
            file.write(chunk)
    return taken


def _root(folder: Path) -> Path:
    """Where the bundle lies: here, or in the one folder that is here."""
    inside = list(folder.iterdir())
    if len(inside) == 1 and inside[0].is_dir() and not (folder / MANIFEST).exists():
        return inside[0]
    return folder


def _refused(archive: Path, reason: str) -> SignatureError:
    return SignatureError(f"{archive.name}: {reason}; get the bundle again")
