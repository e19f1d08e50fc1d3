"""Each example runs as a user runs it: in a process and a folder of its own, with MLflow's default store there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Shell = Callable[..., str]


@pytest.fixture(scope="session")
def examples() -> Path:
    """Return the folder of the examples."""
    return Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the module's empty working folder."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def shell(folder: Path) -> Shell:
    """Return a function that runs a command of this environment in `folder` and gives its standard output."""
    scripts = Path(sys.executable).parent
    # Other tests may have used MLflow in this process, and it keeps its choices in the environment.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment["OMP_NUM_THREADS"] = "1"  # the other cores run other tests
    environment["PATH"] = os.pathsep.join([str(scripts), environment.get("PATH", "")])

    def run(command: str, *arguments: str) -> str:
        done = subprocess.run(
            [scripts / command, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture(scope="module")
def client(folder: Path) -> Any:
    """Return an MLflow client of the store in `folder`, without touching MLflow's global choice of store."""
    from mlflow import MlflowClient

    store = f"sqlite:///{folder / 'mlflow.db'}"
    return MlflowClient(tracking_uri=store, registry_uri=store)
