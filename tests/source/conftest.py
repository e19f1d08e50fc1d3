"""Model folders written by hand (fast), and one real MLflow registry for the whole session (slow to start)."""

import json
import math
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
import skops.io
import yaml
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from edgepack.source import Source, resolve

TREE = "sklearn.tree._tree.Tree"


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Source]:
    """Writes a model folder as MLflow would, with the estimator as skops unless `content` is given; resolves it."""

    def write(estimator: Any = None, *, content: bytes | None = None, example: Any = None, **changes: Any) -> Source:
        folder = tmp_path / "model"
        folder.mkdir()
        flavor = {
            "pickled_model": "model.skops",
            "serialization_format": "skops",
            "sklearn_version": sklearn.__version__,
        }
        description: dict[str, Any] = {
            "flavors": {"sklearn": flavor | changes.pop("flavor", {}), "python_function": {"python_version": "3.11.7"}},
            "mlflow_version": "3.17.2",
            **changes,
        }
        if example is not None:
            (folder / "input_example.json").write_text(json.dumps(example))
        (folder / "MLmodel").write_text(yaml.safe_dump(description))
        name = Path(str(flavor["pickled_model"])).name
        (folder / name).write_bytes(skops.io.dumps(estimator) if content is None else content)
        return resolve(str(folder), tmp_path)

    return write


@pytest.fixture
def rewrite(tmp_path: Path) -> Callable[[bytes, Callable[[str], str]], bytes]:
    """A skops file with its schema's text changed, as somebody with a zip tool would."""

    def change(content: bytes, edit: Callable[[str], str]) -> bytes:
        before, after = tmp_path / "before.zip", tmp_path / "after.zip"
        before.write_bytes(content)
        with zipfile.ZipFile(before) as old, zipfile.ZipFile(after, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                new.writestr(name, edit(data.decode()) if name == "schema.json" else data)
        return after.read_bytes()

    return change


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """`wine` 1 (@champion, @stable) is whole; 2's run was deleted; 3's files are gone; 4 holds a link; 5 failed to
    register; 6 is an MLflow 2 model among its run's artifacts, whose MLmodel names another run."""

    uri: str
    run_id: str
    model_id: str
    deleted_run_id: str
    legacy_run_id: str
    client: Any


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    import mlflow

    root = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{root}/mlflow.db"
    client = mlflow.MlflowClient(tracking_uri=uri)
    rows = np.random.default_rng(0).normal(size=(40, 3))
    mlflow.set_tracking_uri(uri)
    try:
        mlflow.create_experiment("wine", artifact_location=(root / "files").as_uri())
        mlflow.set_experiment("wine")

        def log(estimator: Any, **more: Any) -> tuple[str, Any]:
            with mlflow.start_run() as run:
                info = mlflow.sklearn.log_model(
                    estimator, name="model", pip_requirements=["scikit-learn"], skops_trusted_types=[TREE], **more
                )
                return run.info.run_id, info

        forest = RandomForestClassifier(3, random_state=0).fit(rows, rows[:, 0] > 0)
        run_id, info = log(forest, input_example=rows[:2])
        _describe_run(client, run_id)
        client.create_registered_model("wine")
        _register(client, info, run_id, tags={"stage": "gold"})
        client.set_registered_model_alias("wine", "stable", "1")
        client.set_registered_model_alias("wine", "champion", "1")

        small = LogisticRegression().fit(rows, rows[:, 0] > 0)
        deleted_run_id, deleted = log(small)
        _register(client, deleted, deleted_run_id)
        client.delete_run(deleted_run_id)

        client.create_model_version("wine", (root / "gone").as_uri(), run_id)
        shutil.copytree(_folder(client, deleted), root / "linked")
        (root / "linked" / "notes.txt").symlink_to("/etc/hostname")
        client.create_model_version("wine", (root / "linked").as_uri(), run_id)

        legacy_run_id = client.create_run(client.get_experiment_by_name("wine").experiment_id).info.run_id
        client.log_artifacts(legacy_run_id, str(_folder(client, info)), "old/classifier")
        failed = _register(client, info, run_id)
        _fail(root / "mlflow.db", failed.version)
        client.create_model_version(
            "wine", f"{client.get_run(legacy_run_id).info.artifact_uri}/old/classifier", legacy_run_id
        )
    finally:
        mlflow.set_tracking_uri(None)
    yield Registry(
        uri=uri,
        run_id=run_id,
        model_id=info.model_id,
        deleted_run_id=deleted_run_id,
        legacy_run_id=legacy_run_id,
        client=client,
    )


def _register(client: Any, info: Any, run_id: str, tags: dict[str, str] | None = None) -> Any:
    return client.create_model_version("wine", f"models:/{info.model_id}", run_id, tags=tags)


def _folder(client: Any, info: Any) -> Path:
    return Path(client.get_logged_model(info.model_id).artifact_location.removeprefix("file://"))


def _fail(database: Path, version: str) -> None:
    import sqlite3

    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE model_versions SET status = 'FAILED_REGISTRATION' WHERE version = ?", [version])
    connection.close()


def _describe_run(client: Any, run_id: str) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    client.log_param(run_id, "trees", 3)
    client.log_metric(run_id, "accuracy", 0.9)
    client.log_metric(run_id, "ratio", math.nan)
    for name, value in {
        "team": "cellar",
        "mlflow.user": "ann",
        "mlflow.source.name": "/somewhere/ann/work/train.py",
        "mlflow.source.git.commit": "c0ffee",
        "mlflow.source.git.repoURL": "https://ann:hunter2@example.org/wine.git",
    }.items():
        client.set_tag(run_id, name, value)
    dataset = Dataset(
        name="bottles", digest="8e9f9e5c", source_type="local", source='{"uri": "/somewhere/ann/wine.csv"}'
    )
    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
