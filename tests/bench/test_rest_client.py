from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd
import pytest

from edgepack.bench import bench
from edgepack.bench.network import Network, find_network
from edgepack.bench.rest import RestClient, payload
from edgepack.contract import Input, Interface
from edgepack.errors import EdgepackError, UsageError


class Server(ThreadingHTTPServer):
    """Notes connections and bodies; closes a connection after `per_connection` answers without a word."""

    connections = 0
    per_connection = 10**9
    bodies: list[bytes]


class Handler(BaseHTTPRequestHandler):
    """A model server in miniature."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1
        self.answers = 0

    def do_GET(self) -> None:
        self.reply(200, b"\n")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.bodies.append(body)
        document = json.loads(body)
        if document == {}:
            self.reply(400, json.dumps({"error_code": "BAD_REQUEST", "message": "no\nrows"}).encode())
        else:
            self.reply(200, b'{"predictions": [1.0]}')

    def reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.answers += 1
        self.close_connection = self.answers >= self.server.per_connection

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.bodies = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def client(server: Server) -> Iterator[RestClient]:
    with RestClient(f"127.0.0.1:{server.server_address[1]}") as opened:
        yield opened


def test_one_connection_serves_many_calls(client: RestClient, server: Server) -> None:
    client.ping()
    for _ in range(3):
        assert client.invoke(b'{"inputs": [[1]]}') == b'{"predictions": [1.0]}'
    assert server.connections == 1


def test_a_connection_that_the_server_closed_is_opened_again(client: RestClient, server: Server) -> None:
    server.per_connection = 1
    for _ in range(3):
        client.ping()
    assert server.connections == 3


def test_a_refused_call_tells_the_servers_own_message(client: RestClient) -> None:
    with pytest.raises(EdgepackError, match=r"status 400, no rows$"):
        client.invoke(b"{}")


def test_a_new_connection_is_timed(client: RestClient, server: Server) -> None:
    client.ping()
    assert client.connect_us() > 0
    client.ping()
    assert server.connections == 2


@pytest.mark.parametrize("url", ["", "ftp://host:1", "http://"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no server; give http://host:port"):
        RestClient(url)


def test_a_path_before_invocations_is_kept() -> None:
    assert RestClient("http://h:1/models/m/invocations")._path == "/models/m"


def test_a_table_is_sent_with_its_own_types_and_null_for_missing() -> None:
    frame = pd.DataFrame({"i": [1, 2], "x": [0.5, np.nan], "s": ["u", None], "b": [True, False]})
    assert json.loads(payload(frame)) == {
        "dataframe_split": {
            "columns": ["i", "x", "s", "b"],
            "data": [[1, 0.5, "u", True], [2, None, None, False]],
        }
    }
    assert b'[1, 0.5, "u", true]' in payload(frame)


def test_an_array_is_sent_as_inputs() -> None:
    assert json.loads(payload(np.array([[1.0, np.nan]]))) == {"inputs": [[1.0, None]]}


def test_bench_times_a_server_and_its_transport(server: Server) -> None:
    interface = Interface(inputs=(Input(name="n", kind="number"),), outputs=("value",))
    rows = pd.DataFrame({"n": [1.0, 2.0]})
    url = f"http://127.0.0.1:{server.server_address[1]}"
    assert bench({}, rows, interface=interface, server=url, batches=(1,), repeats=1).arms[0].cold is None
    server.bodies.clear()
    [arm] = bench({}, rows, interface=interface, server=url, server_ready_ms=900.0, batches=(1, 4), repeats=10).arms
    assert arm.cold is not None and arm.cold.first_call_us > 0
    assert arm.cold.answer_ms == 900.0 + arm.cold.first_call_us / 1e3
    assert (arm.name, arm.kind, arm.reason) == ("REST", "rest", "")
    assert [latency.batch_rows for latency in arm.latencies] == [1, 4]
    assert arm.transport is not None
    assert arm.transport.request_bytes == len(payload(rows.head(1)))
    assert arm.transport.response_bytes == len(b'{"predictions": [1.0]}')
    assert {len(json.loads(body)["dataframe_split"]["data"]) for body in server.bodies} == {1, 4}


def test_a_server_is_timed_behind_simulated_networks_too(server: Server) -> None:
    networks = [
        Network(name="far", rtt_ms=20, up_mbps=10, down_mbps=10, source="made up"),
        find_network("offline"),
    ]
    interface = Interface(inputs=(Input(name="X", kind="number"),), outputs=("value",))
    url = f"http://127.0.0.1:{server.server_address[1]}"
    result = bench({}, np.ones((4, 1)), interface=interface, server=url, networks=networks, batches=(1,), repeats=10)
    near, far, off = result.arms
    assert far.name == "REST, far" and "simulated far: 20 ms round trip" in far.runtime
    assert min(found.p50_us for found in far.latencies) >= 20_000
    assert near.transport is not None and near.transport.wire_bytes is None
    assert far.transport is not None and far.transport.wire_bytes is not None
    bodies = far.transport.request_bytes + far.transport.response_bytes
    assert bodies < far.transport.wire_bytes < bodies + 600
    assert (near.transport.network_source, far.transport.network_source) == ("", "made up")
    assert far.transport.megabytes_per_1000_calls == far.transport.wire_bytes / 1000
    assert (off.latencies, off.reason) == ((), "no network: only an artifact answers")


def test_a_network_without_a_server_is_refused() -> None:
    interface = Interface(inputs=(Input(name="X", kind="number"),), outputs=("value",))
    with pytest.raises(UsageError, match="--serve"):
        bench({}, np.ones((4, 1)), interface=interface, networks=[find_network("lte")])
