"""A network between two sockets of this machine: every byte arrives as late as the network would bring it."""

from __future__ import annotations

import queue
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from edgepack.bench.network import Network

CHUNK_BYTES = 1460
"""One TCP segment on Ethernet: the unit that takes its turn on the line."""


class DelayingProxy:
    """Forwards TCP connections to a server through a simulated network, as a context manager.

    Each direction is a line: a segment takes `bits / bandwidth` on it, after those before it, and then half of the
    round trip. Neither loss nor TCP's slow start nor the handshake is simulated, all of which would make a network
    slower, so a figure through it is a floor.

    Attributes:
        url: the server's address through the network.
    """

    def __init__(self, url: str, network: Network) -> None:
        """Takes the server's address. Listens on loopback at once."""
        parts = urlsplit(url)
        self._server = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._network = network
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets = [self._listener]
        self._carried_bytes = 0
        self._lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}{parts.path}"

    def __enter__(self) -> Self:
        """Starts to accept connections."""
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes every connection; the threads end with them."""
        with self._lock:
            sockets, self._sockets = self._sockets, []
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    @property
    def carried_bytes(self) -> int:
        """Bytes that went either way so far."""
        return self._carried_bytes

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._server)
            except OSError:
                return
            with self._lock:
                self._sockets += [near, far]
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._line(near, far, self._network.up_mbps)
            self._line(far, near, self._network.down_mbps)

    def _line(self, source: socket.socket, sink: socket.socket, mbps: float) -> None:
        """Two threads: one notes when a segment would arrive, the other hands it over then."""
        arriving: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
        threading.Thread(target=self._send, args=(source, arriving, mbps), daemon=True).start()
        threading.Thread(target=_deliver, args=(arriving, sink), daemon=True).start()

    def _send(self, source: socket.socket, arriving: queue.SimpleQueue[tuple[float, bytes]], mbps: float) -> None:
        free_at = 0.0
        while True:
            try:
                segment = source.recv(CHUNK_BYTES)
            except OSError:
                segment = b""
            now = time.monotonic()
            free_at = max(now, free_at) + len(segment) * 8 / (mbps * 1e6)
            arriving.put((free_at + self._network.rtt_ms / 2e3, segment))
            with self._lock:
                self._carried_bytes += len(segment)
            if not segment:
                return


def _deliver(arriving: queue.SimpleQueue[tuple[float, bytes]], sink: socket.socket) -> None:
    while True:
        due, segment = arriving.get()
        time.sleep(max(due - time.monotonic(), 0))
        try:
            if not segment:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(segment)
        except OSError:
            return
