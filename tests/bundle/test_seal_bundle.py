"""A bundle appears whole or not at all, and replaces only a bundle, and only when asked."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.keys import generate_key, load_private_key, load_public_key
from edgepack.bundle.manifest import Manifest
from edgepack.bundle.seal import ensure_free, seal_bundle
from edgepack.bundle.verify import verify_bundle
from edgepack.contract import Artifact, Input, Interface
from edgepack.errors import SignatureError, UsageError

Seal = Callable[..., Bundle]


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    """`seal_bundle` for a small model, with its output in `tmp_path / "dist"`."""
    emitted = tmp_path / "emitted.onnx"
    emitted.write_bytes(b"onnx" * 100)
    fixed: dict[str, Any] = {
        "name": "m",
        "version": 1,
        "interface": Interface(inputs=(Input(name="age", kind="number"),), outputs=("value",)),
        "uri": "models:/m/1",
        "lineage": {},
        "artifacts": [Artifact(target="onnx", path=emitted, format="ONNX", min_runtime="onnxruntime 1.20")],
        "columns": {"age": np.array([[1.0], [2.0]])},
        "answers": {"value": np.array([0.5, 0.25])},
        "verdicts": [],
        "tools": {},
    }
    return lambda out=tmp_path / "dist" / "m-1", **changes: seal_bundle(out, **{**fixed, **changes})


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything in a folder, hidden files too."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def test_a_bundle_is_assembled_in_place(seal: Seal, tmp_path: Path) -> None:
    bundle = seal()
    assert bundle.path == tmp_path / "dist" / "m-1"
    assert sorted(tree(tmp_path / "dist")) == [
        "m-1", "m-1.lineage.json", "m-1/golden.json", "m-1/manifest.json", "m-1/onnx",
        "m-1/onnx/emitted.onnx",
    ]  # fmt: skip
    assert Bundle.open(bundle.path) == bundle
    assert (tmp_path / "emitted.onnx").exists()


def test_a_key_signs_everything_also_the_documents(seal: Seal, tmp_path: Path) -> None:
    private_path, public_path = generate_key(tmp_path / "key.pem")

    def render(manifest: Manifest) -> bytes:
        return f"{manifest.name} {manifest.artifacts[0].size_bytes}".encode()

    documents = {"report.html": render, "docs/LICENSE": lambda manifest: b"MIT"}
    bundle = seal(key=load_private_key(private_path), documents=documents)
    assert (bundle.path / "report.html").read_text() == "m 400"
    verify_bundle(bundle.path, [load_public_key(public_path)])
    (bundle.path / "docs/LICENSE").write_text("GPL")
    with pytest.raises(SignatureError, match="docs/LICENSE: changed"):
        verify_bundle(bundle.path, [load_public_key(public_path)])


def test_a_bundle_is_as_readable_as_other_folders(seal: Seal, tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert seal().path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert stat.S_IMODE((tmp_path / "dist/m-1/manifest.json").stat().st_mode) & 0o400


def test_a_bundle_is_replaced_only_when_asked(seal: Seal, tmp_path: Path) -> None:
    first = seal()
    (first.path / "stale.txt").touch()
    before = tree(tmp_path / "dist")
    with pytest.raises(UsageError, match=r"dist/m-1: exists; choose another folder or pass --overwrite"):
        seal(version=2)
    assert tree(tmp_path / "dist") == before
    assert seal(version=2, overwrite=True).manifest.version == 2
    assert Bundle.open(first.path).manifest.version == 2
    assert set(before) - set(tree(tmp_path / "dist")) == {"m-1/stale.txt"}


@pytest.mark.parametrize("overwrite", [True, False])
def test_what_is_no_bundle_is_never_replaced(seal: Seal, tmp_path: Path, overwrite: bool) -> None:
    folder, file = tmp_path / "home", tmp_path / "file"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years")
    file.write_text("x")
    for out in (folder, file):
        with pytest.raises(UsageError, match="exists and is no bundle, so it is never replaced"):
            seal(out, overwrite=overwrite)
    assert (folder / "thesis.tex").read_text() == "years"


@pytest.mark.parametrize("below", ["m-1", "dist/m-1"])
def test_nothing_is_written_below_a_file(tmp_path: Path, below: str) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(UsageError, match="file: is a file, so no folder fits in it; choose another folder"):
        ensure_free(file / below, overwrite=True)
    ensure_free(tmp_path / below, overwrite=False)


def test_an_empty_folder_is_free(seal: Seal, tmp_path: Path) -> None:
    (tmp_path / "dist" / "m-1").mkdir(parents=True)
    ensure_free(tmp_path / "dist" / "m-1", overwrite=False)
    assert seal().manifest.name == "m"


def failing(error: BaseException) -> Callable[[Manifest], bytes]:
    def render(manifest: Manifest) -> bytes:
        raise error

    return render


FAILURES = {
    "Ctrl-C": (KeyboardInterrupt(), KeyboardInterrupt),
    "a full disk": (OSError(errno.ENOSPC, "No space left on device"), UsageError),
    "a bug": (ZeroDivisionError(), ZeroDivisionError),
}


@pytest.mark.parametrize(("error", "raised"), FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("replaces", [True, False])
def test_a_failure_leaves_what_was_there(seal: Seal, tmp_path: Path, error: Any, raised: Any, replaces: bool) -> None:
    if replaces:
        seal()
    (tmp_path / "dist").mkdir(exist_ok=True)
    before = tree(tmp_path / "dist")
    with pytest.raises(raised):
        seal(version=2, overwrite=True, documents={"report.html": failing(error)})
    assert tree(tmp_path / "dist") == before


@pytest.mark.parametrize("failing_rename", [0, 1])
def test_a_failed_rename_brings_the_old_bundle_back(
    seal: Seal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing_rename: int
) -> None:
    """Where two folders cannot change places, the old bundle moves out, then the new one in; either may fail."""
    monkeypatch.setattr("edgepack.bundle.seal.swap", lambda *_: False)
    seal()
    before = tree(tmp_path / "dist")
    rename, calls = Path.rename, iter(range(9))

    def interrupted(self: Path, target: Path) -> Path:
        if next(calls) == failing_rename:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        seal(version=2, overwrite=True)
    assert tree(tmp_path / "dist") == before


def test_no_space_is_told_on_one_line(seal: Seal, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.onnx")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(
        UsageError, match=r"dist/m-1: cannot be written \(.*No space left on device.*\); make room"
    ) as told:
        seal()
    assert "\n" not in str(told.value)


def test_a_link_inside_an_artifact_is_refused(seal: Seal, tmp_path: Path) -> None:
    (tmp_path / "M.mlpackage").mkdir()
    (tmp_path / "M.mlpackage/weights").symlink_to("/etc/hostname")
    artifact = Artifact(target="coreml", path=tmp_path / "M.mlpackage", format="Core ML", min_runtime="iOS 13")
    with pytest.raises(UsageError, match=r"coreml/M\.mlpackage: weights: a symbolic link"):
        seal(artifacts=[artifact])
    assert list((tmp_path / "dist").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["manifest.json", "golden.json", "model.sig", "onnx/emitted.onnx", "../x", ".gitignore"]
)
def test_a_document_takes_no_other_files_name(seal: Seal, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="not free for a document"):
        seal(documents={name: lambda manifest: b"x"})
    assert list((tmp_path / "dist").iterdir()) == []


def test_two_artifacts_of_one_target_are_refused(seal: Seal, tmp_path: Path) -> None:
    (tmp_path / "other.onnx").write_bytes(b"x")
    twice = [
        Artifact(target="onnx", path=tmp_path / name, format="ONNX", min_runtime="")
        for name in ("emitted.onnx", "other.onnx")
    ]
    with pytest.raises(UsageError, match=r"artifacts\[1\]\.target: 'onnx' has an artifact already"):
        seal(artifacts=twice)
