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


def load_isolated(
    source: Source, description: ModelDescription, content: bytes, form: str, *, recorded: bool, into: Path
) -> tuple[Any, Answering]:
    """The estimator rebuilt, and what answers for the original.

    Args:
        content: the model's file.
        form: how to read it: `pickle`, `joblib` or `skops`.
        recorded: in the environment that the model recorded; else by this interpreter.
        into: where the worker gets a folder.

    Raises:
        SourceError: no such environment, or a model that cannot be read in it or rebuilt from it.
    """
    python = _interpreter(source, description) if recorded else Path(sys.executable)
    worker = Worker(python, into, source.folder / "code")
    if worker.unconfined and form != "skops":
        raise SourceError(
            f"{worker.unconfined}, so nothing would keep a pickle in its place; use a Linux that has it, or give "
            "--env current if you trust whoever wrote the model"
        )
    try:
        table, tensors, version = worker.read(content, form, TRUSTED_TYPES | taught_names())
    except Refusal as error:
        raise SourceError(f"the model file cannot be read ({error}); log the model again") from error
    return rebuild(table, tensors, version), Answering(worker=worker, sklearn_version=version)


def _interpreter(source: Source, description: ModelDescription) -> Path:
    if description.sklearn_version is None:
        raise SourceError("does not say which scikit-learn saved it; log the model again, or give --env current")
    files = source.lineage["artifacts"]["files"]
    listed = (source.folder / REQUIREMENTS).is_file()
    text = read_recorded(source.folder, REQUIREMENTS, files).decode("utf-8", "replace") if listed else ""
    return interpreter_of(pinned(text, description.sklearn_version), description.python_version)
