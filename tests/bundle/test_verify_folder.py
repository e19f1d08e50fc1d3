"""Verification refuses a folder whose files, names or manifest are not what was signed: a table of mutants.

`lets_through` marks those that model_signing accepts; it is asked each time, so that a mutant which fails for another
reason than the one under test shows itself.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from edgepack.bundle.verify import verify_bundle
from edgepack.errors import SignatureError, UsageError

Spoil = Callable[[Any], None]

FILES = [
    "coreml/HousePrices.mlpackage/Data/com.example/model.mlmodel",
    "coreml/HousePrices.mlpackage/Manifest.json",
    "golden.json",
    "manifest.json",
    "model.sig",
    "onnx/model.onnx",
    "report.html",
]
MODEL, PACKAGE = "onnx/model.onnx", "coreml/HousePrices.mlpackage"


def case(name: str, spoil: Spoil, says: str, lets_through: bool = False) -> Any:
    """One way to spoil a bundle, what the refusal must say, and whether model_signing would let it through."""
    return pytest.param(spoil, says, lets_through, id=name)


def files(change: Callable[[Path], Any]) -> Spoil:
    return lambda bundle: change(bundle.folder)


def files_signed(change: Callable[[Path], Any]) -> Spoil:
    """Changes files and signs the bundle again."""

    def spoil(bundle: Any) -> None:
        change(bundle.folder)
        bundle.sign_files()

    return spoil


def added(name: str, content: bytes = b"x") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return change


def renamed(name: str, to: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).rename(folder / to)


def copied(name: str, to: str) -> Callable[[Path], Any]:
    return lambda folder: shutil.copy(folder / name, folder / to)


def linked(name: str) -> Callable[[Path], None]:
    """Puts a link in a file's or a folder's place; what it points to is the same as before."""

    def change(folder: Path) -> None:
        (folder / name).rename(folder.parent / "elsewhere")
        (folder / name).symlink_to(folder.parent / "elsewhere")

    return change


def pipe_for_signature(folder: Path) -> None:
    (folder / "model.sig").unlink()
    os.mkfifo(folder / "model.sig")


def folder_for_signature(folder: Path) -> None:
    (folder / "model.sig").unlink()
    (folder / "model.sig").mkdir()


def manifest(change: Callable[[str], str]) -> Spoil:
    """Changes the manifest's text and signs the bundle again."""

    def rewritten(folder: Path) -> None:
        before = (folder / "manifest.json").read_text(encoding="utf-8")
        after = change(before)
        assert before != after
        (folder / "manifest.json").write_text(after, encoding="utf-8")

    return files_signed(rewritten)


