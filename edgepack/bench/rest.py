"""A client of MLflow's model server: one kept-alive connection."""

from __future__ import annotations

import http.client
import json
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from edgepack.errors import EdgepackError, UsageError

if TYPE_CHECKING:
    import pandas as pd

TIMEOUT_S = 60.0


class RestClient:
    """Speaks to a server at `http://host:port`. Close it, or use it as a context manager.

    Source: MLflow's scoring protocol: `POST /invocations` with `dataframe_split` or `inputs`, `GET /ping`.
    """

    def __init__(self, url: str) -> None:
        """Takes the server's address; connects at the first call. Raises `UsageError` for anything but http(s)."""
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{url!r} is no server; give http://host:port")
        self.url = f"{parts.scheme}://{parts.netloc}"
        self._path = parts.path.rstrip("/").removesuffix("/invocations")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes the connection."""
        self.close()

    def close(self) -> None:
        """Closes the connection; the next call opens another."""
        self._connection.close()

    def connect_us(self) -> float:
        """How long a new connection takes."""
        self.close()
        start = time.perf_counter_ns()
        try:
            self._connection.connect()
        except OSError as error:
            raise self._unreachable(error) from error
        return (time.perf_counter_ns() - start) / 1e3

    def ping(self) -> None:
        """Returns when the server says that it is ready. Raises `EdgepackError` otherwise."""
        self._call("GET", "/ping", None)

    def invoke(self, body: bytes) -> bytes:
        """The server's JSON answer to a JSON body. Raises `EdgepackError` with the server's own message."""
        return self._call("POST", "/invocations", body)

    def _call(self, method: str, path: str, body: bytes | None) -> bytes:
        try:
            try:
                status, answer = self._once(method, path, body)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                self.close()  # a server may close an idle connection at any time; a new one gets a fair try
                status, answer = self._once(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise self._unreachable(error) from error
        if status != 200:
            raise EdgepackError(f"{self.url}{path}: status {status}, {_message(answer)}")
        return answer

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self._connection.request(method, self._path + path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def _unreachable(self, error: Exception) -> EdgepackError:
        reason = str(error) or type(error).__name__
        return EdgepackError(f"{self.url}: does not answer ({reason}); start it, or give the address of another")


def payload(rows: Any) -> bytes:
    """The JSON body for rows as an estimator takes them: a DataFrame as `dataframe_split`, an array as `inputs`."""
    if not hasattr(rows, "columns"):
        return json.dumps({"inputs": _nulls(rows.tolist())}).encode()
    frame: pd.DataFrame = rows
    # column by column, so that an integer stays one beside a column of floats
    columns = [_nulls(frame[name].astype(object).where(frame[name].notna(), None).tolist()) for name in frame.columns]
    data = [list(row) for row in zip(*columns, strict=True)]
    return json.dumps({"dataframe_split": {"columns": [str(n) for n in frame.columns], "data": data}}).encode()


def _nulls(value: Any) -> Any:
    """JSON has no NaN: null, at any depth."""
    if isinstance(value, list):
        return [_nulls(v) for v in value]
    return None if isinstance(value, float) and value != value else value


def _message(answer: bytes) -> str:
    """The server's own message on one line."""
    try:
        document = json.loads(answer)
        text = str(document.get("message") or document.get("detail") or document)
    except (ValueError, AttributeError):
        text = answer.decode(errors="replace")
    return " ".join(text.split())[:200] or "no message"
