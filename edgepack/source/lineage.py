"""Where a model comes from, as JSON: the registry's entry, the logged model, the run, and a digest of every file.

The lineage of a source is one dictionary; what does not apply is None:

- `uri`: the MODEL string, without credentials.
- `model`: the registered version: `name`, `version`, `aliases`, `tags`, `description`, `status`, `run_id`, `created`.
- `logged_model`: `model_id`, `name`, `status`, `created`, `params`, `tags`, `metrics` (with their datasets).
- `run`: `run_id`, `name`, `experiment`, `status`, `lifecycle_stage`, `started`, `ended`, `entry_point`, `git`,
  `params`, `metrics`, `tags`, `datasets` (name, MLflow's digest, source type, context).
- `user`: who trained it, apart from the rest so that it can be left out.
- `training`: what the files say: versions, flavours, serialization format, requirements.
- `artifacts`: `tree_sha256` and `files`, each with `sha256` and `size_bytes`.
- `warnings`: what does not add up, one sentence each.

Times are ISO 8601 in UTC; metrics that are no finite number are text (`"nan"`, `"inf"`). Paths of the training machine
are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.source.digests import digest_tree
from edgepack.source.mlmodel import ModelDescription
from edgepack.source.tracking import without_credentials

if TYPE_CHECKING:
    from mlflow import MlflowClient


def describe_registry(client: MlflowClient, *, version: Any, logged_model: Any, run_id: str | None) -> dict[str, Any]:
    """The keys `model`, `logged_model`, `run`, `user` and `warnings`, as the tracking store and registry know them.

    A run that is gone does not stop an export: it is a warning, for the registered model outlives its run.
    """
    from mlflow.exceptions import MlflowException

    run, experiment, warnings = None, None, []
    if run_id is None:
        warnings.append("the model names no training run")
    else:
        try:
            run = client.get_run(run_id)
            experiment = client.get_experiment(run.info.experiment_id).name
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "PERMISSION_DENIED"):
                raise
            warnings.append(f"the training run {run_id} cannot be read: {error.error_code}")
        if run is not None and run.info.lifecycle_stage == "deleted":
            warnings.append(f"the training run {run_id} was deleted")
    return {
        "model": _describe_version(version) if version else None,
        "logged_model": _describe_logged_model(logged_model) if logged_model else None,
        "run": _describe_run(run, experiment) if run else None,
        "user": (run.data.tags.get("mlflow.user") or run.info.user_id or None) if run else None,
        "warnings": warnings,
    }


def describe_files(
    uri: str,
    folder: Path,
    description: ModelDescription,
    files: Mapping[str, Mapping[str, str | int]],
    registry: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The whole lineage: what the registry says (None for a local folder) and what the files themselves say."""
    known = registry or {"model": None, "logged_model": None, "run": None, "user": None, "warnings": []}
    requirements = folder / "requirements.txt"
    return {
        "uri": without_credentials(uri),
        **{key: known[key] for key in ("model", "logged_model", "run", "user")},
        "training": {
            "run_id": description.run_id,
            "model_id": description.model_id,
            "created": description.created,
            "python_version": description.python_version,
            "sklearn_version": description.sklearn_version,
            "mlflow_version": description.mlflow_version,
            "flavors": sorted(description.flavors),
            "serialization_format": description.sklearn.get("serialization_format"),
            "requirements": _lines(requirements) if "requirements.txt" in files else [],
        },
        "artifacts": {"tree_sha256": digest_tree(files), "files": files},
        "warnings": [*known["warnings"], *(_disagreements(description, known) if registry else ())],
    }


def _disagreements(description: ModelDescription, known: Mapping[str, Any]) -> Iterable[str]:
    """The registry and the files each name a run and a logged model: whoever swaps files rarely thinks of both."""
    for key, parts, claimed in (
        ("run_id", ("model", "run"), description.run_id),
        ("model_id", ("logged_model",), description.model_id),
    ):
        recorded = next((known[part][key] for part in parts if known[part] and known[part][key]), None)
        if recorded and claimed != recorded:
            yield f"the files say {key} {claimed}, MLflow says {recorded}"


def _describe_version(version: Any) -> dict[str, Any]:
    return {
        "name": version.name,
        "version": int(version.version),
        "aliases": sorted(version.aliases),
        "tags": dict(version.tags),
        "description": version.description or None,
        "status": version.status,
        "run_id": version.run_id or None,
        "created": _time(version.creation_timestamp),
    }


def _describe_logged_model(model: Any) -> dict[str, Any]:
    return {
        "model_id": model.model_id,
        "name": model.name,
        "status": str(model.status),
        "created": _time(model.creation_timestamp),
        "params": dict(model.params or {}),
        "tags": _own_tags(model.tags or {}),
        "metrics": [
            {
                "name": metric.key,
                "value": _number(metric.value),
                "dataset": metric.dataset_name,
                "dataset_digest": metric.dataset_digest,
            }
            for metric in model.metrics or ()
        ],
    }


def _describe_run(run: Any, experiment: str | None) -> dict[str, Any]:
    tags = run.data.tags
    source = tags.get("mlflow.source.name")
    repository = tags.get("mlflow.source.git.repoURL")
    git = {
        "commit": tags.get("mlflow.source.git.commit"),
        "branch": tags.get("mlflow.source.git.branch"),
        "repository": without_credentials(repository) if repository else None,
    }
    return {
        "run_id": run.info.run_id,
        "name": run.info.run_name,
        "experiment": {"id": run.info.experiment_id, "name": experiment},
        "status": run.info.status,
        "lifecycle_stage": run.info.lifecycle_stage,
        "started": _time(run.info.start_time),
        "ended": _time(run.info.end_time),
        "entry_point": (without_credentials(source) if "://" in source else Path(source).name) if source else None,
        "git": git if any(git.values()) else None,
        "params": dict(run.data.params),
        "metrics": {name: _number(value) for name, value in run.data.metrics.items()},
        "tags": _own_tags(tags),
        "datasets": [
            {
                "name": used.dataset.name,
                "digest": used.dataset.digest,
                "source_type": used.dataset.source_type,
                "context": next((tag.value for tag in used.tags if tag.key == "mlflow.data.context"), None),
            }
            for used in (run.inputs.dataset_inputs if run.inputs else ())
        ],
    }


def _own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if not name.startswith("mlflow.")}


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else str(value)


def _time(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
