"""The same forest through edgepack and six other tools, each asked rows on its own boundaries."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
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
COLUMNS = ("tool", "seconds to convert", "bytes", "single row µs", "seconds ×", "bytes ×", "row ×")
COLUMNS += ("rows", "labels flipped", "largest |Δp|")
ISOLATED = (
    ("m2cgen, tl2cgen", "peers.txt", "peers_in_c.py"),
    ("onnxmltools", "onnxmltools.txt", "peers_onnxmltools.py"),
    ("coremltools", "coremltools9.txt", "peers_coremltools.py"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What became of the forest in one tool.

    Attributes:
        row_us: of a single row; None for Core ML, whose runtime is Apple's.
        answers, wanted: the tool's probabilities of all rows, and those of the scikit-learn that it converted from.
        against: whose seconds, bytes and µs its own are divided by.
    """

    tool: str
    seconds: float
    size: int
    row_us: float | None
    answers: Any
    wanted: Any
    against: str = "edgepack, ONNX"


def peers_table(trees: int = 30, depth: int = 8, rows: int = 20_000) -> Table:
    """Conversion time, size, latency and what becomes of boundary rows, in one run."""
    title = f"RandomForest of {trees} trees of depth {depth}, 12 numbers; × is how much more than edgepack's"
    table = Table(title=title, title_justify="left")
    for heading in COLUMNS:
        table.add_column(heading, justify="left" if heading == "tool" else "right")
    bases: dict[str, Found] = {}
    for found in _peers(trees, depth, rows):
        if isinstance(found, str):
            table.add_row(*found.split(": ", 1))
        else:
            table.add_row(*_cells(found, bases.setdefault(found.against, found)))
    return table


def _peers(trees: int, depth: int, rows: int) -> Iterator[Found | str]:
    """Every tool's; or a line that says which did not run, and why."""
    fitted = forest(trees, depth)
    x = _boundary_rows(fitted, rows)
    wanted = fitted.predict_proba(x)
    yield _onnx("edgepack, ONNX", lambda: _ours(fitted, "onnx"), "numbers", x, wanted)
    yield _onnx("skl2onnx", lambda: peer.convert_matrix(fitted, x.shape[1]), "X", x, wanted)
    with tempfile.TemporaryDirectory() as folder:
        np.save(given := Path(folder) / "rows.npy", x)
        for tools, requirements, script in ISOLATED:
            if tools == "coremltools":
                yield _our_core_ml(fitted, x, wanted)
            try:
                told = run(HERE / requirements, HERE / script, str(given), folder, str(trees), str(depth))
            except NotThere as reason:
                yield f"{tools}: not run, {reason}"
                continue
            for line in told.splitlines():
                if line.startswith("{"):
                    yield _isolated(json.loads(line), Path(folder), x, wanted)


def _onnx(tool: str, convert: Any, name: str, x: Any, wanted: Any) -> Found:
    seconds, model = measure.seconds(convert, runs=2)
    row, answers = _asked(model, name, x)
    return Found(tool=tool, seconds=seconds, size=len(model), row_us=row, answers=answers, wanted=wanted)


def _our_core_ml(fitted: Any, x: Any, wanted: Any) -> Found:
    seconds, model = measure.seconds(lambda: _ours(fitted, "coreml"), runs=2)
    found, tool = _evaluated(model, x), "edgepack, Core ML"
    return Found(tool=tool, seconds=seconds, size=len(model), row_us=None, answers=found, wanted=wanted, against=tool)


def _isolated(told: dict[str, Any], folder: Path, x: Any, wanted: Any) -> Found:
    tool, figures = told["tool"], {"seconds": told["seconds"], "size": told["bytes"], "row_us": told.get("row_us")}
    if tool != "coremltools":
        return Found(tool=tool, answers=np.load(folder / f"{tool}.npy"), wanted=wanted, **figures)
    answers = _evaluated((folder / f"{tool}.mlmodel").read_bytes(), x)
    server = np.load(folder / f"{tool}.server.npy")
    title = "coremltools 9.0, scikit-learn 1.5.1"
    return Found(tool=title, answers=answers, wanted=server, against="edgepack, Core ML", **figures)


def _boundary_rows(fitted: Any, rows: int) -> Any:
    """float32 rows on both sides of every split, as `edgepack parity` makes them."""
    sample = np.zeros((2, fitted.n_features_in_))
    lowered = lower(fitted, sample)
    example = columns_of(sample, lowered.interface)
    cases = make_cases(lowered, folded=optimize(lowered), example=example, budget_rows=rows)
    x = np.concatenate([cases.columns[i.name] for i in lowered.interface.inputs], axis=1)
    return x[np.isfinite(x).all(axis=1)].astype(np.float32)


def _ours(fitted: Any, target: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        program = optimize(lower(fitted, np.zeros((2, fitted.n_features_in_))))
        return find_target(target).emit(program, Path(folder), EmitOptions()).path.read_bytes()


def _asked(model: bytes, name: str, x: Any) -> tuple[float, Any]:
    """Single-row µs and all probabilities of an ONNX model."""
    session = measure.session(model)
    output = next(o.name for o in session.get_outputs() if "prob" in o.name)
    given = [{name: x[k : k + 1]} for k in range(256)]
    latency = row_us(lambda row: session.run(None, given[int(row[0])]), np.arange(256.0)[:, None])
    return latency, session.run([output], {name: x})[0]


def _evaluated(model: bytes, x: Any) -> Any:
    """All probabilities of a Core ML model by the reference evaluator, the inputs in the order of the columns."""
    from edgepack_coreml.evaluate import load

    with tempfile.TemporaryDirectory() as folder:
        (path := Path(folder) / "model.mlmodel").write_bytes(model)
        evaluator = load(path)
        columns = x.astype(np.float64)
        given = {
            name: columns[:, k] if shape.kind == "double" else columns.astype(shape.dtype)
            for k, (name, shape) in enumerate(evaluator.inputs.items())
        }
        table = evaluator.run(given)[evaluator.description.predictedProbabilitiesName]
        return table.numbers[:, np.argsort(table.labels)]


def _cells(found: Found, base: Found) -> tuple[str, ...]:
    best = np.sort(found.wanted, axis=1)
    tied = best[:, -1] - best[:, -2] < 1e-14
    flips = int(((found.answers.argmax(axis=1) != found.wanted.argmax(axis=1)) & ~tied).sum())
    ratios = [found.seconds / base.seconds, found.size / base.size]
    row = "Apple's alone" if found.row_us is None else f"{found.row_us:.1f}"
    ratio = f"{found.row_us / base.row_us:.1f}" if found.row_us and base.row_us else ""
    return (
        found.tool,
        f"{found.seconds:.2f}",
        f"{found.size:,}",
        row,
        *(f"{each:.1f}" for each in ratios),
        ratio,
        f"{len(found.wanted):,}",
        str(flips),
        f"{np.abs(found.answers - found.wanted).max():.1e}",
    )
