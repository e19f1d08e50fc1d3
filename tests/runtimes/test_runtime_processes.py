from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.contract import Verdict
from edgepack.environments import cache_folder
from edgepack.errors import UsageError
from edgepack.matrix import lowest_that_holds
from edgepack.recheck import recheck_golden
from edgepack.runtimes import ProcessSession, Spec, install, start
from edgepack.runtimes.session import RuntimeFailure
from edgepack.runtimes.worker import read_frame, write_frame


@pytest.mark.parametrize("word", ["onnxruntime==1.20.1", "node", "node==1.20.1", "web", "arm64"])
def test_a_spec_comes_back_from_its_word(word: str) -> None:
    assert str(Spec.parse(word)) == word


@pytest.mark.parametrize(
    "word", ["", "onnxruntime", "onnxruntime==latest", "ruby", "arm64==1.20.1", "node==1.20.1; x", "node==-r", "Node"]
)
def test_any_other_word_is_refused_with_what_is_known(word: str) -> None:
    with pytest.raises(UsageError, match=r"is no runtime; give onnxruntime==VERSION, node"):
        Spec.parse(word)


def test_frames_carry_every_type_of_array_to_the_bit() -> None:
    arrays = {
        "f4": np.array([[np.nan, -0.0], [np.inf, 1e-45]], np.float32),
        "f8": np.array([np.nextafter(1.0, 2)]),
        "i8": np.array([2**62, -1]),
        "b": np.array([True, False]),
        "s": np.array([["Köln", ""], ["\ud800", "a\nb"]], object),
        "none": np.empty((0, 3), np.float32),
    }
    stream = io.BytesIO()
    write_frame(stream, arrays, outputs=["label"])
    stream.seek(0)
    header, back = read_frame(stream)
    assert header == {"outputs": ["label"]}
    for name, array in arrays.items():
        assert back[name].shape == array.shape
        if name == "s":
            assert back[name].tolist() == array.tolist()
        else:
            assert (back[name].dtype, back[name].tobytes()) == (array.dtype, array.tobytes())


def test_a_cut_frame_is_an_end() -> None:
    stream = io.BytesIO()
    write_frame(stream, {"x": np.ones(3)})
    with pytest.raises(EOFError):
        read_frame(io.BytesIO(stream.getvalue()[:-1]))


def test_a_process_that_dies_says_its_last_words() -> None:
    script = "import sys; sys.exit('no such instruction')"
    with pytest.raises(RuntimeFailure, match="old: stopped with status 1, saying: no such instruction"):
        ProcessSession([sys.executable, "-c", script], name="old")


def test_a_runtime_that_dies_while_it_answers_has_failed_and_not_passed(
    forest_bundle: Callable[[str], Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = (
        f"import sys, os; sys.path.insert(0, {str(install.HERE)!r}); import worker\n"
        "worker.write_frame(sys.stdout.buffer, {}, runtime='fragile 1'); worker.read_frame(sys.stdin.buffer)\n"
        "os.abort()"
    )
    monkeypatch.setattr("edgepack.runtimes.session.command", lambda spec: [sys.executable, "-c", script])
    verdict = recheck_golden(forest_bundle("edgepack"), runtimes=[Spec.parse("node")])[1]
    assert (verdict.status, verdict.runtime) == ("failed", "fragile 1")
    assert "stopped with status -6" in verdict.reason


def test_a_file_that_does_not_load_has_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    monkeypatch.setenv(install.ARM64, sys.executable)
    with pytest.raises(RuntimeFailure, match=r"onnxruntime \S+ \S+ does not load it"):
        start(Spec.parse("arm64"), tmp_path / "model.onnx")


def test_a_python_of_another_processor_runs_the_rows(
    forest_bundle: Callable[[str], Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    """This machine's own stands for it: the words of the variable are what is run."""
    monkeypatch.setenv(install.ARM64, f"{sys.executable} -B")
    verdict = recheck_golden(forest_bundle("edgepack"), runtimes=[Spec.parse("arm64")])[1]
    assert (verdict.status, verdict.rows) == ("measured", 100)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("onnxruntime==1.20.1", r"uv: not on PATH.*pip install 'edgepack\[runtimes\]'"),
        ("node", "no node on PATH"),
        ("web", "no Chromium on PATH"),
        ("arm64", "EDGEPACK_ARM64_PYTHON is not set"),
    ],
)
def test_what_is_not_installed_is_not_run_with_its_reason(
    word: str, reason: str, forest_bundle: Callable[[str], Bundle], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    monkeypatch.delenv(install.ARM64, raising=False)
    monkeypatch.setattr(install.sys, "executable", str(tmp_path / "python"))
    verdict = recheck_golden(forest_bundle("edgepack"), runtimes=[Spec.parse(word)])[1]
    assert (verdict.status, verdict.runtime, verdict.passed) == ("not run", word, False)
    assert re.search(reason, verdict.reason)


def test_an_installation_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "uv"
    program.write_text('#!/bin/sh\n[ "$1" = venv ] && mkdir -p "$5" || { echo "no such version" >&2; exit 1; }\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(install.NotInstalled, match=r"onnxruntime==1\.0\.9: cannot be installed \(no such version\)"):
        install.command(Spec.parse("onnxruntime==1.0.9"))
    assert list(cache_folder("runtimes").iterdir()) == []


def test_the_lowest_version_has_no_failure_above_it() -> None:
    def verdict(runtime: str, status: str) -> Verdict:
        return Verdict(target="onnx", runtime=runtime, status=status)  # type: ignore[arg-type]

    tried = [
        verdict("onnxruntime 1.32.0 x86_64", "proved"),
        verdict("onnxruntime 1.9.1 x86_64", "measured"),
        verdict("onnxruntime 1.27.0 x86_64", "measured"),
        verdict("onnxruntime-node 1.1.0 x64, Node v20", "measured"),
    ]
    assert lowest_that_holds(tried) == "1.9.1"
    assert lowest_that_holds([*tried, verdict("onnxruntime 1.26.0 x86_64", "failed")]) == "1.27.0"
    assert lowest_that_holds([*tried, verdict("onnxruntime==1.26.0", "not run")]) == "1.27.0"
    assert lowest_that_holds([]) is None
