"""Against a live `mlflow server` over HTTP with proxied artifacts: model → bundle → run, and what the server forbids.

With basic auth where Flask-WTF is installed (`pip install "mlflow[auth]"`); elsewhere the tests of it say that they did
not run.
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from sklearn.linear_model import LogisticRegression

from edgepack.errors import SourceError
from edgepack.source import load, resolve
from edgepack.source.online import compare_online
from edgepack.source.register import register_bundle

pytestmark = [pytest.mark.serve, pytest.mark.conformance]

HAS_AUTH = importlib.util.find_spec("flask_wtf") is not None
USER, PASSWORD = "admin", "a-long-password"


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """A server that holds `wine` 1."""

    uri: str
    run_id: str


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    root = tmp_path_factory.mktemp("live")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (root / "auth.ini").write_text(
        f"[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{root}/auth.db\nadmin_username = {USER}\n"
        f"admin_password = {PASSWORD}\nauthorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    store = f"sqlite:///{root}/mlflow.db"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
        "--backend-store-uri", store, "--serve-artifacts", "--artifacts-destination", str(root / "artifacts"),
    ]  # fmt: skip
    settings = {"MLFLOW_AUTH_CONFIG_PATH": str(root / "auth.ini"), "MLFLOW_FLASK_SERVER_SECRET_KEY": "for tests"}
    environment = {**os.environ, **settings, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with pytest.MonkeyPatch.context() as patch, (root / "log").open("wb") as log:
        patch.setenv("MLFLOW_TRACKING_USERNAME", USER)
        patch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
        server = subprocess.Popen(
            [*command, *(("--app-name", "basic-auth") if HAS_AUTH else ())],
            cwd=root, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            uri = f"http://127.0.0.1:{port}"
            _wait(uri, server, root / "log")
            yield Live(uri=uri, run_id=_register_wine(uri))
        finally:
            os.killpg(server.pid, 15)
            server.wait()


def _wait(uri: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            if requests.get(f"{uri}/health", timeout=1).ok:
                return
        except requests.RequestException:
            time.sleep(0.1)
        assert server.poll() is None, log.read_text()
    raise AssertionError(log.read_text())


def _register_wine(uri: str) -> str:
    import mlflow

    rows = np.random.default_rng(0).normal(size=(40, 3))
    mlflow.set_tracking_uri(uri)
    try:
        with mlflow.start_run() as run:
            mlflow.sklearn.log_model(
                LogisticRegression().fit(rows, rows[:, 0] > 0),
                name="model",
                registered_model_name="wine",
                pip_requirements=["scikit-learn"],
                input_example=rows[:2],
            )
            return run.info.run_id
    finally:
        mlflow.set_tracking_uri(None)


def test_a_model_comes_and_its_bundle_goes_back_to_its_run(live: Live, tmp_path: Path) -> None:
    source = resolve("models:/wine/1", tmp_path, tracking_uri=live.uri)
    assert load(source).estimator.predict([[1.0, 0.0, 0.0]]).shape == (1,)
    assert source.lineage["run"]["run_id"] == live.run_id
    bundle = tmp_path / "wine-1"
    (bundle / "onnx").mkdir(parents=True)
    (bundle / "manifest.json").write_bytes(b"{}")
    (bundle / "onnx" / "model.onnx").write_bytes(bytes(range(256)) * 999)

    place = register_bundle(source, bundle, {"edgepack.bundle_sha256": "ab" * 32}, tracking_uri=live.uri)

    import mlflow

    client = mlflow.MlflowClient(tracking_uri=live.uri)
    assert client.get_model_version("wine", "1").tags["edgepack.bundle_sha256"] == "ab" * 32
    back = Path(client.download_artifacts(live.run_id, place, str(tmp_path)))
    for name in ("manifest.json", "onnx/model.onnx"):
        assert (back / name).read_bytes() == (bundle / name).read_bytes()
    assert compare_online("models:/wine/1", source.lineage, tracking_uri=live.uri) == []


def test_a_wrong_password_is_one_line(live: Live, tmp_path: Path, monkeypatch: Any) -> None:
    if not HAS_AUTH:
        pytest.skip("Flask-WTF is not installed: basic auth was NOT tested")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    with pytest.raises(SourceError, match=r"MLflow says: .*401") as told:
        resolve("models:/wine/1", tmp_path, tracking_uri=live.uri)
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_who_may_not_write_registers_nothing(live: Live, tmp_path: Path, monkeypatch: Any) -> None:
    if not HAS_AUTH:
        pytest.skip("Flask-WTF is not installed: basic auth was NOT tested")
    import mlflow

    reader = {"username": "reader", "password": "another-long-password"}
    answer = requests.post(f"{live.uri}/api/2.0/mlflow/users/create", json=reader, auth=(USER, PASSWORD), timeout=10)
    assert answer.ok, answer.text
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", reader["username"])
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", reader["password"])
    source = resolve("models:/wine/1", tmp_path / "down", tracking_uri=live.uri)
    bundle = tmp_path / "wine-1"
    bundle.mkdir()
    (bundle / "manifest.json").write_bytes(b"{}")
    with pytest.raises(SourceError) as told:
        register_bundle(source, bundle, {"edgepack.of_a_reader": "x"}, tracking_uri=live.uri)
    assert "\n" not in str(told.value)
    assert "403" in str(told.value) or "ermission" in str(told.value)
    assert "edgepack.of_a_reader" not in mlflow.MlflowClient(live.uri).get_model_version("wine", "1").tags
