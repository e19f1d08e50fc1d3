"""A bundle's artifacts against the server that they replace."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.coldstart import cold_starts
from edgepack.contract import Columns
from edgepack.errors import UsageError
from edgepack.export import Progress
from edgepack.recheck import openers, original

if TYPE_CHECKING:
    from edgepack.bench import BenchResult
    from edgepack.bench.native import NativeRunner
    from edgepack.bundle.bundle import Bundle
    from edgepack.source.loading import Env


def rebench(
    bundle: Bundle,
    *,
    server: str | None = None,
    serve: bool = False,
    networks: Sequence[str] = (),
    native: Path | None = None,
    instructions: bool = False,
    repeats: int = 200,
    tracking_uri: str | None = None,
    allow_pickle: bool = False,
    env: Env = "auto",
    on_progress: Progress | None = None,
) -> BenchResult:
    """Latencies of every artifact, of scikit-learn in this process, and of a model server, on the model's sample rows.

    Args:
        server: the address of a running MLflow model server.
        serve: whether to start one for the time of the run.
        networks: names of simulated networks to ask the server through as well; see `edgepack.bench.network`.
        native: the folder of ONNX Runtime's C headers, to time the ONNX artifact through the C API as well.
        instructions: whether to count the instructions of a row there, with callgrind.
        repeats: how many single-row calls are timed per arm.

    Raises:
        SourceError: the model cannot be loaded any more, or its server does not start.
        UsageError: both a server and `serve`; instructions without headers; `serve` with a model that is not read in
            this process.
    """
    from edgepack.bench import ServedModel, bench
    from edgepack.bench.network import find_network
    from edgepack.bundle.files import MANIFEST, measure

    if server and serve:
        raise UsageError(f"--server {server} with --serve; choose one")
    if instructions and native is None:
        raise UsageError("--instructions: counted through the C API alone; give --native HEADERS too")
    chosen = [find_network(name) for name in dict.fromkeys(networks)]
    progress = on_progress or (lambda _what, _done, _total: None)
    with ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="edgepack-"))
        progress("load", 0, 0)
        compiled = original(bundle, Path(scratch), tracking_uri=tracking_uri, allow_pickle=allow_pickle, env=env)
        if serve and compiled.original is not None:
            raise UsageError(
                "--serve would read the model in this environment and with your rights; give --env current too, or "
                "--server with the address of one that runs"
            )
        server_rss = server_ready_ms = None
        if serve:
            progress("start server", 0, 0)
            served = stack.enter_context(ServedModel(compiled.source.folder, tracking_uri=tracking_uri))
            server, server_rss, server_ready_ms = served.url, served.peak_rss_bytes, served.ready_ms
        result = bench(
            openers(bundle),
            compiled.sample,
            interface=bundle.interface,
            estimator=compiled.estimator,
            server=server,
            server_rss=server_rss,
            server_ready_ms=server_ready_ms,
            networks=chosen,
            natives=_natives(bundle, native, compiled.sample_columns),
            instructions=instructions,
            colds=cold_starts(bundle),
            sizes={entry.artifact.target: entry.size_bytes for entry in bundle.manifest.artifacts},
            repeats=repeats,
            on_progress=on_progress,
        )
        return replace(result, manifest_sha256=measure(bundle.path, MANIFEST).sha256)


def _natives(bundle: Bundle, headers: Path | None, columns: Columns) -> dict[str, Callable[[], NativeRunner]]:
    """The ONNX artifact through the C API, if it is there and headers were given."""
    from edgepack.bench.measure import BATCHES

    if headers is None:
        return {}
    if "onnx" not in bundle.targets:
        raise UsageError(f"--native {headers}: the bundle holds no ONNX artifact; leave it out")
    return {"onnx, C API": lambda: native_runner(bundle, headers, columns, rows=max(BATCHES))}


def native_runner(bundle: Bundle, headers: Path, columns: Columns, *, rows: int) -> NativeRunner:
    """The bundle's ONNX artifact through the C API, over so many rows, repeated as needed.

    Raises:
        UsageError: no headers there, no C compiler, or no library of ONNX Runtime's.
    """
    import numpy as np

    from edgepack.bench.native import NativeRunner

    at = np.arange(rows) % len(next(iter(columns.values())))
    runner: Any = bundle.runner("onnx").runner
    feed = runner.feed({name: x[at] for name, x in columns.items()})
    path = next(bundle.path / e.artifact.path for e in bundle.manifest.artifacts if e.artifact.target == "onnx")
    return NativeRunner(headers, path, feed)
