"""A pickle can do nothing but what its worker may: no file outside its folder, no network, no other process."""

from __future__ import annotations

import platform
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgepack.source.isolated import worker as near
from edgepack.source.isolated.inside.confine import confine
from edgepack.source.isolated.worker import Refusal, Worker, WorkerFailed

from .malice import ENDS, REACHES, WRITES, pickled

SOCKET = {"x86_64": 41, "aarch64": 198}.get(platform.machine(), 0)


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Worker:
    started = Worker(Path(sys.executable), tmp_path_factory.mktemp("worker"), Path("/nowhere"))
    if started.unconfined:
        pytest.skip(f"{started.unconfined}: confinement was NOT tested")
    return started


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "kept").write_text("kept")
    return tmp_path


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        yield server


@pytest.mark.parametrize("code", WRITES.values(), ids=WRITES)
def test_nothing_is_written_outside(worker: Worker, out: Path, code: str) -> None:
    with pytest.raises(Refusal):
        worker.read(pickled(code.format(out=out)), "pickle", frozenset())
    assert [file.name for file in out.iterdir()] == ["kept"]


def test_what_is_kept_from_writing_here_writes_where_nothing_keeps_it(out: Path, tmp_path_factory) -> None:
    """Without this, the tests above would pass for a corpus that does not work."""
    for code in WRITES.values():
        elsewhere = tmp_path_factory.mktemp("elsewhere")
        subprocess.run([sys.executable, "-c", code.format(out=out)], cwd=elsewhere, check=True)
    assert len(list(out.iterdir())) == 1 + len(WRITES)


@pytest.mark.parametrize("code", REACHES.values(), ids=REACHES)
def test_nothing_else_is_reached(worker: Worker, out: Path, listener: socket.socket, code: str) -> None:
    before = (out / "kept").stat()
    port = listener.getsockname()[1]
    with pytest.raises(Refusal):
        worker.read(pickled(code.format(out=out, port=port, socket=SOCKET)), "pickle", frozenset())
    with pytest.raises(TimeoutError):
        listener.accept()
    after = (out / "kept").stat()
    assert (after.st_size, after.st_mode, after.st_mtime) == (before.st_size, before.st_mode, before.st_mtime)


def test_what_a_model_needs_is_left_to_it(worker: Worker) -> None:
    code = (
        "import threading, tempfile, os\nt = threading.Thread(target=print, args=('noise on standard output',))\n"
        "t.start(); t.join(); open('own', 'w').write('x'); tempfile.NamedTemporaryFile().write(b'x')\n"
        "raise KeyError(sorted(n for n in os.environ if n[:3] != 'KMP'))"
    )
    with pytest.raises(Refusal, match=r"KeyError: \['HOME', 'LANG', 'PATH', 'TMPDIR'\]"):
        worker.read(pickled(code), "pickle", frozenset())


@pytest.mark.parametrize(("system", "machine"), [("darwin", "arm64"), ("darwin", "x86_64"), ("linux", "riscv64")])
def test_a_system_without_landlock_says_so_and_nothing_is_confined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, system: str, machine: str
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: pytest.fail("it was tried"))
    assert f"on {machine} has no Landlock that edgepack knows" in confine(str(tmp_path), [])


@pytest.mark.parametrize(("code", "says"), ENDS.values(), ids=ENDS)
def test_a_worker_that_is_gone_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, says: str
) -> None:
    monkeypatch.setattr(near, "READ_S", 5.0)
    monkeypatch.setattr("edgepack.runtimes.process.GRACE_S", 0.5)
    worker = Worker(Path(sys.executable), tmp_path, Path("/nowhere"))
    with pytest.raises(WorkerFailed, match=says) as told:
        worker.read(pickled(code), "pickle", frozenset())
    assert "\n" not in str(told.value)
    with pytest.raises(WorkerFailed):
        worker.ask("predict", [[0.0]])
