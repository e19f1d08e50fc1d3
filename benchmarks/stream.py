"""Parity over a Parquet file of millions of rows: its pace against that of the slower runtime alone, and its memory."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from edgepack.contract import Columns, EmitOptions
from edgepack.lower import lower
from edgepack.parity import Reference
from edgepack.parity.refusals import row_count
from edgepack.parity.stream import stream_parity
from edgepack.parity.stream_data import DataFile
from edgepack.passes import optimize
from edgepack.targets import find_target

FEATURES = 8
ALONE_PARTS = 4


def stream_table(rows: int) -> Table:
    """Rows per second of scikit-learn, of ONNX Runtime and of parity over `rows` rows, and the peak of memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        _write(path, rows)
        estimator, lowered, runner = _model(Path(folder))
        reference = Reference(estimator=estimator, interface=lowered.interface)
        data = DataFile.open(path, lowered.interface)
        server = _pace(data, reference.answers)
        device = _pace(data, runner.run)
        started = time.perf_counter()
        (verdict,) = stream_parity(reference, {"onnx": runner}, data.parts(), rows=rows)
        parity = rows / (time.perf_counter() - started)
    table = Table(title=f"Parity over {rows:,} rows of Parquet (host)", title_justify="left")
    for heading in ("what", "rows per second", "of the slower runtime", "peak memory MB", "verdict"):
        table.add_column(heading, justify="left" if heading in ("what", "verdict") else "right")
    slower, peak = min(server, device), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    table.add_row("scikit-learn alone", f"{server:,.0f}", f"{server / slower:.0%}", "", "")
    table.add_row("ONNX Runtime alone", f"{device:,.0f}", f"{device / slower:.0%}", "", "")
    table.add_row(
        "parity", f"{parity:,.0f}", f"{parity / slower:.0%}", f"{peak:,}", f"{verdict.status} {verdict.rows:,}"
    )
    return table


def _pace(data: DataFile, run: Any) -> float:
    """Rows per second of one runtime alone on the first parts, reading not counted."""
    parts: list[Columns] = list(islice(_parts(data), ALONE_PARTS))
    run(parts[0])
    started = time.perf_counter()
    for part in parts:
        run(part)
    return sum(map(row_count, parts)) / (time.perf_counter() - started)


def _parts(data: DataFile) -> Iterator[Columns]:
    yield from data.parts()


def _model(folder: Path) -> tuple[Any, Any, Any]:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    frame = _rows(4000, 1)
    target = frame["x0"] * frame["x1"] + frame["x2"]
    forest = RandomForestRegressor(50, max_depth=10, random_state=0)
    estimator = make_pipeline(StandardScaler(), forest).fit(frame, target)
    lowered = lower(estimator, frame.head(20))
    onnx = find_target("onnx")
    artifact = onnx.emit(optimize(lowered), folder, EmitOptions())
    return estimator, lowered, onnx.open(artifact.path, lowered.interface)


def _rows(count: int, seed: int) -> Any:
    import pandas as pd

    r = np.random.default_rng(seed)
    return pd.DataFrame({f"x{k}": r.normal(size=count).astype(np.float32) for k in range(FEATURES)})


def _write(path: Path, rows: int) -> None:
    import pyarrow
    from pyarrow import parquet

    writer: Any = None
    for k, start in enumerate(range(0, rows, 1_000_000)):
        table = pyarrow.Table.from_pandas(_rows(min(1_000_000, rows - start), k), preserve_index=False)
        writer = writer or parquet.ParquetWriter(path, table.schema)
        writer.write_table(table, row_group_size=1 << 17)
    writer.close()
