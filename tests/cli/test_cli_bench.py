from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgepack.bundle.files import MANIFEST, measure
from edgepack.coldstart import cold_start
from edgepack.errors import EdgepackError


def test_a_fresh_process_answers_later_than_a_warm_one(edgepack: Callable[..., Any], bundle: Path) -> None:
    done = edgepack("bench", bundle, "--repeats", "5", "--json")
    assert done.code == 0, done.err
    assert done.json()["manifest_sha256"] == measure(bundle, MANIFEST).sha256
    onnx = next(arm for arm in done.json()["arms"] if arm["name"] == "onnx")
    cold = onnx["cold"]
    assert cold["answer_ms"] > cold["load_ms"] + cold["first_call_us"] / 1e3 > 0
    assert cold["load_ms"] > onnx["load_ms"]  # the runtime's imports are in it


def test_an_artifact_without_a_first_answer_says_why(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(EdgepackError, match="none: no first answer, KeyError: 'none'"):
        cold_start(bundle, "none")
    with pytest.raises(EdgepackError, match=r"onnx: no first answer, .*manifest"):
        cold_start(tmp_path, "onnx")


def test_instructions_without_headers_are_a_mistake(edgepack: Callable[..., Any], bundle: Path) -> None:
    done = edgepack("bench", bundle, "--instructions")
    assert done.code == 2
    assert "--instructions: counted through the C API alone; give --native HEADERS too" in done.err
