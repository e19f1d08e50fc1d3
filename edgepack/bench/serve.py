"""A model server for the time of a benchmark."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import TracebackType
from typing import Self

from edgepack.bench.rest import RestClient
from edgepack.errors import EdgepackError, SourceError, UsageError

POLL_S = 0.1
GRACE_S = 5.0


class ServedModel:
    """`mlflow models serve` from this interpreter, as a context manager: ready inside the block, gone after it.

    Attributes:
        url: where it answers, once entered.
        ready_ms: how long that took, to within `POLL_S`.
    """

    def __init__(self, model: str | Path, *, tracking_uri: str | None = None, timeout_s: float = 90.0) -> None:
        """Takes a model's URI or folder. Raises `UsageError` where the full mlflow is not installed."""
        try:
            distribution("mlflow")
        except PackageNotFoundError as error:
            raise UsageError("--serve: needs the full mlflow; pip install 'edgepack[serve]'") from error
        self.model = str(model)
        self.url = ""
        self._tracking_uri = tracking_uri
        self._timeout_s = timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed when the server is stopped)

    def __enter__(self) -> Self:
        """Starts the server and waits until it is ready. Raises `SourceError` with its last log line otherwise."""
        start = time.monotonic()
        try:
            self._start()
            self._wait()
        except BaseException:  # Ctrl-C too must leave no server behind
            self._stop()
            raise
        self.ready_ms = (time.monotonic() - start) * 1e3
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stops the server and every process that it started."""
        self._stop()

    def peak_rss_bytes(self) -> int | None:
        """The most memory that the server and its workers have held, by Linux's count; None elsewhere."""
        if self._process is None:
            return None
        group = self._process.pid
        peaks = [_peak_rss_bytes(entry) for entry in Path("/proc").glob("[0-9]*") if _group_of(entry) == group]
        return sum(peaks) or None

    def _start(self) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", self.model, "--env-manager", "local"]
        environment = dict(os.environ)
        # mlflow starts its web server by name: the one beside this interpreter, whether or not a shell activated it
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
        if self._tracking_uri:
            environment["MLFLOW_TRACKING_URI"] = self._tracking_uri
        self._process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,  # a process group of its own, so that its workers can be stopped with it
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + self._timeout_s
        with RestClient(self.url) as client:
            while time.monotonic() < deadline:
                if self._process is None or self._process.poll() is not None:
                    raise SourceError(f"{self.model}: its server stopped, {self._last_line()}")
                try:
                    client.ping()
                except EdgepackError:
                    time.sleep(POLL_S)
                else:
                    return
        raise SourceError(f"{self.model}: its server is not ready after {self._timeout_s:g} s, {self._last_line()}")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for stop in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(process.pid, stop)
                except ProcessLookupError:
                    break
                try:
                    process.wait(GRACE_S)
                except subprocess.TimeoutExpired:
                    continue
            process.wait()
            _wait_for_group(process.pid)
        self._log.close()

    def _last_line(self) -> str:
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return f"saying: {lines[-1][:300]}" if lines else "saying nothing"


def _group_of(process: Path) -> int | None:
    try:
        return os.getpgid(int(process.name))
    except ProcessLookupError:
        return None


def _peak_rss_bytes(process: Path) -> int:
    """`VmHWM` of a process: counted in each, pages that processes share as well."""
    try:
        lines = (process / "status").read_text(encoding="utf-8").splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _wait_for_group(group: int) -> None:
    """Returns when the killed group is gone; after a while even if something still holds its dead processes."""
    deadline = time.monotonic() + GRACE_S / 5
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
