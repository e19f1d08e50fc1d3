"""An ONNX artifact through ONNX Runtime's C API in a process of its own: Python is out of the figures."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from edgepack.bench.instructions import instructions_per_row
from edgepack.bench.result import ColdStart
from edgepack.errors import EdgepackError, UsageError

HEADER = "onnxruntime_c_api.h"
SOURCE = Path(__file__).with_name("native.c")
KINDS = {np.dtype(np.float32): 1, np.dtype(np.float64): 11}
TEXT = 8
"""Numbers of types. Source: ONNXTensorElementDataType in onnxruntime_c_api.h."""


class NativeRunner:
    """The compiled runner, as a context manager.

    Attributes:
        runtime: what speaks, once entered.
        load_ms: opening the library and the artifact.
        cold: of this process.
        peak_rss_bytes: of the whole process after a first call; it has no Python in it.
    """

    def __init__(self, headers: Path, artifact: Path, feed: Mapping[str, Any]) -> None:
        """Compiles it. Raises `UsageError` where the header, a C compiler or ONNX Runtime's library is not there.

        Args:
            headers: the folder that holds `onnxruntime_c_api.h`, of ONNX Runtime 1.18 or later.
            feed: the graph's inputs for all rows; calls take slices of them.
        """
        if not (headers / HEADER).is_file():
            raise UsageError(f"{headers}: holds no {HEADER}; give the folder of ONNX Runtime's C headers")
        if not (compiler := shutil.which("cc")):
            raise UsageError("cc: no C compiler on the PATH; install one, or leave --native out")
        self._library = _library()
        self._artifact = artifact
        self._folder = tempfile.TemporaryDirectory(prefix="edgepack-native-")
        self._program = Path(self._folder.name) / "native"
        words = [compiler, "-O2", "-o", str(self._program), f"-I{headers}", str(SOURCE), "-ldl"]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UsageError(f"{compiler}: {' '.join(done.stderr.split())[:200]}; give headers that it can compile")
        self._rows = Path(self._folder.name) / "rows"
        self._rows.write_bytes(packed(feed))
        self._words = (self._program, self._library, self._artifact, self._rows)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        """Loads the artifact and asks it once. Raises `EdgepackError` with ONNX Runtime's own message."""
        start = time.perf_counter_ns()
        self._process = subprocess.Popen(
            self._words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        loaded_ns, first_call_ns, peak_kb, version = self._line().split()
        answer_ms = (time.perf_counter_ns() - start) / 1e6
        self.load_ms = int(loaded_ns) / 1e6
        self.cold = ColdStart(load_ms=self.load_ms, first_call_us=int(first_call_ns) / 1e3, answer_ms=answer_ms)
        self.peak_rss_bytes = int(peak_kb) * 1024
        self.runtime = f"onnxruntime {version}, C API"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ends it."""
        if self._process:
            self._process.kill()
            self._process.communicate()
        self._folder.cleanup()

    def instructions_per_row(self) -> float:
        """See `edgepack.bench.instructions`. Raises `EdgepackError`."""
        return instructions_per_row(self._words)

    def times_us(self, first: int, size: int, calls: int) -> list[float]:
        """How long each of `calls` calls with `size` rows took, from the slice `first` on."""
        return [int(ns) / 1e3 for ns in self._ask(first, size, calls)]

    def answer(self, first: int, size: int) -> Any:
        """The numbers of the last output for a slice, flat: what was timed answers like the artifact elsewhere."""
        return np.array([float(number) for number in self._ask(first, size, 0)])

    def _ask(self, first: int, size: int, calls: int) -> list[str]:
        assert self._process and self._process.stdin
        self._process.stdin.write(f"{first} {size} {calls}\n")
        self._process.stdin.flush()
        return self._line().split()

    def _line(self) -> str:
        assert self._process and self._process.stdout and self._process.stderr
        if line := self._process.stdout.readline():
            return line
        said = self._process.stderr.read().split()
        raise EdgepackError(f"{self._artifact}: the C API stopped, {' '.join(said)[:200] or 'saying nothing'}")


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeCall:
    """Calls of one size, which the process itself times."""

    runner: NativeRunner
    size: int

    def __call__(self, k: int) -> object:
        """Answers the k-th slice."""
        return self.runner.times_us(k, self.size, 1)

    def times_us(self, first: int, calls: int) -> list[float]:
        """How long each call took, without the way to the process and back."""
        return self.runner.times_us(first, self.size, calls)


def packed(feed: Mapping[str, Any]) -> bytes:
    """The rows as `native.c` reads them. Raises `UsageError` for text that holds a NUL."""
    parts = [struct.pack("=i", len(feed))]
    for name, array in feed.items():
        kind = KINDS.get(array.dtype, TEXT)
        parts += [struct.pack("=3i", kind, *array.shape), name.encode() + b"\0"]
        if kind != TEXT:
            parts.append(np.ascontiguousarray(array).tobytes())
            continue
        texts = [str(text).encode() for text in array.ravel()]
        if any(b"\0" in text for text in texts):
            raise UsageError(f"{name}: a text with a NUL, which C ends at; leave such rows out")
        parts += [text + b"\0" for text in texts]
    return b"".join(parts)


def _library() -> Path:
    """The shared library inside the installed onnxruntime package."""
    spec = find_spec("onnxruntime")
    folder = Path((spec and spec.origin) or "/").parent / "capi"
    if found := sorted([*folder.glob("libonnxruntime.so.*"), *folder.glob("libonnxruntime.*dylib")]):
        return found[0]
    raise UsageError(f"{folder}: holds no libonnxruntime; this build of onnxruntime cannot be used from C")
