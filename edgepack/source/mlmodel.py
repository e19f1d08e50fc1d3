"""The `MLmodel` file: MLflow's description of a model, written on the training machine and so not to be trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgepack.errors import SourceError


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """What edgepack reads out of an `MLmodel` file.

    Attributes:
        flavors: by name, as MLflow wrote them.
        signature: `{"inputs", "outputs", "params"}`, parsed (None if unsigned).
        example_info: MLflow's `saved_input_example_info` (None without an example).
        run_id, model_id, mlflow_version, created: as written, None where absent.
    """

    flavors: Mapping[str, Mapping[str, Any]]
    signature: Mapping[str, Any] | None
    example_info: Mapping[str, Any] | None
    run_id: str | None
    model_id: str | None
    mlflow_version: str | None
    created: str | None

    @property
    def sklearn(self) -> Mapping[str, Any]:
        """The scikit-learn flavour, empty where the model has none."""
        return self.flavors.get("sklearn", {})

    @property
    def sklearn_version(self) -> str | None:
        """The scikit-learn that saved the model."""
        return _text(self.sklearn.get("sklearn_version"))

    @property
    def python_version(self) -> str | None:
        """The Python that saved the model."""
        return _text(self.flavors.get("python_function", {}).get("python_version"))


def read_description(folder: Path) -> ModelDescription:
    """The parsed `MLmodel` of a model folder.

    Raises:
        SourceError: there is none, or it is not the YAML that MLflow writes.
    """
    import yaml

    path = folder / "MLmodel"
    if not path.is_file():
        raise SourceError("holds no MLmodel file; give the folder that mlflow.sklearn.save_model wrote")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        flavors = content["flavors"]
        return ModelDescription(
            flavors={str(name): dict(flavor or {}) for name, flavor in flavors.items()},
            signature=_signature(content.get("signature")),
            example_info=dict(content["saved_input_example_info"]) if content.get("saved_input_example_info") else None,
            run_id=_text(content.get("run_id")),
            model_id=_text(content.get("model_id") or content.get("model_uuid")),
            mlflow_version=_text(content.get("mlflow_version")),
            created=_text(content.get("utc_time_created")),
        )
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
        raise SourceError(f"MLmodel is not readable as MLflow's YAML ({reason}); log the model again") from error


def _signature(content: Mapping[str, str | None] | None) -> dict[str, Any] | None:
    if not content:
        return None
    return {part: json.loads(text) if text else None for part, text in content.items()}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
