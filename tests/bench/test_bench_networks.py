from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from edgepack.bench import ArmResult, BenchResult, statistics
from edgepack.bench.network import NETWORKS, Network, find_network
from edgepack.bench.proxy import DelayingProxy
from edgepack.errors import UsageError


@pytest.fixture
def echo() -> Iterator[str]:
    """A server that sends back whatever comes, through at most one connection at a time."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer:
                while data := peer.recv(4096):
                    peer.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


def exchange(url: str, message: bytes) -> tuple[bytes, float]:
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as peer:
        start = time.monotonic()
        peer.sendall(message)
        answer = b""
        while len(answer) < len(message):
            answer += peer.recv(4096)
        return answer, time.monotonic() - start


def network(*, rtt_ms: float = 0, up_mbps: float = 1000, down_mbps: float = 1000) -> Network:
    return Network(name="test", rtt_ms=rtt_ms, up_mbps=up_mbps, down_mbps=down_mbps, source="made up")


def test_nothing_arrives_before_the_round_trip_is_over(echo: str) -> None:
    with DelayingProxy(echo, network(rtt_ms=80)) as proxy:
        answer, took_s = exchange(proxy.url, b"hello")
        assert answer == b"hello"
        assert took_s >= 0.08
        assert proxy.carried_bytes == 10


@pytest.mark.parametrize("narrow", ["up_mbps", "down_mbps"])
def test_a_narrow_line_takes_its_time_either_way(echo: str, narrow: str) -> None:
    message = bytes(range(256)) * 40
    with DelayingProxy(echo, network(**{narrow: 1.0})) as proxy:
        answer, took_s = exchange(proxy.url, message)
    assert answer == message
    assert took_s >= len(message) * 8 / 1e6


@pytest.mark.parametrize("found", [n for n in NETWORKS.values() if n.reachable], ids=lambda found: found.name)
def test_a_network_s_source_tells_publisher_year_and_each_of_its_figures(found: Network) -> None:
    assert re.match(r"(Ofcom|Ookla), .*\b20\d\d\b", found.source)
    for figure in (f"{found.rtt_ms:g} ms", f"{found.up_mbps:g} Mbit/s up", f"{found.down_mbps:g} down"):
        assert re.search(rf"(?<![\d.]){re.escape(figure)}\b", found.source), figure


def test_unknown_networks_are_refused() -> None:
    assert not find_network("offline").reachable
    with pytest.raises(UsageError, match="wifi, 5g, lte, 3g, offline"):
        find_network("6g")


def arm(name: str, kind: str, times: dict[int, float]) -> ArmResult:
    found = tuple(statistics.latency(rows, [[us] * 3]) for rows, us in times.items())
    return ArmResult(name=name, kind=kind, latencies=found)


@pytest.mark.parametrize(
    ("rest", "from_rows", "spare_rtt_us"),
    [({1: 500.0, 32: 500.0}, 32, 300.0), ({1: 50.0, 32: 400.0}, 1, 400.0), ({1: 900.0, 32: 900.0}, None, 0.0)],
)
def test_break_even_is_where_the_server_first_wins(
    rest: dict[int, float], from_rows: int | None, spare_rtt_us: float
) -> None:
    arms = (arm("onnx", "device", {1: 100.0, 32: 800.0}), arm("REST", "rest", rest))
    (found,) = BenchResult(host="host", rounds=1, arms=arms).break_evens
    assert (found.from_rows, found.up_to_rows, found.spare_rtt_us) == (from_rows, 32, spare_rtt_us)


def test_ratios_are_against_the_first_way_to_the_server() -> None:
    arms = (arm("onnx", "device", {1: 10.0}), arm("REST", "rest", {1: 100.0}), arm("REST, lte", "rest", {1: 9000.0}))
    result = BenchResult(host="host", rounds=1, arms=arms)
    assert result.speedup(arms[0], 1) == pytest.approx(10)
