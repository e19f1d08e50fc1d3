"""An MLflow client that finds its store or says why not, within seconds, in silence, and leaving nothing behind."""

from __future__ import annotations

import logging
import math
import os
import re
import socket
import sqlite3
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from edgepack.errors import SourceError

if TYPE_CHECKING:
    from mlflow import MlflowClient

_DEFAULT_STORE = "sqlite:///mlflow.db"  # MLflow's own default, in the current folder
_NOISY_LOGGERS = ("mlflow", "alembic", "urllib3")
_LISTING_OF_FAILURES = re.compile(
    r"The following failures occurred while downloading one or more artifacts from \S+: ##### File (\S+) ##### "
    r"(?:API request to \S+ failed with exception )?"
)
_UNCONFIGURED = "give --tracking-uri or set MLFLOW_TRACKING_URI"


@contextmanager
def open_registry(tracking_uri: str | None, timeout_s: float) -> Iterator[tuple[MlflowClient, str]]:
    """A client of the tracking store and registry, and the store's URI; what MLflow raises inside is a SourceError.

    Args:
        tracking_uri: else MLFLOW_TRACKING_URI, else MLflow's default, `sqlite:///mlflow.db` in the current folder.
        timeout_s: how long a server may take for one answer, a second attempt included.

    Raises:
        SourceError: no such store, a store that MLflow cannot read, or a server that cannot be reached.
    """
    store = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or _DEFAULT_STORE
    _check_store(store, timeout_s)
    with _environment(
        {
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
            "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
            "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
            "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, math.ceil(timeout_s / 2))),
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
    ):
        # mlflow sets its loggers up on import, so they are silenced after it
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        with _silence():
            try:
                yield MlflowClient(tracking_uri=store), store
            except MlflowException as error:
                raise SourceError(explain(error, store)) from error


def explain(error: BaseException, store: str) -> str:
    """One line for an error out of MLflow: an unreachable server apart from everything that a server answers."""
    from requests import RequestException
    from requests.exceptions import RetryError

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, RetryError) and (found := re.search(r"too many (\d+) error responses", str(cause))):
            return f"{without_credentials(store)}: the MLflow server answers {found[1]} again and again; see its log"
        if isinstance(cause, RequestException) and cause.response is None:
            return (
                f"{without_credentials(store)}: the MLflow server does not answer ({type(cause).__name__}); "
                "check that it runs and that the address is right"
            )
        cause = cause.__cause__ or cause.__context__
    reason = without_credentials(" ".join(str(error).split()))
    reason = _LISTING_OF_FAILURES.sub(r"\1: ", reason)
    return f"{without_credentials(store)}: MLflow says: {reason[:300]}{'…' if len(reason) > 300 else ''}"


def without_credentials(uri: str) -> str:
    """The URI, or a text with URIs in it, without any `user:password@` that they carry."""
    return re.sub(r"(?<=://)[^/@\s]*@", "", uri)


def _check_store(store: str, timeout_s: float) -> None:
    """Looks before MLflow does, which creates what it does not find and retries what does not answer for minutes."""
    scheme = store.partition(":")[0] if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", store) else ""
    if scheme in ("", "file"):
        raise SourceError(
            f"{store}: MLflow 3 no longer reads folders as a tracking store; "
            f"migrate it (mlflow migrate-filestore) and give sqlite:///PATH/mlflow.db or a server's http(s):// address"
        )
    if scheme.startswith("sqlite"):
        _check_sqlite(store)
    elif scheme in ("http", "https"):
        _check_answering(store, timeout_s)
    elif scheme.startswith(("postgresql", "mysql", "mssql")):
        _check_listening(store, timeout_s)


def _check_sqlite(store: str) -> None:
    path = Path(store.partition("://")[2].removeprefix("/").partition("?")[0])
    if not path.is_file():
        raise SourceError(f"{store}: no database at {path.absolute()}; {_UNCONFIGURED}")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error as error:
        raise SourceError(f"{store}: not a SQLite database that can be read ({error}); {_UNCONFIGURED}") from error
    if not {"registered_models", "runs"} <= tables:
        raise SourceError(f"{store}: this database holds no MLflow tracking store; {_UNCONFIGURED}")


def _check_answering(store: str, timeout_s: float) -> None:
    """Whether the server answers anything in time: a header that comes a byte at a time would keep MLflow for ever."""
    import requests

    failures: list[Exception] = []

    def ask() -> None:
        try:
            with requests.get(f"{store.rstrip('/')}/health", timeout=timeout_s, stream=True, allow_redirects=False):
                pass
        except requests.exceptions.SSLError:
            pass  # MLflow has settings of its own for certificates
        except requests.RequestException as error:
            failures.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout_s)
    if asking.is_alive():
        failures.append(TimeoutError())
    if failures:
        reason = type(failures[0]).__name__
        raise SourceError(
            f"{without_credentials(store)}: the MLflow server does not answer ({reason}); "
            "check that it runs and that the address is right"
        )


def _check_listening(store: str, timeout_s: float) -> None:
    address = urlsplit(store)
    port = address.port or {"postgresql": 5432, "mysql": 3306}.get(address.scheme.partition("+")[0], 1433)
    try:
        socket.create_connection((address.hostname or "localhost", port), timeout=timeout_s).close()
    except OSError as error:
        raise SourceError(f"{without_credentials(store)}: the database server does not answer ({error})") from error


@contextmanager
def _environment(defaults: Mapping[str, str]) -> Iterator[None]:
    """Inside, MLflow's settings are these, except where the user's environment says otherwise."""
    ours = [name for name in defaults if name not in os.environ]
    os.environ.update({name: defaults[name] for name in ours})
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextmanager
def _silence() -> Iterator[None]:
    levels: list[tuple[Any, int]] = [(logger, logger.level) for logger in map(logging.getLogger, _NOISY_LOGGERS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger, _ in levels:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in levels:
                logger.setLevel(level)