FOLDER_MUTANTS = [
    case("a file more", files(added("extra.bin")), "extra.bin: not signed"),
    case("an empty file more", files(added("onnx/.keep", b"")), "onnx/.keep: not signed"),
    case("a file more inside an artifact", files(added(f"{PACKAGE}/Data/w.bin")), f"{PACKAGE}/Data/w.bin: not signed"),
    case("a second signature file", files(copied("model.sig", "onnx/model.sig")), "onnx/model.sig: not signed"),
    case("an empty folder", files(lambda f: (f / "empty").mkdir()), "empty/: an empty folder", True),
    case("empty folders in one", files(lambda f: (f / "onnx/a/b").mkdir(parents=True)), "onnx/a/b/: an empty", True),
    case("a .git folder", files(added(".git/config")), ".git: a git file", True),
    case("a .github folder", files(added(".github/x.yml")), ".github: a git file", True),
    case("a .gitignore", files(added(".gitignore")), ".gitignore: a git file", True),
    case("a .gitattributes", files(added(".gitattributes")), ".gitattributes: a git file", True),
    case("a .gitignore further down", files(added("onnx/.GitIgnore")), "onnx/.GitIgnore: a git file"),
    case("a file renamed", files(renamed("report.html", "report.htm")), "report.html: missing"),
    case("a file renamed by case", files(renamed("report.html", "Report.html")), "Report.html: not signed"),
    case("names that differ by case", files(copied("report.html", "REPORT.html")), "report.html: differs from REPORT."),
    case("folders that differ by case", files(added("ONNX/x")), "onnx/model.onnx: its folder differs from ONNX/"),
    case("a linked file", files(linked(MODEL)), "onnx/model.onnx: a symbolic link"),
    case("a linked folder", files(linked("onnx")), "onnx: a symbolic link"),
    case("a linked folder more", files(lambda f: (f / "more").symlink_to(f / "onnx")), "more: a symbolic link"),
    case("a dangling link", files(lambda f: (f / "more").symlink_to(f / "nowhere")), "more: a symbolic link"),
    case("a linked signature", files(linked("model.sig")), "model.sig: a symbolic link"),
    case("a linked manifest", files(linked("manifest.json")), "manifest.json: a symbolic link"),
    case("a pipe", files(lambda f: os.mkfifo(f / "pipe")), "pipe: neither a file nor a folder"),
    case("a pipe for a signature", files(pipe_for_signature), "model.sig: not a plain file"),
    case("a folder for a signature", files(folder_for_signature), "model.sig: not a plain file"),
    case("a backslash in a name", files(added("onnx\\x")), "onnx\\x: holds a backslash"),
    case("a name that is not text", files(added(os.fsdecode(b"report\xff"))), "not printable text"),
    case("an empty signature", files(added("model.sig", b"")), "model.sig: not strict JSON"),
]
SIGNED_MUTANTS = [
    case(
        "a digest that is not the file's",
        manifest(lambda t: t.replace(json.loads(t)["artifacts"][0]["files"][0]["sha256"], "0" * 64)),
        "onnx/model.onnx: its sha256 is not the one in manifest.json",
        True,
    ),
    case(
        "golden rows with another digest",
        manifest(lambda t: t.replace(json.loads(t)["golden"]["sha256"], "0" * 64)),
        "golden.json: its sha256 is not the one in manifest.json",
        True,
    ),
    case(
        "an artifact that is not there",
        files_signed(lambda f: shutil.rmtree(f / "onnx")),
        "onnx/model.onnx: missing, though manifest.json names it",
        True,
    ),
    case(
        "a file in an artifact that the manifest does not name",
        files_signed(added(f"{PACKAGE}/Data/weights.bin")),
        "Data/weights.bin: inside an artifact, but manifest.json does not name it",
        True,
    ),
    case(
        "a key twice in the manifest",
        manifest(lambda t: t.replace('"version": 3', '"version": 9, "version": 3')),
        "manifest.json: not strict JSON (key 'version' twice",
        True,
    ),
    case("NaN in the manifest", manifest(lambda t: t.replace("0.91", "NaN")), "manifest.json: not strict JSON", True),
    case("a huge number", manifest(lambda t: t.replace("0.91", "1e999")), "(1e999 does not fit a double)", True),
    case("half a surrogate pair", manifest(lambda t: t.replace("0f3a", "\\ud800")), "half of a surrogate pair", True),
    case(
        "another schema version",
        manifest(lambda t: t.replace('"schema_version": 1', '"schema_version": 2')),
        "manifest.json: schema_version: 2 is not known here",
        True,
    ),
    case(
        "a manifest that climbs out",
        manifest(lambda t: t.replace('"onnx/model.onnx"', '"../model.onnx"')),
        "manifest.json: artifacts[0].path: '../model.onnx' is not a plain relative path",
        True,
    ),
]


@pytest.mark.parametrize(("spoil", "says", "lets_through"), [*FOLDER_MUTANTS, *SIGNED_MUTANTS])
def test_a_spoiled_folder_is_refused(signed: Any, spoil: Spoil, says: str, lets_through: bool) -> None:
    spoil(signed)
    signed.is_refused(says)
    if lets_through:
        assert signed.oracle_accepts()


def test_the_bundle_as_sealed_is_accepted(signed: Any) -> None:
    manifest = verify_bundle(signed.folder, [signed.public], min_version=3, expect_name="house-prices")
    assert (manifest.name, manifest.version) == ("house-prices", 3)
    assert sorted(p.relative_to(signed.folder).as_posix() for p in signed.folder.rglob("*") if p.is_file()) == FILES


