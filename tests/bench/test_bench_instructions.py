"""Instructions per row: with a stand-in for valgrind, and with the real one where it and ONNX Runtime's header are."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgepack.bench import to_markdown
from edgepack.bench.instructions import CALLS, instructions_per_row
from edgepack.bench.result import ArmResult, BenchResult
from edgepack.errors import EdgepackError

FAKE = """#!/bin/sh
for word in "$@"; do case "$word" in --callgrind-out-file=*) out="${word#*=}";; esac; done
read -r line; [ "$line" = "0 1 64" ] || exit 3
%s
"""


def with_valgrind(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = folder / "valgrind"
    program.write_text(FAKE % script)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


@pytest.mark.parametrize("word", ["summary", "totals"])
def test_what_callgrind_counted_is_shared_among_the_calls(
    word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_valgrind(f'printf "events: Ir\\n{word}: 1280\\n" > "$out"', tmp_path, monkeypatch)
    assert instructions_per_row(["native", "library"]) == 1280 / CALLS


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 0", "counted nothing .saying nothing.; use a valgrind for this processor"),
        ('printf "totals: 0\\n" > "$out"', "counted nothing"),  # the function to be counted was not met
        ('echo "unhandled instruction" >&2; exit 1', "counted nothing .unhandled instruction."),
        ('printf "totals: 99\\n" > "$out"; exit 1', "counted nothing"),
    ],
)
def test_what_was_not_counted_says_why(script: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_valgrind(script, tmp_path, monkeypatch)
    with pytest.raises(EdgepackError, match=says):
        instructions_per_row(["native"])


def test_without_valgrind_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgepackError, match="valgrind: not on the PATH; install it"):
        instructions_per_row(["native"])


def test_the_table_tells_the_count_or_why_there_is_none() -> None:
    arms = (
        ArmResult(name="onnx, C API", kind="device", instructions_per_row=12_345.5),
        ArmResult(name="other", kind="device", instructions_reason="no valgrind"),
    )
    result = BenchResult(host="host", rounds=1, arms=arms)
    assert "onnx, C API: 12,346 instructions per single row (callgrind)" in to_markdown(result)
    assert "other: instructions not counted, no valgrind" in to_markdown(result)
    assert result.to_document()["arms"][0]["instructions_per_row"] == 12_345.5
