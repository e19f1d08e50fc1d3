"""From a model's bytes to an estimator, by way of a worker."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edgepack.errors import SourceError
from edgepack.lowerings import taught_names
from edgepack.source.digests import read_recorded
from edgepack.source.isolated.environment import REQUIREMENTS, interpreter_of, pinned
from edgepack.source.isolated.rebuild import rebuild
from edgepack.source.isolated.worker import Answering, Refusal, Worker
from edgepack.source.mlmodel import ModelDescription
from edgepack.source.model import Source
from edgepack.source.trust import TRUSTED_TYPES


def start_worker(source: Source, description: ModelDescription, *, recorded: bool, into: Path) -> Worker:
    """What will read the model and answer for it. It is still starting: other things can be done meanwhile.

    Args:
        recorded: in the environment that the model recorded; else by this interpreter.
        into: where the worker gets a folder.

    Raises:
        SourceError: there is no such environment.
    """
    python = _interpreter(source, description) if recorded else Path(sys.executable)
    return Worker(python, into, source.folder / "code")


def read_estimator(worker: Worker, content: bytes, form: str) -> tuple[Any, Answering]:
    """The estimator rebuilt from a model's file, and what answers for the original.

    Args:
        form: how to read it: `pickle`, `joblib` or `skops`.

    Raises:
        SourceError: a model that cannot be read there or rebuilt here.
    """
    trusted = TRUSTED_TYPES | taught_names()
    try:
        table, tensors, version = worker.read(content, form, trusted)
    except Refusal as error:
        raise SourceError(f"the model file cannot be read ({error}); log the model again") from error
    return rebuild(table, tensors, version, trusted), Answering(worker=worker, sklearn_version=version)


def _interpreter(source: Source, description: ModelDescription) -> Path:
    if description.sklearn_version is None:
        raise SourceError("does not say which scikit-learn saved it; log the model again, or give --env current")
    files = source.lineage["artifacts"]["files"]
    listed = (source.folder / REQUIREMENTS).is_file()
    text = read_recorded(source.folder, REQUIREMENTS, files).decode("utf-8", "replace") if listed else ""
    return interpreter_of(pinned(text, description.sklearn_version), description.python_version)
