"""A session in another process, called as ONNX Runtime's own is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgepack.errors import EdgepackError
from edgepack.runtimes.install import command
from edgepack.runtimes.process import FrameProcess, ProcessEnded
from edgepack.runtimes.spec import Spec

TIMEOUT_S = 600.0


class RuntimeFailure(EdgepackError):
    """A runtime that is there and does not load the model, does not answer, or dies: a finding about the artifact."""

    exit_code = 5


def start(spec: Spec, model: Path) -> ProcessSession:
    """A session of a model in a runtime. Raises `NotInstalled`, or `RuntimeFailure` where it does not load."""
    words = [word.replace("{model}", str(model.resolve())) for word in command(spec)]
    return ProcessSession(words, name=str(spec))


class ProcessSession:
    """Has the `run` of `onnxruntime.InferenceSession`. Close it, or the process lives as long as this one."""

    def __init__(self, words: Sequence[str], *, name: str) -> None:
        """Starts the command and waits until it has loaded its model. Raises `RuntimeFailure`."""
        self.runtime = name
        try:
            self._process = FrameProcess(words)
        except ProcessEnded as error:
            raise RuntimeFailure(f"{name}: {error}") from error
        try:
            header, _ = self._exchange(None)
        except RuntimeFailure:
            self.close()
            raise
        self.runtime = str(header.get("runtime", name))

    def run(self, outputs: Sequence[str], feed: Mapping[str, Any]) -> list[Any]:
        """The named outputs' arrays. Raises `RuntimeFailure`."""
        _, answers = self._exchange(feed, outputs=list(outputs))
        return [answers[name] for name in outputs]

    def close(self) -> None:
        """Ends the process."""
        self._process.close()

    def _exchange(self, feed: Mapping[str, Any] | None, **header: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        try:
            answer, tensors = self._process.exchange(feed, within_s=TIMEOUT_S, **header)
        except ProcessEnded as error:
            raise RuntimeFailure(f"{self.runtime}: {error}") from error
        if "error" in answer:
            raise RuntimeFailure(f"{answer.get('runtime', self.runtime)} {answer['error']}"[:300])
        return answer, tensors
