"""Smaller artifacts from the command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def test_a_quantized_bundle_says_what_was_done_and_passes_again(edgepack: Any, tmp_path: Path) -> None:
    words = ("--target", "onnx", "--target", "coreml", "--quantize", "int4", "--data", "rows.csv", "--rows", 500)
    done = edgepack("export", "models:/trips/1", *words, "--out", tmp_path)
    assert done.code == 0, done.err
    assert "Quantization, on 20 rows (data)" in done.out
    told = edgepack("inspect", tmp_path / "trips-1", "--json").json()["quantization"]
    assert (told["asked"], told["method"], told["packed"]) == ("int4", "int4", True)
    (leaves,) = [part for part in told["parts"] if part["kind"] == "leaves"]
    assert leaves["distinct_after"] <= 16 < leaves["distinct_before"]
    before, after = (tried["sizes"] for tried in told["tries"])
    assert told["before"] == before
    assert "Bytes (compressed) by section" in done.out
    for target in ("onnx", "coreml"):
        assert after[target]["size_bytes"] < before[target]["size_bytes"]
        for size in (before[target], after[target]):
            assert sum(section["size_bytes"] for section in size["sections"].values()) == size["size_bytes"]
    again = edgepack("parity", tmp_path / "trips-1", "--rows", 500)
    assert again.code == 0, again.err


def test_auto_takes_the_smallest_within_the_budget(edgepack: Any, tmp_path: Path) -> None:
    words = ("--quantize", "auto", "--data", "rows.csv", "--rows", 500, "--json")
    fine = edgepack("export", "models:/trips/1", *words, "--max-abs-error", "1e-3", "--out", tmp_path / "fine")
    rough = edgepack("export", "models:/trips/1", *words, "--max-abs-error", "0.5", "--out", tmp_path / "rough")
    assert (fine.code, rough.code) == (0, 0), fine.err + rough.err
    for done, most in ((fine, 1e-3), (rough, 0.5)):
        told = done.json()["quantization"]
        chosen = next(t for t in told["tries"] if t["method"] == told["method"])
        assert not chosen["over_budget"]
        assert told["effect"]["max_abs_error"] <= most
        within = [t["sizes"]["onnx"]["size_bytes"] for t in told["tries"] if not t["over_budget"]]
        assert chosen["sizes"]["onnx"]["size_bytes"] <= 1.01 * min(within)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--quantize", "int4", "--max-abs-error", "1e-9"), 7, "int4: |Δ| "),
        (("--quantize", "int4", "--max-label-change", "lots"), 2, "lots: is no share; write for example 0.1% or 0.001"),
        (("--quantize", "auto", "--max-metric-drop", "fast"), 2, "fast: is no metric and drop; write for example"),
        (("--quantize", "auto", "--max-metric-drop", "r2:1%", "--label-column", "wage"), 2, "wage: no such column"),
        (("--quantize", "w8a8"), 7, "w8a8: 0 of 2 tables; kept: table of RandomForestClassifier (6 numbers: too few)"),
        (("--quantize", "int8", "--calibration", "rows.csv"), 2, "--calibration without activations to quantize; add"),
        (("--max-abs-error", "0.1"), 2, "a budget without --quantize; add for example --quantize auto"),
    ],
)
def test_what_a_budget_does_not_allow_is_one_line(
    edgepack: Any, tmp_path: Path, words: tuple[str, ...], code: int, says: str
) -> None:
    done = edgepack("export", "models:/trips/1", *words, "--data", "rows.csv", "--rows", 500, "--out", tmp_path / "out")
    assert done.code == code
    assert done.err.startswith(f"edgepack: {says}")
    assert done.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_method_that_finds_nothing_ends_with_7_unless_that_is_fine(edgepack: Any, tmp_path: Path) -> None:
    words = ("--quantize", "int8", "--rows", 500, "--out", tmp_path / "out")
    done = edgepack("export", "models:/trips/1", *words)
    assert done.code == 7
    assert "int8: 0 of 2 tables; kept: table of RandomForestClassifier (6 numbers: too few), leaves" in done.err
    assert done.err.endswith("leave --quantize out, or pass --allow-noop\n")
    assert edgepack("export", "models:/trips/1", *words, "--allow-noop").code == 0


def test_activations_are_quantized_by_what_calibration_rows_show(edgepack: Any, tmp_path: Path) -> None:
    words = ("models:/net/1", "--rows", 500, "--json", "--out", tmp_path)
    given = edgepack("export", *words, "--quantize", "w8a8", "--calibration", "rows.csv")
    assert given.code == 0, given.err
    told = given.json()["quantization"]
    assert [part["kind"] for part in told["parts"] if not part["kept"]] == ["weights and activations"] * 2
    assert (told["calibration"]["rows"], told["calibration"]["origin"]) == (20, "calibration")
    again = edgepack("parity", tmp_path / "net-1", "--rows", 500)
    assert again.code == 0, again.err
    tried = edgepack("export", *words, "--quantize", "auto", "--overwrite")
    assert tried.code == 0, tried.err
    less = tried.json()["quantization"]
    assert [t["method"] for t in less["tries"]] == ["none", "fp16", "int8", "int4", "w8a8"]
    assert (less["calibration"]["rows"], less["calibration"]["origin"]) == (12, "input example")
    assert told["calibration"]["ranges"] != less["calibration"]["ranges"]
