"""The machinery of `make runtime`, with this Python as the foreign runtime: it must be able to fail."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgepack.contract import OutputComparison, Verdict
from edgepack.environments import InstallFailed, call
from edgepack_onnx.runner import OnnxRunner
from runtime_tests import session
from runtime_tests.__main__ import judge
from runtime_tests.results import Results, differences, read_cells
from runtime_tests.runtimes import SERVE, Missing, table
from runtime_tests.session import Process, Remote, RuntimeFailed, Timed, packed, unpacked
from runtime_tests.zoo import COREML, NEWEST, Animal, animals


@pytest.fixture(scope="module")
def remote() -> Iterator[Process]:
    process = Process([sys.executable, str(SERVE / "serve.py")])
    yield process
    process.close()


@pytest.fixture(scope="module")
def animal(tmp_path_factory: pytest.TempPathFactory) -> Animal:
    (found,) = animals(tmp_path_factory.mktemp("zoo"), only="DecisionTreeClassifier behind")
    return found


def judged(animal: Animal, remote: Remote) -> Verdict:
    return judge(animal, {"here": remote}, {"here": NEWEST})["here"]


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
    verdict = judged(animal, remote)
    assert verdict.status == "measured" and verdict.label_changes == verdict.tied_rows
    assert verdict.rows > 200
    assert verdict.runtime == OnnxRunner.load(Path(animal.paths[NEWEST]), animal.interface).runtime


def test_a_changed_artifact_fails(remote: Process, animal: Animal, tmp_path: Path) -> None:
    model = onnx.load(animal.paths[NEWEST])
    ensemble = next(node for node in model.graph.node if node.op_type.startswith("TreeEnsemble"))
    splits = next(a for a in ensemble.attribute if a.name in ("nodes_splits", "nodes_values"))
    moved = np.nextafter(onnx.numpy_helper.to_array(splits.t), np.inf)
    splits.t.CopyFrom(onnx.numpy_helper.from_array(np.where(moved == np.floor(moved), moved + 1, moved + 1e-3)))
    onnx.save(model, tmp_path / "moved.onnx")
    verdict = judged(replace(animal, paths={NEWEST: tmp_path / "moved.onnx"}), remote)
    results = Results(spoke={"here": "x"}, verdicts={"moved": {"here": verdict}})
    assert verdict.status == "failed" and results.failed
    assert "**failed**" in results.to_markdown()


def test_what_does_not_load_has_failed_and_the_runtime_lives_on(
    remote: Process, animal: Animal, tmp_path: Path
) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    verdict = judged(replace(animal, paths={NEWEST: tmp_path / "broken.onnx"}), remote)
    assert (verdict.status, verdict.passed) == ("failed", False)
    assert judged(animal, remote).passed


def test_what_cannot_be_written_for_a_runtime_is_refused_there(remote: Process, animal: Animal) -> None:
    results = Results(
        spoke={"here": "x 1.0"},
        verdicts={"tree": {"here": judged(replace(animal, paths={NEWEST: "too old"}), remote)}},
    )
    assert "| refused |" in results.to_markdown() and not results.failed
    assert results.summary() == ["here (x 1.0): 0 of 0 pass; 1 cannot be written for it"]


def test_a_runtime_that_does_not_start_says_its_last_line() -> None:
    with pytest.raises(RuntimeFailed, match="no such thing"):
        Process([sys.executable, "-c", "raise SystemExit('no such thing')"])
    with pytest.raises(RuntimeFailed, match="does not start"):
        Process(["/nowhere/python"])


def test_a_runtime_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "ANSWER_S", 0.2)
    with pytest.raises(RuntimeFailed, match=r"no answer within 0\.2 s"):
        Process([sys.executable, "-c", "import time; time.sleep(600)"])


def test_a_runtime_that_takes_too_long_in_all_fails(remote: Process, animal: Animal) -> None:
    verdict = judged(animal, Timed(remote, limit_s=0.0))
    assert verdict.status == "failed" and "its 0 s are up" in verdict.reason


# the committed table


def measured(error: float, status: str = "measured") -> Verdict:
    output = OutputComparison(
        output="value",
        measure="relative",
        tolerance=1.0,
        smallest_passing_tolerance=error,
        max_abs_error=error,
        p50_abs_error=0.0,
        p99_abs_error=0.0,
        rows_over_tolerance=0,
    )
    shown: Any = status
    return Verdict(target="node", runtime="x", status=shown, reason="r", rows=3, outputs=(output,))


GOLDEN = Results(
    spoke={"node": "x 1.0", "same": "y 1.0", "old": "x 0.1"},
    verdicts={
        "Ridge": {"node": measured(2e-10), "same": measured(0), "old": measured(0)},
        "Tree": {"node": measured(0), "same": measured(0), "old": measured(0, "not run")},
    },
    skipped={"web": "no Chromium"},
)


FORMS = {"node": "1.21", "same": "1.21", "old": "1.15"}


def changed(**rows: dict[str, Verdict]) -> list[str]:
    run = replace(GOLDEN, verdicts={**GOLDEN.verdicts, **rows})
    return list(differences(run, GOLDEN.to_markdown(), FORMS))


def test_a_run_is_as_its_own_table() -> None:
    text = GOLDEN.to_markdown()
    assert "- node (x 1.0): 2 of 2 pass" in text and "- web: SKIPPED, no Chromium" in text
    assert read_cells(text) == {
        "Ridge": {"node": "2e-10", "same": "0", "old": "0"},
        "Tree": {"node": "0", "same": "0", "old": "refused"},
    }
    assert changed() == []


@pytest.mark.parametrize(
    ("runtime", "verdict", "says"),
    [
        ("node", measured(2e-9), []),
        ("node", measured(3e-9), ["3e-09, in the table 2e-10"]),
        ("node", measured(0, "failed"), ["**failed**: r, in the table 2e-10"]),
        ("same", measured(2e-9), []),  # the last bits of another processor
        ("old", measured(1e-12), []),
        ("old", measured(2e-12), ["2e-12, in the table 0"]),
        ("old", measured(0, "not run"), ["refused, in the table 0"]),
    ],
)
def test_what_is_not_as_in_the_table_is_told(runtime: str, verdict: Verdict, says: list[str]) -> None:
    row = {**GOLDEN.verdicts["Ridge"], runtime: verdict}
    assert changed(Ridge=row) == [f"Ridge on {runtime}: {line}" for line in says]


def test_what_the_table_does_not_know_is_told() -> None:
    text = GOLDEN.to_markdown()
    without = "\n".join(line for line in text.splitlines() if "Tree" not in line)
    assert list(differences(GOLDEN, without, FORMS)) == ["Tree: not in the table"]
    row = {"node": measured(0), "new": measured(0), "web": measured(1.0)}
    run = Results(spoke=dict.fromkeys(row, "x"), verdicts={"Ridge": row})
    assert list(differences(run, text, FORMS)) == ["new: not in the table", "Tree: gone"]
    assert list(differences(run, text, FORMS, part="Rid")) == ["new: not in the table"]
    with pytest.raises(ValueError, match="no table"):
        read_cells("nothing")
    assert list(differences(Results(skipped={"node": "no Node.js"}), text, FORMS)) == []


def test_core_ml_is_asked_through_its_own_runner(animal: Animal, tmp_path: Path) -> None:
    """Here by the evaluator; on a Mac by Apple's framework, which alone `make runtime-coreml` opens."""
    (written,) = animals(tmp_path, forms=[COREML], only="DecisionTreeClassifier behind")
    verdict = judge(written, {"coreml": None}, {"coreml": COREML})["coreml"]
    assert verdict.passed and verdict.runtime.startswith("Core ML")
    if sys.platform != "darwin":
        with pytest.raises(Missing, match="on macOS alone"), table()["coreml"].open():
            pass


def test_what_cannot_be_installed_is_missing_and_names_no_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho 'Failed to fetch: (http://host.example:99/simple/numpy/)' >&2\nexit 1\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    told = r"1\.21\.1: cannot be installed \(Failed to fetch: \(the registry\)\)"
    with pytest.raises(Missing, match=told), table()["ort-1.21.1"].open():
        pass


def test_a_time_for_an_installer_ends_all_that_it_started(tmp_path: Path) -> None:
    """A grandchild that holds the pipe would keep its parent's caller waiting."""
    with pytest.raises(InstallFailed, match=r"sh took more than 0\.5 s"):
        call(["sh", "-c", "sleep 600 & sleep 600"], tmp_path, within_s=0.5)
