from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SMALL = "[parity]\ntargets = ['onnx']\n[parity.budget.onnx]\np50_us = 1e9\nsize_bytes = {size}\n"


def test_the_policy_of_the_folder_is_the_gate_s(edgepack: Callable[..., Any], bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "edgepack.toml").write_text(SMALL.format(size=10**9))
    done = edgepack("parity", bundle, "--golden", "--json", cwd=tmp_path)
    assert done.code == 0, done.err
    assert [c["name"] for c in done.json()["checks"]] == ["required target onnx", "onnx: size_bytes", "onnx: p50_us"]


def test_over_budget_exits_with_7_and_tells_ci(
    edgepack: Callable[..., Any], bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "edgepack.toml"
    policy.write_text(SMALL.format(size=10))
    junit, markdown = tmp_path / "out" / "junit.xml", tmp_path / "summary.md"
    words = ("--policy", policy, "--junit", junit, "--markdown", markdown, "--github")
    done = edgepack("parity", bundle, "--golden", *words)
    assert done.code == 7
    assert "edgepack: onnx: size_bytes: " in done.err
    assert "::error title=edgepack budget::onnx: size_bytes: " in done.err
    assert "FAILED" in done.out
    assert 'name="edgepack policy"' in junit.read_text()
    assert "**failed**" in markdown.read_text()


def test_a_required_runtime_that_is_not_there_exits_with_5(
    edgepack: Callable[..., Any], bundle: Path, tmp_path: Path
) -> None:
    (tmp_path / "edgepack.toml").write_text("[parity]\nruntimes = ['arm64']\n")
    done = edgepack("parity", bundle, "--golden", cwd=tmp_path)
    assert done.code == 5
    assert "edgepack: required runtime arm64: not run: arm64: EDGEPACK_ARM64_PYTHON is not set" in done.err


@pytest.mark.parametrize(
    "words", [("--runtime", "arm64"), ("--server", "http://127.0.0.1:9"), ("--runtime", "arm64", "--record")]
)
def test_what_the_call_names_and_did_not_run_exits_with_5(
    edgepack: Callable[..., Any], bundle: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "trips-1"))
    done = edgepack("parity", copy, "--golden", "--json", *words)
    assert (done.code, done.json()["passed"]) == (5, False)
    assert done.err.startswith(f"edgepack: asked for {words[1]}: not run: {words[1]}")
    assert len(done.err.splitlines()) == 1
    assert (tmp_path / "trips-1.runtimes.json").is_file() == ("--record" in words)


def test_instructions_that_cannot_be_counted_are_over_budget(
    edgepack: Callable[..., Any], bundle: Path, tmp_path: Path
) -> None:
    policy = tmp_path / "edgepack.toml"
    policy.write_text("[parity.budget.onnx]\ninstructions_per_row = 1e9\n")
    done = edgepack("parity", bundle, "--golden", cwd=tmp_path)
    assert done.code == 7
    assert "edgepack: onnx: instructions_per_row: not counted: the policy names no headers" in done.err
    policy.write_text(f"[parity]\nheaders = 'nowhere'\n{policy.read_text()}")
    done = edgepack("parity", bundle, "--golden", cwd=tmp_path)
    assert done.code == 7
    assert "holds no onnxruntime_c_api.h" in done.err


def test_a_wrong_policy_exits_with_2(edgepack: Callable[..., Any], bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "edgepack.toml").write_text("[parity]\nsizes = 1\n")
    done = edgepack("parity", bundle, "--golden", cwd=tmp_path)
    assert done.code == 2
    assert done.err.startswith("edgepack: edgepack.toml: parity.sizes: not known")


def test_a_device_s_log_is_judged(edgepack: Callable[..., Any], bundle: Path, tmp_path: Path) -> None:
    rows = [line.rstrip(",") for line in (bundle / "golden.json").read_text().splitlines()[1:-1]]
    (tmp_path / "log.jsonl").write_text("\n".join(rows))
    done = edgepack("parity", bundle, "--log", tmp_path / "log.jsonl", "--json")
    assert done.code == 0, done.err
    assert done.json()["verdicts"][0]["rows"] == len(rows)
