"""A bundle opens if its files are those of its manifest, and runs rows as the server would take them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.golden import read_golden
from edgepack.bundle.keys import generate_key
from edgepack.contract import Columns, Interface
from edgepack.errors import SignatureError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """A runner that answers with its input."""

    path: Path
    content: bytes = b""
    runtime: str = "echo 1.0"

    def run(self, columns: Columns) -> dict[str, np.ndarray[Any, Any]]:
        return {"value": columns["age"][:, 0], "label": columns["city"][:, 0]}


class EchoTarget:
    name = "onnx"

    def open(self, path: Path, interface: Interface) -> Echo:
        assert [i.name for i in interface.inputs] == ["age", "city"]
        return Echo(path=path, content=path.read_bytes())


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgepack.targets.find_target", lambda name: EchoTarget())


@pytest.mark.parametrize("verified", [True, False])
def test_a_bundle_opens(signed: Any, verified: bool) -> None:
    bundle = Bundle.open(str(signed.folder), key=signed.public_path if verified else None)
    assert bundle.targets == ("onnx", "coreml")
    assert bundle.manifest.version == 3
    assert bundle.interface.classes == ("no", "yes")
    columns, answers = read_golden(bundle.path / "golden.json", bundle.interface)
    assert columns["age"][0, 0] == 41.5
    assert answers["label"].tolist() == ["yes", "no"]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: (f / "onnx/model.onnx").write_bytes(b"other"), r"onnx/model\.onnx: its sha256 is not"),
        (lambda f: (f / "golden.json").write_bytes(b"{}"), r"golden\.json: its sha256 is not"),
        (lambda f: (f / "onnx/model.onnx").unlink(), r"onnx/model\.onnx: missing"),
        (lambda f: shutil.rmtree(f / "coreml"), r"Data/com\.example/model\.mlmodel: missing"),
        (lambda f: (f / "coreml/HousePrices.mlpackage/x").touch(), r"HousePrices\.mlpackage/x: inside an artifact"),
        (lambda f: (f / "coreml/HousePrices.mlpackage/x").symlink_to("/"), r"mlpackage/x: a symbolic link"),
        (lambda f: (f / "manifest.json").unlink(), r"manifest\.json: cannot be read \(No such file"),
        (lambda f: (f / "manifest.json").write_text("{}"), r"manifest\.json: schema_version"),
    ],
)
def test_changed_files_are_refused_without_a_key_too(signed: Any, spoil: Any, says: str) -> None:
    spoil(signed.folder)
    with pytest.raises(SignatureError, match=says):
        Bundle.open(signed.folder)


def test_other_files_matter_only_to_the_signature(signed: Any) -> None:
    (signed.folder / ".gitignore").touch()
    (signed.folder / "report.html").write_text("changed")
    assert Bundle.open(signed.folder).manifest.name == "house-prices"
    with pytest.raises(SignatureError):
        Bundle.open(signed.folder, key=signed.public_path)


def test_another_key_does_not_open_it(signed: Any, tmp_path: Path) -> None:
    _, public_path = generate_key(tmp_path / "other.pem")
    with pytest.raises(SignatureError, match=r"model\.sig: signed by key"):
        Bundle.open(signed.folder, key=public_path)


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize("verified", [True, False])
def test_what_is_changed_after_it_was_opened_never_runs(signed: Any, verified: bool) -> None:
    bundle = Bundle.open(signed.folder, key=signed.public_path if verified else None)
    (signed.folder / "onnx/model.onnx").write_bytes(b"other")
    with pytest.raises(SignatureError, match=r"onnx/model\.onnx: changed since the bundle was opened"):
        bundle.runner("onnx")
    (signed.folder / "onnx/model.onnx").unlink()
    (signed.folder / "onnx/model.onnx").symlink_to("/etc/hostname")
    with pytest.raises(SignatureError, match=r"onnx/model\.onnx: a symbolic link"):
        bundle.runner("onnx")


@pytest.mark.usefixtures("echo")
def test_what_is_changed_while_it_is_loaded_is_not_what_is_loaded(signed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The target reads a copy: a change at the last moment finds nothing to change."""
    genuine = (signed.folder / "onnx/model.onnx").read_bytes()

    class Slow(EchoTarget):
        def open(self, path: Path, interface: Interface) -> Echo:
            (signed.folder / "onnx/model.onnx").write_bytes(b"other")
            return super().open(path, interface)

    monkeypatch.setattr("edgepack.targets.find_target", lambda name: Slow())
    bundle = Bundle.open(signed.folder, key=signed.public_path)
    assert bundle.runner("onnx").runner.content == genuine


def test_no_folder_is_a_usage_error(signed: Any, tmp_path: Path) -> None:
    for key in (None, signed.public_path):
        with pytest.raises(UsageError, match="nowhere: no such bundle"):
            Bundle.open(tmp_path / "nowhere", key=key)


@pytest.mark.usefixtures("echo")
@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame({"city": ["Köln", None], "age": [0.1, None], "more": 1}),
        {"age": [0.1, None], "city": ["Köln", None]},
        np.array([[0.1, "Köln"], [None, None]], object),
    ],
    ids=["DataFrame", "dict", "array"],
)
def test_a_runner_takes_rows_in_any_form(signed: Any, rows: Any) -> None:
    runner = Bundle.open(signed.folder).runner("onnx")
    answers = runner.run(rows)
    assert runner.runtime == "echo 1.0"
    assert runner.runner.path.parts[-2:] == ("onnx", "model.onnx")
    assert runner.runner.content == (signed.folder / "onnx/model.onnx").read_bytes()
    assert repr(answers["value"].tolist()) == "[0.10000000149011612, nan]"
    assert answers["label"].tolist() == ["Köln", None]


@pytest.mark.usefixtures("echo")
def test_rows_that_the_server_refuses_are_refused(signed: Any) -> None:
    runner = Bundle.open(signed.folder).runner("onnx")
    with pytest.raises(UsageError) as caught:
        runner.run({"age": [1e39, np.inf], "city": ["Lyon", "<NA>"]})
    assert str(caught.value).splitlines() == [
        "age: inf (row 1) is not finite; give a number or leave it out",
        "age: 1e+39 (row 0) is beyond float32; give a smaller number",
        "city: '<NA>' (row 1) is the word for missing in an artifact; give None instead",
    ]
    with pytest.raises(UsageError, match="columns age are missing"):
        runner.run({"city": ["Lyon"]})


def test_a_target_that_is_not_in_the_bundle_is_refused(signed: Any) -> None:
    with pytest.raises(UsageError, match=r"litert: not in .*house-prices-3; it holds onnx, coreml"):
        Bundle.open(signed.folder).runner("litert")
