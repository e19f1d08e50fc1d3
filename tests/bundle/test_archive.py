"""An archive decides nothing: it is unpacked into a fresh folder, verified there, and leaves nothing when refused."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgepack.bundle.verify import verify_bundle
from edgepack.errors import SignatureError, UsageError

Pack = Callable[[Any, Path], None]


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def zipped(signed: Any, path: Path, prefix: str = "") -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in names(signed.folder):
            packed.write(signed.folder / name, prefix + name)


def tarred(signed: Any, path: Path, arcname: str = ".") -> None:
    with tarfile.open(path, "w:gz") as packed:
        packed.add(signed.folder, arcname)


GOOD: dict[str, tuple[str, Pack]] = {
    "zip": ("b.zip", zipped),
    "zip with a folder": ("b.zip", lambda s, p: zipped(s, p, "house-prices-3/")),
    "tar": ("b.tar.gz", tarred),
    "tar with a folder": ("b.tgz", lambda s, p: tarred(s, p, "house-prices-3")),
}


@pytest.mark.parametrize(("name", "pack"), GOOD.values(), ids=GOOD)
def test_an_archive_verifies_and_is_unpacked_if_asked(signed: Any, tmp_path: Path, name: str, pack: Pack) -> None:
    archive, into = tmp_path / "in" / name, tmp_path / "out" / "bundle"
    archive.parent.mkdir()
    pack(signed, archive)
    assert verify_bundle(archive, [signed.public]) == verify_bundle(signed.folder, [signed.public])
    assert [p.name for p in archive.parent.iterdir()] == [name]
    verify_bundle(archive, [signed.public], into=into)
    assert names(into) == names(signed.folder)
    assert [p.name for p in into.parent.iterdir()] == ["bundle"]
    verify_bundle(into, [signed.public])


def more_in_zip(name: str, content: bytes = b"x", mode: int = 0o644 | stat.S_IFREG) -> Pack:
    def pack(signed: Any, path: Path) -> None:
        zipped(signed, path)
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        with warnings.catch_warnings(), zipfile.ZipFile(path, "a") as packed:
            warnings.simplefilter("ignore")  # of a name that stands in it twice
            packed.writestr(info, content)

    return pack


def more_in_tar(name: str, kind: bytes = tarfile.REGTYPE, content: bytes = b"", link: str = "") -> Pack:
    def pack(signed: Any, path: Path) -> None:
        with tarfile.open(path, "w:gz") as packed:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(content)
            packed.addfile(info, io.BytesIO(content))
            packed.add(signed.folder, ".")

    return pack


def spoiled(pack: Pack, spoil: Callable[[bytes], bytes]) -> Pack:
    def both(signed: Any, path: Path) -> None:
        pack(signed, path)
        path.write_bytes(spoil(path.read_bytes()))

    return both


def huge_header(signed: Any, path: Path) -> None:
    """A tar whose first header asks for a gigabyte of pax records, of which there are some."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 1 << 30
    path.write_bytes(gzip.compress(info.tobuf() + bytes(4096)))


def empty_zip(signed: Any, path: Path) -> None:
    zipfile.ZipFile(path, "w").close()


