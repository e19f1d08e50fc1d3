from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture(scope="module")
def project(examples: Path) -> Path:
    return examples / "wine"


def test_project_runs_with_the_local_environment_and_registers(
    shell: Callable[..., str], client: Any, project: Path
) -> None:
    shell("mlflow", "run", str(project), "--env-manager=local", "-P", "alpha=0.5")
    (version,) = client.search_model_versions("name='wine-quality'")
    run = client.get_run(version.run_id)
    assert run.data.params == {"alpha": "0.5", "l1_ratio": "0.5"}
    # MLflow's tutorial prints these figures for the same split of the same table.
    assert run.data.metrics["rmse"] == pytest.approx(0.7931640229276851, rel=1e-12)
    assert run.data.metrics["mae"] == pytest.approx(0.6271946374319586, rel=1e-12)


def test_environment_names_the_locked_versions(project: Path) -> None:
    environment = yaml.safe_load((project / "python_env.yaml").read_text())
    lock = (project.parents[1] / "requirements.lock").read_text().splitlines()
    locked = {line.split()[0] for line in lock if "==" in line}
    assert set(environment["dependencies"]) <= locked
