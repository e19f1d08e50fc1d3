"""The worker's near end."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, get_args

import numpy as np

from edgepack.contract import Method
from edgepack.errors import SourceError
from edgepack.runtimes import worker as frames
from edgepack.runtimes.process import FrameProcess, ProcessEnded

START_S = 60.0
READ_S = 300.0
ASK_S = 300.0
MOST_STATE_BYTES = 8 << 30

_HERE = Path(__file__).parent
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}


class WorkerFailed(SourceError):
    """The worker is gone: not one row more will have an answer."""


class Refusal(ValueError):
    """The model raised something."""


class Worker:
    """A model in its own process. It ends with this object."""

    def __init__(self, python: Path, into: Path, code: Path) -> None:
        """Starts it, and goes on at once: it imports its scikit-learn meanwhile. Raises `WorkerFailed`.

        Args:
            into: where its folder is made, the only one that it may write in.
            code: the folder of the model's own code, which may not be there.
        """
        folder = Path(tempfile.mkdtemp(prefix="worker-", dir=into)).resolve()
        inside = str(_HERE / "inside" / "worker.py")
        words = [str(python), "-I", inside, str(folder), frames.__file__, str(code.resolve())]
        try:
            self._process = FrameProcess(
                words, environment={**_ENVIRONMENT, "HOME": str(folder), "TMPDIR": str(folder)}, folder=folder
            )
        except ProcessEnded as error:
            raise WorkerFailed(f"its worker {error}") from error
        weakref.finalize(self, self._process.close)

    @cached_property
    def unconfined(self) -> str:
        """Why nothing confines it; empty where it is. It speaks first, to say so. Raises `WorkerFailed`."""
        header, _ = self._exchange(None, START_S)
        return str(header.get("confined"))

    def read(self, content: bytes, form: str, trusted: frozenset[str]) -> tuple[dict[str, Any], dict[str, Any], str]:
        """The fitted state as a table and its tensors, and which scikit-learn's.

        Raises:
            Refusal: the model raised something.
            WorkerFailed: the worker is gone, or nothing would keep a pickle in its place; it was not sent then.
        """
        if self.unconfined and form != "skops":
            raise WorkerFailed(
                f"{self.unconfined}, so nothing would keep a pickle in its place; use a Linux that has it, or give "
                "--env current if you trust whoever wrote the model"
            )
        model = {"model": np.frombuffer(content, np.uint8)}
        header, tensors = self._exchange(model, READ_S, MOST_STATE_BYTES, read=form, trusted=sorted(trusted))
        match header:
            case {"estimator": {"table": list(), "root": _} as table, "sklearn": str(version)}:
                return table, tensors, version
        raise WorkerFailed("its worker gives no estimator; log the model again")

    def ask(self, method: str, rows: Any) -> Any:
        """What a method of the model gives for rows. Raises `Refusal`, `WorkerFailed`."""
        form, names, tensors = _sent(rows)
        count = len(next(iter(tensors.values()))) if tensors else 0
        _, answers = self._exchange(tensors, ASK_S, 1 << 32, ask=method, form=form, names=names)
        parts = [answers.get(str(k)) for k in range(len(answers))]
        if not parts or any(part is None or part.ndim not in (1, 2) or len(part) != count for part in parts):
            raise WorkerFailed(f"its worker does not answer {method} row by row")
        return parts if len(parts) > 1 else parts[0]

    def _exchange(
        self, tensors: Mapping[str, Any] | None, within_s: float, most_bytes: int = 1 << 20, **header: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            answer, back = self._process.exchange(tensors, within_s=within_s, most_bytes=most_bytes, **header)
        except ProcessEnded as error:
            raise WorkerFailed(f"its worker {error}") from error
        if "error" in answer:
            raise Refusal(" ".join(str(answer["error"]).split())[:500])
        return answer, back


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """Has the methods of a model; its worker answers.

    Attributes:
        sklearn_version: whose answers they are.
    """

    worker: Worker
    sklearn_version: str

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        """What asks the method of that name."""
        if name not in get_args(Method):
            raise AttributeError(name)
        return partial(self.worker.ask, name)


def _sent(rows: Any) -> tuple[str, list[Any], dict[str, Any]]:
    """The form, the columns' names and the columns."""
    if hasattr(rows, "columns"):
        columns = [_plain(rows.iloc[:, k].to_numpy()) for k in range(rows.shape[1])]
        return "table", list(rows.columns), {str(k): x for k, x in enumerate(columns)}
    return "array", [], {"0": _plain(np.asarray(rows))}


def _plain(values: Any) -> Any:
    """Numbers, or objects that JSON knows."""
    if values.dtype.kind in "biuf":
        return values
    plain = np.empty(values.shape, object)
    for at, value in np.ndenumerate(values):
        plain[at] = value.item() if isinstance(value, np.generic) else value
    return plain