BAD: dict[str, tuple[str, Pack, str]] = {
    "a zip that climbs out": ("b.zip", more_in_zip("../evil"), r"b\.zip: '\.\./evil' is not a plain relative path"),
    "a zip with an absolute name": ("b.zip", more_in_zip("/evil"), "'/evil' is absolute"),
    "a zip with a drive": ("b.zip", more_in_zip("C:evil"), "holds a backslash or a colon"),
    "a zip with a link": ("b.zip", more_in_zip("l", b"/etc/passwd", stat.S_IFLNK | 0o777), "'l' is a link or special"),
    "a zip with a name twice": ("b.zip", more_in_zip("report.html"), "'report.html' stands in it twice"),
    "a zip with a file for a folder": ("b.zip", more_in_zip("report.html/x"), "stands in it twice"),
    "a zip with a file more": ("b.zip", more_in_zip("more.bin"), "more.bin: not signed"),
    "a zip with a git file": ("b.zip", more_in_zip(".git/config"), "a git file"),
    "a zip with an empty folder": ("b.zip", more_in_zip("empty/", b"", stat.S_IFDIR | 0o755), "empty/: an empty"),
    "a zip bomb": ("b.zip", more_in_zip("bomb", bytes(80 << 20)), "unpacks to more than 100 times its size"),
    "a zip cut short": ("b.zip", spoiled(zipped, lambda b: b[:-40]), r"b\.zip: cannot be read \(BadZipFile"),
    "a zip with a wrong byte": ("b.zip", spoiled(zipped, lambda b: b[:60] + b"\xff" + b[61:]), "model|cannot be read"),
    "an empty zip": ("b.zip", empty_zip, "model.sig: missing"),
    "no zip": ("b.zip", lambda s, p: p.write_bytes(b"hello"), r"cannot be read \(BadZipFile"),  # type: ignore[dict-item]
    "a tar that climbs out": ("b.tar.gz", more_in_tar("../evil"), r"'\.\./evil' is not a plain relative path"),
    "a tar with an absolute name": ("b.tar.gz", more_in_tar("/evil"), "'/evil' is absolute"),
    "a tar with a link": ("b.tar.gz", more_in_tar("l", tarfile.SYMTYPE, link="/etc"), "'l' is a link or special file"),
    "a tar with a hard link": ("b.tar.gz", more_in_tar("l", tarfile.LNKTYPE, link="/etc/passwd"), "'l' is a link"),
    "a tar with a device": ("b.tar.gz", more_in_tar("null", tarfile.CHRTYPE), "'null' is a link or special file"),
    "a tar with a pipe": ("b.tar.gz", more_in_tar("pipe", tarfile.FIFOTYPE), "'pipe' is a link or special file"),
    "a tar with a name twice": ("b.tar.gz", more_in_tar("report.html"), "'report.html' stands in it twice"),
    "a tar with a file more": ("b.tar.gz", more_in_tar("more.bin"), "more.bin: not signed"),
    "a tar bomb": ("b.tar.gz", more_in_tar("bomb", content=bytes(80 << 20)), "unpacks to more than 100 times its size"),
    "a tar with a header of a gigabyte": ("b.tar.gz", huge_header, "a header of 1073741824 bytes"),
    "a tar cut short": ("b.tar.gz", spoiled(tarred, lambda b: b[: len(b) // 2]), r"b\.tar\.gz: cannot be read"),
    "a tar that is not packed": ("b.tar.gz", spoiled(tarred, gzip.decompress), "cannot be read .Not a gzipped file"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "pack", "says"), BAD.values(), ids=BAD)
def test_a_bad_archive_is_refused_and_leaves_nothing(
    signed: Any, tmp_path: Path, name: str, pack: Pack, says: str
) -> None:
    archive = tmp_path / "in" / name
    archive.parent.mkdir()
    pack(signed, archive)
    before = names(tmp_path)
    with pytest.raises(SignatureError, match=says) as told:
        verify_bundle(archive, [signed.public], into=tmp_path / "out")
    assert "\n" not in str(told.value)
    assert names(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_an_encrypted_zip_is_refused(signed: Any, tmp_path: Path) -> None:
    zipped(signed, tmp_path / "b.zip")
    data = bytearray((tmp_path / "b.zip").read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    data[data.index(b"PK\x03\x04", 1) + 6] |= 1
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(SignatureError, match=r"b\.zip: "):
        verify_bundle(tmp_path / "b.zip", [signed.public])


def test_what_exists_is_not_unpacked_over(signed: Any, tmp_path: Path) -> None:
    zipped(signed, tmp_path / "b.zip")
    into = tmp_path / "mine"
    into.mkdir()
    (into / "thesis.tex").write_text("years")
    for taken in (into, into / "thesis.tex"):
        with pytest.raises(UsageError, match="exists; a bundle is unpacked into a fresh folder"):
            verify_bundle(tmp_path / "b.zip", [signed.public], into=taken)
    assert (into / "thesis.tex").read_text() == "years"


def test_only_an_archive_is_unpacked(signed: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no archive, so there is nothing to unpack"):
        verify_bundle(signed.folder, [signed.public], into=tmp_path / "out")
    (tmp_path / "b.rar").write_bytes(b"Rar!")
    with pytest.raises(UsageError, match=r"neither a folder nor one of \.zip, \.tar\.gz, \.tgz"):
        verify_bundle(tmp_path / "b.rar", [signed.public])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_one_line(signed: Any, tmp_path: Path) -> None:
    zipped(signed, tmp_path / "b.zip")
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(UsageError, match="cannot be written"):
        verify_bundle(tmp_path / "b.zip", [signed.public], into=tmp_path / "locked" / "out")
