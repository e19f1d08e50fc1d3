"""What is deployed against what was exported: a server and a log that answer rightly, and with planted faults."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.seal import seal_bundle
from edgepack.compiler import compile_estimator
from edgepack.contract import EmitOptions
from edgepack.drift import log_drift, server_drift
from edgepack.errors import UsageError
from edgepack.parity import Reference, Tolerance
from edgepack.rows import columns_of

Answer = Callable[[pd.DataFrame], tuple[int, Any]]

r = np.random.default_rng(0)
FRAME = pd.DataFrame({"age": r.normal(40, 10, 200), "fare": r.normal(0, 1, 200)}).astype(np.float32).astype(float)
TREE = DecisionTreeClassifier(max_depth=4, random_state=0)
TREE.fit(FRAME, np.where(FRAME.age + FRAME.fare > 40, "yes", "no"))


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    from edgepack_onnx import target

    folder = tmp_path_factory.mktemp("drift")
    program = compile_estimator(TREE, FRAME.head())
    rows = FRAME.head(40)
    return seal_bundle(
        folder / "bundle",
        name="trips",
        version=1,
        interface=program.interface,
        uri="models:/trips/1",
        lineage={"artifacts": {"tree_sha256": "0" * 64}},
        artifacts=[target.emit(program, folder, EmitOptions())],
        columns=columns_of(rows, program.interface),
        answers={"label": TREE.predict(rows), "probabilities": TREE.predict_proba(rows)},
        verdicts=[],
        tools={},
        key=None,
    )


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """The address of a server that speaks MLflow's protocol."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._say(200, "\n")

        def do_POST(self) -> None:
            table = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["dataframe_split"]
            self._say(*answer(pd.DataFrame(table["data"], columns=table["columns"])))

        def _say(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def labels(frame: pd.DataFrame) -> tuple[int, Any]:
    return 200, {"predictions": TREE.predict(frame).tolist()}


def probabilities(frame: pd.DataFrame) -> tuple[int, Any]:
    return 200, {"predictions": TREE.predict_proba(frame).tolist()}


def in_a_table(frame: pd.DataFrame) -> tuple[int, Any]:
    return 200, {"predictions": [{"0": label} for label in TREE.predict(frame)]}


def one_other(frame: pd.DataFrame) -> tuple[int, Any]:
    found = TREE.predict(frame)
    found[3] = {"yes": "no", "no": "yes"}[found[3]]
    return 200, {"predictions": found.tolist()}


def a_bit_other(frame: pd.DataFrame) -> tuple[int, Any]:
    return 200, {"predictions": (TREE.predict_proba(frame) + 2e-6).tolist()}


def three_values(frame: pd.DataFrame) -> tuple[int, Any]:
    return 200, {"predictions": [[0.1, 0.2, 0.7]] * len(frame)}


def no_predictions(frame: pd.DataFrame) -> tuple[int, Any]:
    return 200, {"answers": []}


def too_few(frame: pd.DataFrame) -> tuple[int, Any]:
    return 200, {"predictions": ["yes"]}


def picky(frame: pd.DataFrame) -> tuple[int, Any]:
    return (400, {"message": "no such fare"}) if (frame.fare > 1).any() else labels(frame)


def refusing(frame: pd.DataFrame) -> tuple[int, Any]:
    return 400, {"message": "schema"}


def broken(frame: pd.DataFrame) -> tuple[int, Any]:
    return (500, {"message": "out of memory"}) if (frame.fare > 1).any() else labels(frame)


@pytest.mark.parametrize("answer", [labels, probabilities, in_a_table])
def test_a_server_that_answers_as_at_export_has_not_drifted(answer: Answer, bundle: Bundle) -> None:
    with serving(answer) as url:
        verdict = server_drift(bundle, url)
    assert (verdict.status, verdict.rows, verdict.refused_rows) == ("measured", 40, 0)
    assert verdict.outputs[0].smallest_passing_tolerance == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (one_other, "label: 1 of 40 rows differ"),
        (a_bit_other, "probabilities: 40 of 40 rows differ by more than 1e-06"),
        (three_values, r"answers \[3\] values a row; the exported model gives label, probabilities"),
        (no_predictions, "holds no predictions"),
        (too_few, "not one per row"),
        (refusing, "refuses every golden row: .*schema"),
        (broken, "status 500, out of memory"),
    ],
)
def test_a_server_that_answers_otherwise_has_failed(answer: Answer, reason: str, bundle: Bundle) -> None:
    with serving(answer) as url:
        verdict = server_drift(bundle, url)
    assert verdict.status == "failed"
    assert re.search(reason, verdict.reason), verdict.reason


