"""A session of ONNX Runtime somewhere else: another process, another version, another language.

It has the one method that `OnnxRunner` calls, so that everything else (inputs, labels, comparison) is edgepack's own.
"""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

import numpy as np

T = TypeVar("T")
DTYPES = {"float32": np.float32, "float64": np.float64, "int64": np.int64, "bool": np.bool_}
ANSWER_S = 120.0
"""The longest wait for one answer."""


class RuntimeFailed(Exception):
    """The runtime's own message: it does not load the file, or does not run the rows."""


class Remote(Protocol):
    """Holds one model at a time."""

    @property
    def runtime(self) -> str:
        """What speaks: `onnxruntime-node 1.22.0 x64`."""

    def load(self, model: bytes) -> None:
        """Takes a model in place of the last one. Raises `RuntimeFailed`."""

    def run(self, feed: Mapping[str, Any]) -> Mapping[str, Any]:
        """Every output's array, by name. Raises `RuntimeFailed`."""


class RemoteSession:
    """One model in a remote runtime, loaded there when it is first asked."""

    def __init__(self, remote: Remote, path: Path) -> None:
        """Takes the model's file."""
        self._remote = remote
        self._path: Path | None = path

    def run(self, names: Sequence[str], feed: Mapping[str, Any]) -> list[Any]:
        """The outputs of these names. Raises `RuntimeFailed`."""
        if self._path is not None:
            self._remote.load(self._path.read_bytes())
            self._path = None
        answers = self._remote.run(feed)
        return [answers[name] for name in names]


class Timed:
    """A remote whose time is counted, and is up after a while.

    Attributes:
        seconds: that it has been asked for.
    """

    def __init__(self, remote: Remote, *, limit_s: float) -> None:
        """Takes the remote and the most seconds that it gets in all."""
        self._remote = remote
        self._limit_s = limit_s
        self.runtime = remote.runtime
        self.seconds = 0.0

    def load(self, model: bytes) -> None:
        """See `Remote`."""
        self._counted(lambda: self._remote.load(model))

    def run(self, feed: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Remote`."""
        return self._counted(lambda: self._remote.run(feed))

    def _counted(self, ask: Callable[[], T]) -> T:
        if self.seconds > self._limit_s:
            raise RuntimeFailed(f"its {self._limit_s:g} s are up")
        start = time.perf_counter()
        try:
            return ask()
        finally:
            self.seconds += time.perf_counter() - start


class SpeaksJson:
    """A remote that answers `{"model": base64}` and `{"feed": {…}}`, as `serve/answer.mjs` and `serve/serve.py` do."""

    def ask(self, request: Mapping[str, Any]) -> Any:
        """The answer to a request. Raises `RuntimeFailed`."""
        raise NotImplementedError

    def load(self, model: bytes) -> None:
        """See `Remote`."""
        self.ask({"model": base64.b64encode(model).decode()})

    def run(self, feed: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Remote`."""
        answer = self.ask({"feed": {name: packed(array) for name, array in feed.items()}})
        return {name: unpacked(tensor) for name, tensor in answer.items()}


class Child:
    """A process that is spoken to over its standard input and output, and ended where it does not answer in time."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        """Starts it. Raises `RuntimeFailed` where there is no such command."""
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=self._stderr, **options)
        except OSError as error:
            self._stderr.close()
            raise RuntimeFailed(f"{command[0]} does not start ({error.strerror})") from error

    def send(self, data: bytes) -> None:
        """Hands it bytes; that it has ended is told by the next `receive`."""
        assert self._process.stdin
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            return

    def receive(self, read: Callable[[IO[bytes]], bytes]) -> bytes:
        """What `read` takes from its output. Raises `RuntimeFailed` with its last words where that is nothing."""
        assert self._process.stdout
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        deadline = threading.Timer(ANSWER_S, give_up)
        deadline.start()
        try:
            found = read(self._process.stdout)
        finally:
            deadline.cancel()
        if found:
            return found
        if late.is_set():
            raise RuntimeFailed(f"no answer within {ANSWER_S:g} s")
        self._stderr.seek(0)
        last = self._stderr.read().decode(errors="replace").strip().splitlines()[-1:]
        raise RuntimeFailed(f"ended: {' '.join(last)[:200] or 'without a word'}")

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()
        self._stderr.close()


class Process(SpeaksJson):
    """A remote runtime behind a process that reads and writes a JSON document per line."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        """Starts it; its first line names the runtime. Raises `RuntimeFailed` where it does not start."""
        self._child = Child(command, **options)
        try:
            self.runtime = str(self._line()["runtime"])
        except RuntimeFailed:
            self.close()
            raise

    def ask(self, request: Mapping[str, Any]) -> Any:
        """See `SpeaksJson`."""
        self._child.send(json.dumps(request).encode() + b"\n")
        answer = self._line()
        if "error" in answer:
            raise RuntimeFailed(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Ends it."""
        self._child.close()

    def _line(self) -> Any:
        return json.loads(self._child.receive(lambda stream: stream.readline()))


def packed(array: Any) -> dict[str, Any]:
    """An array as JSON holds it, with the exact bits of its numbers."""
    x = np.asarray(array)
    if x.dtype.kind in "OU":
        return {"type": "string", "dims": list(x.shape), "data": [str(v) for v in x.ravel().tolist()]}
    return {"type": str(x.dtype), "dims": list(x.shape), "data": base64.b64encode(x.tobytes()).decode()}


def unpacked(tensor: Mapping[str, Any]) -> Any:
    """The array of a packed tensor; strings have dtype object, as ONNX Runtime gives them."""
    if tensor["type"] == "string":
        return np.array(tensor["data"], object).reshape(tensor["dims"])
    data = np.frombuffer(base64.b64decode(tensor["data"]), DTYPES[tensor["type"]])
    return data.reshape(tensor["dims"])
