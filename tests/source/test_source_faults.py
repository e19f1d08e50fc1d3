"""A server that fails in any way is one line, within seconds, with nothing half-written."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edgepack.errors import SourceError
from edgepack.source import resolve

TIMEOUT_S = 2
Answer = Callable[[BaseHTTPRequestHandler], None]


class Faulty(ThreadingHTTPServer):
    """A server that gives every request the same answer."""

    daemon_threads = True
    answer: Answer
    stop: threading.Event


class Handler(BaseHTTPRequestHandler):
    server: Faulty

    def do_GET(self) -> None:
        self.server.answer(self)

    do_POST = do_GET

    def log_message(self, *_: Any) -> None:
        pass


def reply(code: int, body: bytes = b"", headers: dict[str, str] | None = None, announced: int | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if announced is None else announced))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def redirect_in_a_loop(handler: BaseHTTPRequestHandler) -> None:
    reply(302, headers={"Location": handler.path})(handler)


def hang(handler: Any) -> None:
    handler.server.stop.wait(60)


def drip(handler: Any) -> None:
    """A header that never ends, a byte at a time: no single read takes long."""
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX: ")
    while not handler.server.stop.wait(0.1):
        try:
            handler.wfile.write(b"x")
            handler.wfile.flush()
        except OSError:
            return


def half_a_file(handler: Any) -> None:
    """Lists one file, and breaks off in the middle of it."""
    if handler.path.endswith("/MLmodel"):
        reply(200, b"flavors: {}\n", announced=4096)(handler)
    else:
        files = [{"path": "MLmodel", "is_dir": False, "file_size": 4096}]
        reply(200, json.dumps({"files": files}).encode(), {"Content-Type": "application/json"})(handler)


def as_a_file(body: Callable[[Any], None]) -> Answer:
    """Lists one file, and then that file comes in a way of its own."""

    def answer(handler: Any) -> None:
        if handler.path.endswith("/MLmodel"):
            body(handler)
        else:
            half_a_file(handler)

    return answer


def dripping_file(handler: Any) -> None:
    """A file that comes a byte at a time: no single read takes long, and it never ends."""
    handler.send_response(200)
    handler.send_header("Content-Length", "4096")
    handler.end_headers()
    while not handler.server.stop.wait(0.05):
        try:
            handler.wfile.write(b"x")
            handler.wfile.flush()
        except OSError:
            return


def file_that_stops(handler: Any) -> None:
    """Half a file, and then nothing more, with the connection open."""
    handler.send_response(200)
    handler.send_header("Content-Length", "4096")
    handler.end_headers()
    handler.wfile.write(b"flavors: {}\n")
    handler.wfile.flush()
    hang(handler)


def no_file(handler: Any) -> None:
    if handler.path.endswith("/MLmodel"):
        reply(404)(handler)
    else:
        half_a_file(handler)


ANSWERS: dict[str, tuple[Answer, str]] = {
    "401": (reply(401, b"<html>\nwho are you?\n</html>"), "401"),
    "403": (reply(403, b'{"error_code": "PERMISSION_DENIED", "message": "no"}'), "no"),
    "404": (reply(404, b"<html>\nnot here\n</html>"), "404"),
    "500": (reply(500, b"Traceback\n  line 1"), "500"),
    "no JSON": (reply(200, b"<html>\nhello\n</html>"), "MLflow says"),
    "another JSON": (reply(200, b"[1, 2]"), "MLflow"),
    "a redirect loop": (redirect_in_a_loop, "redirect"),
    "no answer": (hang, "does not answer"),
    "an answer without end": (drip, "does not answer"),
}


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    with Faulty(("127.0.0.1", 0), Handler) as server:
        server.stop = threading.Event()
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.stop.set()
        server.shutdown()


def refused(call: Callable[[], Any], within_s: float) -> str:
    """The one line of the refusal. The time is a limit of the product's, and far above what the test needs."""
    started = time.monotonic()
    with pytest.raises(SourceError) as told:
        call()
    assert time.monotonic() - started < within_s
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize(("answer", "says"), ANSWERS.values(), ids=ANSWERS)
def test_a_registry_that_fails_is_one_line(faulty: Faulty, tmp_path: Path, answer: Answer, says: str) -> None:
    faulty.answer = answer
    uri = f"http://ann:secret@127.0.0.1:{faulty.server_port}"
    line = refused(lambda: resolve("models:/m/1", tmp_path, tracking_uri=uri, timeout_s=TIMEOUT_S), 10)
    assert says in line
    assert "secret" not in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (half_a_file, "12 bytes read, 4084 more expected"),
        (no_file, "download failed|gone|404"),
        (reply(500), "500|failed"),
        (reply(401, b"<html>\nwho?\n</html>"), "401"),
        (reply(403), "403"),
        (reply(404), "404|gone"),
        (redirect_in_a_loop, "redirect"),
        (as_a_file(reply(401)), "401"),
        (as_a_file(reply(500)), "500|failed"),
        (as_a_file(redirect_in_a_loop), "redirect|failed"),
        (as_a_file(dripping_file), "timed out"),
        (as_a_file(file_that_stops), "timed out"),
        (as_a_file(hang), "timed out|does not answer"),
        (hang, "timed out|does not answer"),
    ],
    ids=[
        "half a file",
        "no file",
        "500",
        "401 for the list",
        "403 for the list",
        "404 for the list",
        "a redirect loop for the list",
        "401 for a file",
        "500 for a file",
        "a redirect loop for a file",
        "a file a byte at a time",
        "a file that stops half-way",
        "a file that never begins",
        "a list that never comes",
    ],
)
def test_files_that_do_not_come_whole_are_one_line(
    registry: Any, faulty: Faulty, tmp_path: Path, answer: Answer, says: str
) -> None:
    faulty.answer = answer
    name, client = f"faulty-{faulty.server_port}", registry.client
    client.create_registered_model(name)
    client.create_model_version(
        name, f"http://127.0.0.1:{faulty.server_port}/api/2.0/mlflow-artifacts/artifacts/m", registry.run_id
    )
    try:
        line = refused(
            lambda: resolve(f"models:/{name}/1", tmp_path, tracking_uri=registry.uri, timeout_s=TIMEOUT_S), 10
        )
        assert re.search(says, line), line
        assert list(tmp_path.iterdir()) == []
    finally:
        client.delete_registered_model(name)


def test_a_name_that_is_no_host_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for uri in (f"http://127.0.0.1:{port}", "http://no-such-host.invalid:5000"):
        assert "does not answer" in refused(
            lambda uri=uri: resolve("models:/m/1", tmp_path, tracking_uri=uri, timeout_s=TIMEOUT_S), 10
        )
