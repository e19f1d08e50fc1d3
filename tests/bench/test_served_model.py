from __future__ import annotations

import json
import os
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from edgepack.bench import ServedModel, bench
from edgepack.bench import serve as serve_module
from edgepack.bench.rest import RestClient, payload
from edgepack.contract import Input, Interface
from edgepack.errors import EdgepackError, SourceError, UsageError


def test_without_the_full_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(serve_module, "distribution", absent)
    with pytest.raises(UsageError, match=r"edgepack\[serve\]"):
        ServedModel("models:/m/1")


def command_of(script: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Lets a shell script stand for the Python that would serve."""
    program = tmp_path / "server"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(serve_module.sys, "executable", str(program))


def test_a_server_that_stops_is_an_error_with_its_last_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command_of("echo loading; echo 'no such model' >&2; exit 3", monkeypatch, tmp_path)
    with (
        pytest.raises(SourceError, match="models:/m/1: its server stopped, saying: no such model"),
        ServedModel("models:/m/1"),
    ):
        pytest.fail("entered")


def test_a_server_that_is_never_ready_is_stopped_with_its_children(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pids = tmp_path / "pids"
    command_of(f"trap '' TERM; sleep 60 & echo $! $$ > {pids}; wait; sleep 60", monkeypatch, tmp_path)
    monkeypatch.setattr(serve_module, "GRACE_S", 0.2)
    with pytest.raises(SourceError, match=r"not ready after 0\.5 s"), ServedModel("m", timeout_s=0.5):
        pytest.fail("entered")
    assert pids.read_text().split()
    assert not any(is_running(int(pid)) for pid in pids.read_text().split())


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


@pytest.mark.serve
def test_a_real_model_server_answers_and_goes_away(tmp_path: Path) -> None:
    mlflow_sklearn = pytest.importorskip("mlflow.sklearn")
    rows = pd.DataFrame({"a": np.arange(20.0), "b": np.arange(20.0) ** 2})
    model = LinearRegression().fit(rows, rows.a * 2 + rows.b)
    mlflow_sklearn.save_model(
        model, tmp_path / "model", input_example=rows.head(2), serialization_format="cloudpickle", pip_requirements=[]
    )
    interface = Interface(inputs=tuple(Input(name=n, kind="number") for n in rows), outputs=("value",))
    with ServedModel(tmp_path / "model") as served:
        group = served._process.pid  # type: ignore[union-attr]
        with RestClient(served.url) as client:
            answer = json.loads(client.invoke(payload(rows.head(3))))
        assert np.allclose(answer["predictions"], model.predict(rows.head(3)))
        memory = served.peak_rss_bytes
        result = bench({}, rows, interface=interface, estimator=model, server=served.url, server_rss=memory, repeats=20)
    assert memory() is None
    assert [arm.reason for arm in result.arms] == ["", ""]
    assert result.slowest_path == result.arms[1]
    assert 30e6 < (result.arms[1].peak_rss_bytes or 0) < 5e9
    assert [spent.batch_rows for spent in result.spent] == [1, 32, 1000]
    assert not [p for p in processes() if is_running(p) and group_of(p) == group]
    with RestClient(served.url) as client, pytest.raises(EdgepackError, match="does not answer"):
        client.ping()
