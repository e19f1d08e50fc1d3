"""A session in another process, called as ONNX Runtime's own is."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from edgepack.errors import EdgepackError
from edgepack.runtimes.install import command
from edgepack.runtimes.spec import Spec
from edgepack.runtimes.worker import read_frame, write_frame

TIMEOUT_S = 600.0
GRACE_S = 10.0


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
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=self._stderr)
        except OSError as error:
            self._stderr.close()
            raise RuntimeFailure(f"{name}: {words[0]} does not start ({error.strerror})") from error
        try:
            header, _ = self._exchange(None, ())
        except RuntimeFailure:
            self.close()
            raise
        self.runtime = str(header.get("runtime", name))

    def run(self, outputs: Sequence[str], feed: Mapping[str, Any]) -> list[Any]:
        """The named outputs' arrays. Raises `RuntimeFailure`."""
        _, answers = self._exchange(feed, outputs)
        return [answers[name] for name in outputs]

    def close(self) -> None:
        """Ends the process: by the end of its input, else by force."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _exchange(
        self, feed: Mapping[str, Any] | None, outputs: Sequence[str]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Sends a frame, unless it is the first one that is awaited, and gives the one that comes back."""
        assert self._process.stdin and self._process.stdout  # both are pipes
        deadline = threading.Timer(TIMEOUT_S, self._process.kill)
        deadline.start()
        try:
            if feed is not None:
                write_frame(self._process.stdin, dict(feed), outputs=list(outputs))
            header, tensors = read_frame(self._process.stdout)
        except (EOFError, OSError, ValueError) as error:
            raise RuntimeFailure(f"{self.runtime}: {self._last_words()}") from error
        finally:
            deadline.cancel()
        if "error" in header:
            raise RuntimeFailure(f"{header.get('runtime', self.runtime)} {header['error']}"[:300])
        return header, tensors

    def _last_words(self) -> str:
        try:
            status = self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            return "does not speak in frames"
        self._stderr.seek(0)
        lines = [line for line in self._stderr.read().decode(errors="replace").splitlines() if line.strip()]
        return f"stopped with status {status}" + (f", saying: {lines[-1].strip()[:200]}" if lines else "")
