"""Another process that answers frames (`edgepack/runtimes/worker.py`) over its standard input and output."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from edgepack.runtimes.worker import read_frame, write_frame

GRACE_S = 10.0
MOST_BYTES = 1 << 34


class ProcessEnded(Exception):
    """The process does not answer any more; the text says what it did, and its last words."""


class FrameProcess:
    """A running process. Close it, or it lives until this one ends."""

    def __init__(
        self, words: Sequence[str], *, environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> None:
        """Starts the command, in a session of its own. Raises `ProcessEnded` where there is no such command."""
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(
                words, stdin=pipe, stdout=pipe, stderr=self._stderr, env=environment, cwd=folder, start_new_session=True
            )
        except OSError as error:
            self._stderr.close()
            raise ProcessEnded(f"{words[0]} does not start ({error.strerror})") from error

    def exchange(
        self, tensors: Mapping[str, Any] | None, *, within_s: float, most_bytes: int = MOST_BYTES, **header: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Sends a frame, unless it is the first one that is awaited, and gives the one that comes back.

        What comes back is what the other side says: its caller must look at it before trusting it.

        Raises:
            ProcessEnded: no whole frame in time; the process has been killed then.
        """
        assert self._process.stdin and self._process.stdout  # both are pipes
        late = threading.Event()

        def give_up() -> None:
            late.set()
            self._process.kill()

        deadline = threading.Timer(within_s, give_up)
        deadline.start()
        try:
            if tensors is not None:
                write_frame(self._process.stdin, dict(tensors), **header)
            return read_frame(self._process.stdout, most_bytes)
        except (EOFError, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            said = self._last_words()
            raise ProcessEnded(f"no answer within {within_s:.0f} s" if late.is_set() else said) from error
        finally:
            deadline.cancel()

    def close(self) -> None:
        """Ends the process: by the end of its input, else by force."""
        for stream in (self._process.stdin, self._process.stdout):
            try:
                if stream:
                    stream.close()
            except OSError:  # what was not sent any more
                continue
        try:
            self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._stderr.close()

    def _last_words(self) -> str:
        try:
            status = self._process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return "does not speak in frames"
        self._stderr.seek(0)
        lines = [line for line in self._stderr.read(1 << 20).decode(errors="replace").splitlines() if line.strip()]
        return f"stopped with status {status}" + (f", saying: {lines[-1].strip()[:200]}" if lines else "")
