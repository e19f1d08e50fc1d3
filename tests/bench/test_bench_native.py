"""The C runner, with ONNX Runtime's header: `EDGEPACK_ORT_HEADERS` names its folder, or `make sdk` has fetched it."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sdk import kotlin
from zoo import classes, columns_of, table, target, usual

from edgepack.bench import bench
from edgepack.bench.native import NativeRunner, packed
from edgepack.compiler import compile_estimator
from edgepack.contract import EmitOptions
from edgepack.errors import EdgepackError, UsageError
from edgepack_onnx.runner import OnnxRunner
from edgepack_onnx.target import OnnxTarget

HEADERS = Path(os.environ.get("EDGEPACK_ORT_HEADERS") or kotlin.FOLDER / "aar" / "headers")
needs_headers = pytest.mark.skipif(
    not (HEADERS / "onnxruntime_c_api.h").is_file() or not shutil.which("cc"),
    reason="no onnxruntime_c_api.h: EDGEPACK_ORT_HEADERS names no folder of it and `make sdk` fetched none; or no cc",
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, OnnxRunner, Any]:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    frame = table()
    forest = RandomForestClassifier(10, max_depth=5, random_state=0)
    pipeline = make_pipeline(usual(), forest).fit(frame, classes(target(frame), ["no", "yes"]))
    program = compile_estimator(pipeline, frame)
    path = OnnxTarget().emit(program, tmp_path_factory.mktemp("native"), EmitOptions()).path
    runner = OnnxRunner.load(path, program.interface)
    return path, runner, runner.feed(columns_of(frame, program.interface))


@needs_headers
def test_the_c_api_gives_the_same_bits(model: tuple[Path, OnnxRunner, Any]) -> None:
    path, runner, feed = model
    expected = runner.session.run(None, feed)[-1]
    held = np.ones(50_000_000)  # 400 MB of this process, which are not the program's
    with NativeRunner(HEADERS, path, feed) as native:
        assert 10e6 < native.peak_rss_bytes < held.nbytes / 2
        for first, size in ((0, 300), (2, 100), (7, 1), (10, 32)):
            start = first % (300 // size) * size
            assert native.answer(first, size).tolist() == expected[start : start + size].ravel().tolist()
        assert native.cold.answer_ms > native.load_ms + native.cold.first_call_us / 1e3 > 0


@needs_headers
def test_a_native_arm_takes_its_turns_and_an_unfit_one_says_why(
    model: tuple[Path, OnnxRunner, Any], tmp_path: Path
) -> None:
    path, runner, feed = model
    (tmp_path / "no.onnx").write_bytes(b"no model")
    natives = {
        "good": lambda: NativeRunner(HEADERS, path, feed),
        "bad": lambda: NativeRunner(HEADERS, tmp_path / "no.onnx", feed),
    }
    result = bench({}, table(), interface=runner.interface, natives=natives, batches=(1, 32), repeats=20)
    good, bad = result.arms
    assert [latency.calls for latency in good.latencies] == [20, 10]
    assert "C API" in good.runtime and good.peak_rss_bytes is not None
    assert bad.latencies == () and "C API stopped" in bad.reason


@needs_headers
@pytest.mark.conformance
@pytest.mark.skipif(not shutil.which("valgrind"), reason="no valgrind")
def test_instructions_are_the_same_on_every_run_and_more_for_more_trees(tmp_path: Path) -> None:
    """Most of a small forest's are the call's own: 50 trees must show above 5 all the same."""
    from sklearn.ensemble import RandomForestClassifier

    x = np.random.default_rng(0).normal(size=(300, 3))
    counts = []
    for k, trees in enumerate((5, 5, 50)):
        forest = RandomForestClassifier(trees, max_depth=5, random_state=0).fit(x, x[:, 0] > 0)
        (into := tmp_path / f"{k}").mkdir()
        program = compile_estimator(forest, x[:5])
        path = OnnxTarget().emit(program, into, EmitOptions()).path
        feed = OnnxRunner.load(path, program.interface).feed(columns_of(x, program.interface))
        with NativeRunner(HEADERS, path, feed) as native:
            counts.append(native.instructions_per_row())
    few, again, many = counts
    assert abs(few - again) < 0.002 * few
    assert many - few > 45 * 20  # at least as much for each further tree


def test_a_folder_without_headers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no onnxruntime_c_api\.h"):
        NativeRunner(tmp_path, tmp_path / "m.onnx", {})


def test_rows_are_packed_as_the_program_reads_them() -> None:
    numbers, texts = np.array([[1.5, np.nan]], np.float32), np.array([["é", ""]], object)
    expected = struct.pack("=i3i", 2, 1, 1, 2) + b"n\0" + numbers.tobytes() + struct.pack("=3i", 8, 1, 2)
    assert packed({"n": numbers, "s": texts}) == expected + b"s\0" + "é".encode() + b"\0\0"
    with pytest.raises(EdgepackError, match="NUL"):
        packed({"s": np.array([["a\0b"]], object)})
