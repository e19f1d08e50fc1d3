"""The machinery of `make runtime`, with this Python as the foreign runtime: it must be able to fail."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from edgepack.contract import Verdict
from edgepack_onnx.runner import OnnxRunner
from runtime_tests.__main__ import judge
from runtime_tests.results import to_markdown
from runtime_tests.runtimes import SERVE
from runtime_tests.session import Process, RuntimeFailed, packed, unpacked
from runtime_tests.zoo import Animal, animals


@pytest.fixture(scope="module")
def remote() -> Iterator[Process]:
    process = Process([sys.executable, str(SERVE / "serve.py")])
    yield process
    process.close()


@pytest.fixture(scope="module")
def animal(tmp_path_factory: pytest.TempPathFactory) -> Animal:
    (found,) = animals(tmp_path_factory.mktemp("zoo"), only="DecisionTreeClassifier behind")
    return found


@pytest.mark.parametrize(
    "array",
    [
        np.array([[1.5, np.nan, -np.inf, -0.0]], np.float32),
        np.array([2**53 + 1, -1], np.int64),
        np.array([["café", ""]], object),
        np.array([True, False]),
        np.zeros((0, 3)),
    ],
)
def test_tensors_come_back_bit_for_bit(array: np.ndarray) -> None:
    found = unpacked(packed(array))
    assert (found.shape, found.dtype) == (array.shape, array.dtype)
    assert found.tolist() == array.tolist() if array.dtype == object else found.tobytes() == array.tobytes()


def test_a_foreign_session_gives_the_servers_answers(remote: Process, animal: Animal) -> None:
    (verdict,) = judge(animal, [remote]).values()
    assert verdict.status == "measured" and verdict.label_changes == verdict.tied_rows
    assert verdict.rows > 200
    assert verdict.runtime == OnnxRunner.load(animal.path, animal.interface).runtime


def test_a_changed_artifact_fails(remote: Process, animal: Animal, tmp_path: Path) -> None:
    model = onnx.load(animal.path)
    ensemble = next(node for node in model.graph.node if node.op_type.startswith("TreeEnsemble"))
    splits = next(a for a in ensemble.attribute if a.name in ("nodes_splits", "nodes_values"))
    moved = np.nextafter(onnx.numpy_helper.to_array(splits.t), np.inf)
    splits.t.CopyFrom(onnx.numpy_helper.from_array(np.where(moved == np.floor(moved), moved + 1, moved + 1e-3)))
    onnx.save(model, tmp_path / "moved.onnx")
    other = replace(animal, path=tmp_path / "moved.onnx")
    (verdict,) = judge(other, [remote]).values()
    assert verdict.status == "failed"
    assert "**failed**" in to_markdown({"moved": {verdict.runtime: verdict}}, {})


def test_what_does_not_load_has_failed_and_the_runtime_lives_on(
    remote: Process, animal: Animal, tmp_path: Path
) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    broken = replace(animal, path=tmp_path / "broken.onnx")
    (verdict,) = judge(broken, [remote]).values()
    assert (verdict.status, verdict.passed) == ("failed", False)
    assert all(found.passed for found in judge(animal, [remote]).values())


def test_a_runtime_that_does_not_start_says_its_last_line() -> None:
    with pytest.raises(RuntimeFailed, match="no such thing"):
        Process([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_the_table_names_what_was_skipped() -> None:
    verdict = Verdict(target="x", runtime="x", status="measured", rows=3)
    text = to_markdown({"Ridge": {"x 1.0": verdict}}, {"web": "no Chromium"})
    assert "x 1.0: 1 of 1 pass" in text and "web: SKIPPED, no Chromium" in text
