"""The same forest through edgepack, skl2onnx and two tools that write C, each asked rows on its own boundaries."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks import measure, peer
from benchmarks.isolated import NotThere, run
from benchmarks.peers_in_c import forest, row_us
from edgepack.contract import EmitOptions
from edgepack.lower import lower
from edgepack.parity import make_cases
from edgepack.passes import optimize
from edgepack.rows import columns_of
from edgepack.targets import find_target

HERE = Path(__file__).parent
COLUMNS = ("tool", "seconds to convert", "bytes", "single row µs", "rows", "labels flipped", "largest |Δp|")


def peers_table(trees: int = 30, depth: int = 8, rows: int = 20_000) -> Table:
    """Conversion time, size, latency and what becomes of boundary rows, in one run."""
    fitted = forest(trees, depth)
    x = _boundary_rows(fitted, rows)
    wanted = fitted.predict_proba(x)
    table = Table(title=f"RandomForest of {trees} trees of depth {depth}, 12 numbers", title_justify="left")
    for heading in COLUMNS:
        table.add_column(heading, justify="left" if heading == "tool" else "right")
    seconds, model = measure.seconds(lambda: _ours(fitted), runs=2)
    _add(table, "edgepack", seconds, len(model), *_asked(model, "numbers", x), wanted)
    seconds, model = measure.seconds(lambda: peer.convert_matrix(fitted, x.shape[1]), runs=2)
    _add(table, "skl2onnx", seconds, len(model), *_asked(model, "X", x), wanted)
    with tempfile.TemporaryDirectory() as folder:
        np.save(given := Path(folder) / "rows.npy", x)
        try:
            told = run(HERE / "peers.txt", HERE / "peers_in_c.py", str(given), folder, str(trees), str(depth))
        except NotThere as reason:
            table.add_row("m2cgen, tl2cgen", f"not run: {reason}")
            return table
        for line in told.splitlines():
            if line.startswith("{"):
                found = json.loads(line)
                answers = np.load(Path(folder) / f"{found['tool']}.npy")
                _add(table, found["tool"], found["seconds"], found["bytes"], found["row_us"], answers, wanted)
    return table


def _boundary_rows(fitted: Any, rows: int) -> Any:
    """float32 rows on both sides of every split, as `edgepack parity` makes them."""
    sample = np.zeros((2, fitted.n_features_in_))
    lowered = lower(fitted, sample)
    example = columns_of(sample, lowered.interface)
    cases = make_cases(lowered, folded=optimize(lowered), example=example, budget_rows=rows)
    x = np.concatenate([cases.columns[i.name] for i in lowered.interface.inputs], axis=1)
    return x[np.isfinite(x).all(axis=1)].astype(np.float32)


def _ours(fitted: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        program = optimize(lower(fitted, np.zeros((2, fitted.n_features_in_))))
        return find_target("onnx").emit(program, Path(folder), EmitOptions()).path.read_bytes()


def _asked(model: bytes, name: str, x: Any) -> tuple[float, Any]:
    """Single-row µs and all probabilities of an ONNX model."""
    session = measure.session(model)
    output = next(o.name for o in session.get_outputs() if "prob" in o.name)
    given = [{name: x[k : k + 1]} for k in range(256)]
    latency = row_us(lambda row: session.run(None, given[int(row[0])]), np.arange(256.0)[:, None])
    return latency, session.run([output], {name: x})[0]


def _add(table: Table, tool: str, seconds: float, size: int, latency: float, answers: Any, wanted: Any) -> None:
    best = np.sort(wanted, axis=1)
    tied = best[:, -1] - best[:, -2] < 1e-14
    flips = int(((answers.argmax(axis=1) != wanted.argmax(axis=1)) & ~tied).sum())
    error = f"{np.abs(answers - wanted).max():.1e}"
    table.add_row(tool, f"{seconds:.2f}", f"{size:,}", f"{latency:.1f}", f"{len(wanted):,}", str(flips), error)
