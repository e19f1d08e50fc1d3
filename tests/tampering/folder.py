"""Files, names, links and manifests that are not what was signed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tampering.case import Spoil, Tampering

MODEL, PACKAGE = "onnx/model.onnx", "coreml/HousePrices.mlpackage"


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


def changed(name: str) -> Callable[[Path], None]:
    """Turns one bit in the middle of a file."""

    def change(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)

    return change


FOLDER_MUTANTS = [
    Tampering("a bit of the model", files(changed(MODEL)), "onnx/model.onnx: changed since it was signed"),
    Tampering("a bit of the golden rows", files(changed("golden.json")), "golden.json: changed since it was signed"),
    Tampering("a bit of the manifest", files(changed("manifest.json")), "manifest.json: changed since it was signed"),
    Tampering("a file more", files(added("extra.bin")), "extra.bin: not signed"),
    Tampering("an empty file more", files(added("onnx/.keep", b"")), "onnx/.keep: not signed"),
    Tampering(
        "a file more inside an artifact", files(added(f"{PACKAGE}/Data/w.bin")), f"{PACKAGE}/Data/w.bin: not signed"
    ),
    Tampering("a second signature file", files(copied("model.sig", "onnx/model.sig")), "onnx/model.sig: not signed"),
    Tampering("an empty folder", files(lambda f: (f / "empty").mkdir()), "empty/: an empty folder"),
    Tampering("empty folders in one", files(lambda f: (f / "onnx/a/b").mkdir(parents=True)), "onnx/a/b/: an empty"),
    Tampering("a .git folder", files(added(".git/config")), ".git: a git file"),
    Tampering("a .github folder", files(added(".github/x.yml")), ".github: a git file"),
    Tampering("a .gitignore", files(added(".gitignore")), ".gitignore: a git file"),
    Tampering("a .gitattributes", files(added(".gitattributes")), ".gitattributes: a git file"),
    Tampering("a .gitignore further down", files(added("onnx/.GitIgnore")), "onnx/.GitIgnore: a git file"),
    Tampering("a file renamed", files(renamed("report.html", "report.htm")), "report.html: missing"),
    Tampering("a file renamed by case", files(renamed("report.html", "Report.html")), "Report.html: not signed"),
    Tampering(
        "names that differ by case", files(copied("report.html", "REPORT.html")), "report.html: differs from REPORT."
    ),
    Tampering("folders that differ by case", files(added("ONNX/x")), "onnx/model.onnx: its folder differs from ONNX/"),
    Tampering("a linked file", files(linked(MODEL)), "onnx/model.onnx: a symbolic link"),
    Tampering("a linked folder", files(linked("onnx")), "onnx: a symbolic link"),
    Tampering("a linked folder more", files(lambda f: (f / "more").symlink_to(f / "onnx")), "more: a symbolic link"),
    Tampering("a dangling link", files(lambda f: (f / "more").symlink_to(f / "nowhere")), "more: a symbolic link"),
    Tampering("a linked signature", files(linked("model.sig")), "model.sig: a symbolic link"),
    Tampering("a linked manifest", files(linked("manifest.json")), "manifest.json: a symbolic link"),
    Tampering("a pipe", files(lambda f: os.mkfifo(f / "pipe")), "pipe: neither a file nor a folder"),
    Tampering("a pipe for a signature", files(pipe_for_signature), "model.sig: not a plain file"),
    Tampering("a folder for a signature", files(folder_for_signature), "model.sig: not a plain file"),
    Tampering("a backslash in a name", files(added("onnx\\x")), "onnx\\x: holds a backslash"),
    Tampering("a name that is not text", files(added(os.fsdecode(b"report\xff"))), "not printable text"),
    Tampering("an empty signature", files(added("model.sig", b"")), "model.sig: not strict JSON"),
]
NO_JSON: dict[str, Callable[[str], str]] = {
    "text behind the manifest": lambda t: t + "x",
    "two manifests": lambda t: t + t,
    "a byte order mark before the manifest": lambda t: "\ufeff" + t,
    "a comment in the manifest": lambda t: t.replace('"version": 3', '"version": /* new */ 3'),
    "a comma too many in the manifest": lambda t: t.replace('"0f3a"', "[1,]"),
    "a colon too few in the manifest": lambda t: t.replace('"version": 3', '"version" 3'),
    "a zero in front in the manifest": lambda t: t.replace("0.91", "00.91"),
    "a plus in front in the manifest": lambda t: t.replace("0.91", "+0.91"),
    "a control character in the manifest": lambda t: t.replace("0f3a", "0f\x013a"),
    "an unknown escape in the manifest": lambda t: t.replace("0f3a", "0f\\x3a"),
    "half an escape in the manifest": lambda t: t.replace("0f3a", "\\u12"),
    "a word in the manifest": lambda t: t.replace('"0f3a"', "nil"),
    "a space that is none in the manifest": lambda t: t.replace('"version": 3', '"version":\u00a03'),
    "a manifest cut short": lambda t: t.rstrip()[:-1],
}
SIGNED_MUTANTS = [
    *(Tampering(name, manifest(change), "manifest.json: not strict JSON") for name, change in NO_JSON.items()),
    Tampering("a colon in a signed name", files_signed(added("x:y")), "it names 'x:y': holds a backslash or a colon"),
    Tampering("a git file that is signed", files_signed(added("onnx/.gitkeep")), "'onnx/.gitkeep': a git file"),
    Tampering("a tab in a signed name", files_signed(added("x\ty")), "it names 'x\\ty': not printable text"),
    Tampering("folders that differ by case, signed", files_signed(added("ONNX/x")), "its folder differs from ONNX/"),
    Tampering(
        "a file twice in the manifest",
        manifest(lambda t: t.replace('"onnx/model.onnx"', '"golden.json"')),
        "manifest.json: golden.json: named twice",
    ),
    Tampering(
        "a manifest that is nested too deep",
        manifest(lambda t: t.replace('"0f3a"', "[" * 5000 + "]" * 5000)),
        "manifest.json: not strict JSON (nested too deep)",
    ),
    Tampering(
        "a digest that is not the file's",
        manifest(lambda t: t.replace(json.loads(t)["artifacts"][0]["files"][0]["sha256"], "0" * 64)),
        "onnx/model.onnx: its sha256 is not the one in manifest.json",
    ),
    Tampering(
        "golden rows with another digest",
        manifest(lambda t: t.replace(json.loads(t)["golden"]["sha256"], "0" * 64)),
        "golden.json: its sha256 is not the one in manifest.json",
    ),
    Tampering(
        "an artifact that is not there",
        files_signed(lambda f: shutil.rmtree(f / "onnx")),
        "onnx/model.onnx: missing, though manifest.json names it",
    ),
    Tampering(
        "a file in an artifact that the manifest does not name",
        files_signed(added(f"{PACKAGE}/Data/weights.bin")),
        "Data/weights.bin: inside an artifact, but manifest.json does not name it",
    ),
    Tampering(
        "a key twice in the manifest",
        manifest(lambda t: t.replace('"version": 3', '"version": 9, "version": 3')),
        "manifest.json: not strict JSON (key 'version' twice",
    ),
    Tampering("NaN in the manifest", manifest(lambda t: t.replace("0.91", "NaN")), "manifest.json: not strict JSON"),
    Tampering("a huge number", manifest(lambda t: t.replace("0.91", "1e999")), "(1e999 does not fit a double)"),
    Tampering("half a surrogate pair", manifest(lambda t: t.replace("0f3a", "\\ud800")), "half of a surrogate pair"),
    Tampering(
        "another schema version",
        manifest(lambda t: t.replace('"schema_version": 1', '"schema_version": 2')),
        "manifest.json: schema_version: 2 is not known here",
    ),
    Tampering(
        "a manifest that climbs out",
        manifest(lambda t: t.replace('"onnx/model.onnx"', '"../model.onnx"')),
        "manifest.json: artifacts[0].path: '../model.onnx' is not a plain relative path",
    ),
]