def test_rows_that_its_signature_refuses_are_counted_alone(bundle: Bundle) -> None:
    with serving(picky) as url:
        verdict = server_drift(bundle, url)
    refused = int((FRAME.head(40).fare > 1).sum())
    assert refused
    assert (verdict.status, verdict.rows, verdict.refused_rows) == ("measured", 40 - refused, refused)


def test_a_server_that_is_not_there_is_not_run(bundle: Bundle) -> None:
    with serving(labels) as url:
        pass
    verdict = server_drift(bundle, url)
    assert (verdict.status, verdict.passed) == ("not run", False)
    assert "does not answer" in verdict.reason


def recorded(bundle: Bundle) -> list[Any]:
    return json.loads((bundle.path / "golden.json").read_text())["rows"]


def written(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_log_of_right_answers_passes_and_of_a_wrong_one_fails(bundle: Bundle, tmp_path: Path) -> None:
    rows = recorded(bundle)
    verdict = log_drift(bundle, written(tmp_path / "log.jsonl", rows))
    assert (verdict.status, verdict.rows, verdict.target) == ("measured", 40, "onnx")
    rows[7]["answers"]["label"] = {"yes": "no", "no": "yes"}[rows[7]["answers"]["label"]]
    verdict = log_drift(bundle, written(tmp_path / "log.jsonl", rows))
    assert (verdict.status, verdict.label_changes) == ("failed", 1)


def test_a_log_is_held_to_what_the_artifacts_arithmetic_warrants(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone's float16 rounds elsewhere than this machine's; what a caller asks for stands."""
    from edgepack import recheck

    rows = recorded(bundle)
    for row in rows:
        first, *others = row["answers"]["probabilities"]
        row["answers"]["probabilities"] = [first + 1e-3, *others]
    log = written(tmp_path / "log.jsonl", rows)
    assert log_drift(bundle, log).status == "failed"
    (own,) = recheck.runners(bundle).values()
    half = SimpleNamespace(runtime="halves", run=own.run, tolerance={"probabilities": 1e-2})  # type: ignore[union-attr]
    monkeypatch.setattr(recheck, "runners", lambda _bundle: {"coreml": half})
    assert log_drift(bundle, log).status == "measured"
    assert log_drift(bundle, log, tolerance=Tolerance()).status == "failed"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "has no lines"),
        ("{", "line 1"),
        ('{"inputs": {}}', r"rows\[0\]: not one of inputs and answers"),
        ('{"inputs": {"age": 1}, "answers": {}}', r"rows\[0\]\.inputs\.fare: missing"),
    ],
)
def test_a_log_of_another_form_is_refused_with_its_place(text: str, told: str, bundle: Bundle, tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(text)
    with pytest.raises(UsageError, match=told):
        log_drift(bundle, log)
    with pytest.raises(UsageError, match="cannot be read"):
        log_drift(bundle, tmp_path / "none.jsonl")


@pytest.mark.parametrize("answer", [probabilities, a_bit_other])
def test_a_quantized_bundle_s_server_is_compared_with_the_original(
    answer: Answer, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The golden answers are those of the quantized numbers: here every probability is moved."""
    program = compile_estimator(TREE, FRAME.head())
    columns = columns_of(FRAME.head(40), program.interface)
    sealed = seal_bundle(
        tmp_path / "bundle",
        name="trips",
        version=1,
        interface=program.interface,
        uri="models:/trips/1",
        lineage={"artifacts": {"tree_sha256": "0" * 64}},
        artifacts=[replace(bundle.manifest.artifacts[0].artifact, path=bundle.path / "onnx" / "model.onnx")],
        columns=columns,
        answers={"label": TREE.predict(FRAME.head(40)), "probabilities": np.full((40, 2), 0.5)},
        verdicts=[],
        tools={},
        key=None,
    )
    quantized = replace(sealed, manifest=replace(sealed.manifest, quantization={"method": "int4"}))
    server = Reference(estimator=TREE, interface=program.interface)
    monkeypatch.setattr("edgepack.recheck.original", lambda *_, **__: SimpleNamespace(server=server))
    with serving(answer) as url:
        verdict = server_drift(quantized, url)
    assert verdict.rows == 40
    assert verdict.status == ("measured" if answer is probabilities else "failed"), verdict.reason
