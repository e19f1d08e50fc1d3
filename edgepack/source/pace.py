"""A least pace for what is downloaded: no single read of a server that drips takes long, but all of them would."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

LEAST_BYTES_PER_S = 1024


@contextmanager
def paced(window_s: float) -> Iterator[None]:
    """Inside, a connection that brings fewer than 1,024 bytes a second over a whole window raises `TimeoutError`.

    MLflow and requests know limits for single reads alone, so the reads themselves are watched: those of every
    connection of this process, in every thread, for as long as this lasts.
    """
    read = socket.SocketIO.readinto
    windows: WeakKeyDictionary[socket.SocketIO, tuple[float, int]] = WeakKeyDictionary()

    def readinto(self: socket.SocketIO, buffer: Any) -> int | None:
        began, seen = windows.get(self, (time.monotonic(), 0))
        count = read(self, buffer)
        seen += count or 0
        now = time.monotonic()
        if count and now - began >= window_s:
            if seen < LEAST_BYTES_PER_S * window_s:
                raise TimeoutError(f"fewer than {LEAST_BYTES_PER_S} bytes a second")
            began, seen = now, 0
        windows[self] = began, seen
        return count

    socket.SocketIO.readinto = readinto  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        socket.SocketIO.readinto = read  # type: ignore[method-assign]