def test_the_second_signer_gives_a_bundle_that_verifies(signed: Any) -> None:
    """So the mutants that it signs fail for what was spoiled."""
    signed.sign_files()
    verify_bundle(signed.folder, [signed.public])
    assert signed.oracle_accepts()


def test_a_bundle_may_be_renamed(signed: Any) -> None:
    moved = signed.folder.rename(signed.folder.with_name("elsewhere"))
    assert verify_bundle(moved, [signed.public]).name == "house-prices"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_a_changed_byte_is_refused_and_named(signed: Any, name: str, place: float, mask: int) -> None:
    path = signed.folder / name
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= mask
    path.write_bytes(data)
    signed.is_refused(f"{name}: ")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_and_named(signed: Any, name: str) -> None:
    (signed.folder / name).unlink()
    signed.is_refused(f"{name}: missing")


@pytest.mark.parametrize("name", FILES)
def test_a_longer_or_shorter_file_is_refused_and_named(signed: Any, name: str) -> None:
    data = (signed.folder / name).read_bytes()
    for other in (data + b"\n", data[:-1], b""):
        (signed.folder / name).write_bytes(other)
        signed.is_refused(f"{name}: ")


def test_a_file_larger_than_a_read_is_hashed_to_its_end(signed: Any) -> None:
    large = signed.folder / "onnx/weights.bin"
    large.write_bytes(bytes(5 << 19))
    signed.sign_files()
    verify_bundle(signed.folder, [signed.public])
    with large.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    signed.is_refused("onnx/weights.bin: changed since it was signed")


def test_an_older_version_sent_again_is_refused(signed: Any) -> None:
    assert signed.oracle_accepts()
    with pytest.raises(SignatureError, match=r"manifest\.json: holds version 3, older than 4"):
        verify_bundle(signed.folder, [signed.public], min_version=4)


def test_a_bundle_without_version_is_refused_where_one_is_asked_for(signed: Any) -> None:
    manifest(lambda t: t.replace('"version": 3', '"version": null'))(signed)
    assert verify_bundle(signed.folder, [signed.public]).version is None
    with pytest.raises(SignatureError, match=r"manifest\.json: holds no version, older than 1"):
        verify_bundle(signed.folder, [signed.public], min_version=1)


def test_another_model_under_the_same_key_is_refused(signed: Any) -> None:
    assert signed.oracle_accepts()
    with pytest.raises(SignatureError, match=r"manifest\.json: holds 'house-prices', not 'wine'"):
        verify_bundle(signed.folder, [signed.public], expect_name="wine")


def test_another_key_is_refused_and_the_signer_is_told(signed: Any) -> None:
    signer = signed.envelope()["verificationMaterial"]["publicKey"]["hint"]
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(SignatureError, match=f"model.sig: signed by key '{signer[:16]}', not by "):
        verify_bundle(signed.folder, [other])
    assert verify_bundle(signed.folder, [other, signed.public]).name == "house-prices"


def test_a_signature_by_another_key_under_the_trusted_name_is_refused(signed: Any) -> None:
    signed.sign_payload(signed.payload(), key=ec.generate_private_key(ec.SECP256R1()))
    signed.is_refused("model.sig: the signature does not fit what it signs")


def test_many_problems_are_told_on_one_line(signed: Any) -> None:
    for number in range(20):
        (signed.folder / f"extra{number:02}.bin").touch()
    signed.is_refused("extra07.bin: not signed; and 12 more; get the bundle again")


def test_a_bundle_that_does_not_exist_is_a_usage_error(signed: Any, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", signed.folder / "manifest.json"):
        with pytest.raises(UsageError, match="no such bundle"):
            verify_bundle(path, [signed.public])


def test_no_key_is_a_usage_error(signed: Any) -> None:
    with pytest.raises(UsageError, match="no key"):
        verify_bundle(signed.folder, [])
