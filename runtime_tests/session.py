"""A session of ONNX Runtime somewhere else: another process, another version, another language.

It has the one method that `OnnxRunner` calls, so that everything else (inputs, labels, comparison) is edgepack's own.
"""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

DTYPES = {"float32": np.float32, "float64": np.float64, "int64": np.int64, "bool": np.bool_}


class RuntimeFailed(Exception):
    """The runtime's own message: it does not load the file, or does not run the rows."""


class Remote(Protocol):
    """Answers requests as `serve/answer.mjs` and `serve/serve.py` do: `{"model": base64}` or `{"feed": {…}}`."""

    @property
    def runtime(self) -> str:
        """What speaks: `onnxruntime-node 1.22.0 x64`."""

    def ask(self, request: Mapping[str, Any]) -> Any:
        """The answer to a request. Raises `RuntimeFailed`."""


class RemoteSession:
    """One model in a remote runtime, loaded there when it is first asked."""

    def __init__(self, remote: Remote, path: Path) -> None:
        """Takes the model's file."""
        self._remote = remote
        self._path: Path | None = path

    def run(self, names: Sequence[str], feed: Mapping[str, Any]) -> list[Any]:
        """The outputs of these names. Raises `RuntimeFailed`."""
        if self._path is not None:
            self._remote.ask({"model": base64.b64encode(self._path.read_bytes()).decode()})
            self._path = None
        answer = self._remote.ask({"feed": {name: packed(array) for name, array in feed.items()}})
        return [unpacked(answer[name]) for name in names]


class Process:
    """A remote runtime behind a process that reads and writes a JSON document per line."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        """Starts it; its first line names the runtime. Raises `RuntimeFailed` where it does not start."""
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )
        self.runtime = str(self._line()["runtime"])

    def ask(self, request: Mapping[str, Any]) -> Any:
        """See `Remote`."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._line()
        if "error" in answer:
            raise RuntimeFailed(answer["error"])
        return answer["result"]

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.communicate()

    def _line(self) -> Any:
        assert self._process.stdout and self._process.stderr
        line = self._process.stdout.readline()
        if not line:
            last = self._process.stderr.read().strip().splitlines()[-1:]
            raise RuntimeFailed(f"ended: {' '.join(last) or 'without a word'}")
        return json.loads(line)


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
