"""ONNX Runtime's Android package on this machine: its native library from C, and its Java API."""

from __future__ import annotations

import os
import struct
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

import edgepack.bench.native as bench
from runtime_tests.session import Child, RuntimeFailed

SERVE = Path(__file__).parent / "serve"
DTYPES = {1: np.float32, 7: np.int64, 9: np.bool_, 11: np.float64}
TEXT = 8
"""Numbers of types. Source: ONNXTensorElementDataType in onnxruntime_c_api.h."""


class NativeProcess:
    """A remote runtime behind a process that reads and writes bytes, numbers as this machine's int32.

    To it: `m` or `r`, a length, and a model or the rows as `edgepack.bench.native.packed` writes them. From it: 1 where
    it failed, a length, and the reason or, for rows, how many outputs and each one's kind, rank, dims, name and values.
    The first answer is ONNX Runtime's version.
    """

    def __init__(self, title: str, command: Sequence[str], **options: Any) -> None:
        """Starts it. Raises `RuntimeFailed` where it does not start."""
        self._child = Child(command, **options)
        try:
            self.runtime = f"{title} {self._answer().decode()}"
        except RuntimeFailed:
            self.close()
            raise

    def load(self, model: bytes) -> None:
        """See `session.Remote`."""
        self._child.send(b"m" + struct.pack("=i", len(model)) + model)
        self._answer()

    def run(self, feed: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `session.Remote`."""
        rows = bench.packed(feed)
        self._child.send(b"r" + struct.pack("=i", len(rows)) + rows)
        return _tensors(self._answer())

    def close(self) -> None:
        """Ends it."""
        self._child.close()

    def _answer(self) -> bytes:
        failed, length = struct.unpack("=2i", self._child.receive(lambda stream: _exactly(stream, 8)))
        body = self._child.receive(lambda stream: _exactly(stream, length)) if length else b""
        if failed:
            raise RuntimeFailed(" ".join(body.decode(errors="replace").split())[:300])
        return body


@contextmanager
def android_c(package: Path) -> Iterator[NativeProcess]:
    """The native library, from a C program that is compiled here. Raises `RuntimeFailed`."""
    library = package / "x86_64" / "libonnxruntime.so"
    with tempfile.TemporaryDirectory(prefix="edgepack-android-") as folder:
        program = Path(folder) / "serve"
        headers = (f"-I{Path(bench.__file__).parent}", f"-I{package / 'aar' / 'headers'}")
        _compiled(["cc", "-O1", "-o", str(program), *headers, str(SERVE / "serve.c"), "-ldl"])
        words = [str(program), str(library)]
        process = NativeProcess("onnxruntime-android, C API", words, env=_on_bionic(package))
        try:
            yield process
        finally:
            process.close()


@contextmanager
def android_java(package: Path) -> Iterator[NativeProcess]:
    """The Java API, on this machine's JVM. Raises `RuntimeFailed`."""
    jar = package / "aar" / "classes.jar"
    with tempfile.TemporaryDirectory(prefix="edgepack-android-") as folder:
        _compiled(["javac", "-cp", str(jar), "-d", folder, str(SERVE / "Serve.java")])
        libraries = f"-Donnxruntime.native.path={package / 'x86_64'}"
        words = ["java", libraries, "-cp", f"{jar}:{package / 'standins'}:{folder}", "Serve"]
        process = NativeProcess("onnxruntime-android, Java API", words, env=_on_bionic(package))
        try:
            yield process
        finally:
            process.close()


def _on_bionic(package: Path) -> dict[str, str]:
    """The environment in which glibc's loader takes Android's libraries; see tests/sdk/kotlin.py."""
    native = package / "x86_64"
    return {**os.environ, "LD_LIBRARY_PATH": str(native), "LD_PRELOAD": str(native / "libc.so"), "LC_ALL": "C.UTF-8"}


def _compiled(words: Sequence[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeFailed(f"{words[0]}: {' '.join(done.stderr.split())[:200]}")


def _exactly(stream: IO[bytes], count: int) -> bytes:
    """So many bytes; none where the stream ends before."""
    data = stream.read(count)
    return data if len(data) == count else b""


def _tensors(body: bytes) -> dict[str, Any]:
    (count,) = struct.unpack_from("=i", body)
    at, found = 4, {}
    for _ in range(count):
        kind, rank = struct.unpack_from("=2i", body, at)
        dims = struct.unpack_from(f"={rank}i", body, at + 8)
        name, at = _text(body, at + 8 + 4 * rank)
        size = int(np.prod(dims))
        if kind == TEXT:
            texts = []
            for _ in range(size):
                text, at = _text(body, at)
                texts.append(text)
            found[name] = np.array(texts, object).reshape(dims)
        else:
            found[name] = np.frombuffer(body, DTYPES[kind], size, at).reshape(dims)
            at += found[name].nbytes
    return found


def _text(body: bytes, at: int) -> tuple[str, int]:
    end = body.index(b"\0", at)
    return body[at:end].decode(), end + 1
