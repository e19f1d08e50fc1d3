"""Core ML: writing a large forest beside coremltools, and the reference evaluator beside scikit-learn."""

from __future__ import annotations

import json
import resource
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks import measure
from benchmarks.isolated import NotThere, run
from edgepack import compile as compile_estimator
from edgepack.contract import EmitOptions
from edgepack.rows import columns_of
from edgepack.targets import find_target

HERE = Path(__file__).parent


def forest(trees: int) -> tuple[Any, Any]:
    """A forest of about 4,900 nodes per tree, the same as in `coreml_writing`, and its rows."""
    from sklearn.ensemble import RandomForestClassifier

    r = np.random.default_rng(0)
    x = r.normal(size=(12_000, 12)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + r.normal(0, 1, len(x)) > 0).astype(np.int64)
    return RandomForestClassifier(trees, n_jobs=2, random_state=0).fit(x, y), x


def writing_table(trees: int = 300) -> Table:
    """From the fitted forest to the file, in one run: edgepack's whole line, and coremltools' converter.

    CPU seconds, of which both use one core: other work on the machine tells less in them.
    """
    fitted, x = forest(trees)
    nodes = sum(tree.tree_.node_count for tree in fitted.estimators_)
    _written(forest(2)[0], x)  # imports are not timed
    ours_s, ours_bytes = measure.cpu_seconds(lambda: _written(fitted, x))
    table = Table(title=f"Writing RandomForest({trees} trees, {nodes:,} nodes) as Core ML", title_justify="left")
    for heading in ("tool", "nodes", "CPU seconds", "bytes", "faster ×"):
        table.add_column(heading, justify="left" if heading == "tool" else "right")
    try:
        theirs = json.loads(run(HERE / "coremltools9.txt", HERE / "coreml_writing.py", str(trees)).splitlines()[-1])
    except NotThere as reason:
        table.add_row("edgepack", f"{nodes:,}", f"{ours_s:.2f}", f"{ours_bytes:,}", f"not run: {reason}")
        return table
    ratio = theirs["seconds"] / ours_s
    table.add_row("edgepack", f"{nodes:,}", f"{ours_s:.2f}", f"{ours_bytes:,}", f"{ratio:.1f}")
    size = f"{theirs['bytes']:,}"
    table.add_row("coremltools 9.0, scikit-learn 1.5.1", f"{theirs['nodes']:,}", f"{theirs['seconds']:.2f}", size, "")
    return table


def evaluator_table(rows: int = 100_000) -> Table:
    """The evaluator and scikit-learn's own predict over the same rows, on one thread, and what memory both added."""
    from sklearn.ensemble import RandomForestClassifier

    r = np.random.default_rng(0)
    x = r.normal(size=(20_000, 20)).astype(np.float32).astype(np.float64)
    y = (x[:, 0] + x[:, 1] * x[:, 2] + r.normal(0, 1, len(x)) > 0).astype(np.int64)
    fitted = RandomForestClassifier(100, max_depth=12, random_state=0, n_jobs=1).fit(x, y)
    program = compile_estimator(fitted, x[:2])
    given = r.normal(size=(rows, 20)).astype(np.float32).astype(np.float64)
    columns = columns_of(given, program.interface)
    table = Table(title=f"Reference evaluator: {rows:,} rows, 100 trees of depth 12", title_justify="left")
    for heading in ("runs", "seconds", "times scikit-learn's", "largest |Δp|", "peak memory added MB"):
        table.add_column(heading, justify="left" if heading == "runs" else "right")
    with tempfile.TemporaryDirectory() as folder:
        target = find_target("coreml")
        runner = target.open(target.emit(program, Path(folder), EmitOptions()).path, program.interface)
        runner.run({name: values[:100] for name, values in columns.items()})
        before = _peak_mb()
        ours_s, answers = measure.seconds(lambda: runner.run(columns))
        added = _peak_mb() - before
    theirs_s, wanted = measure.seconds(lambda: fitted.predict_proba(given))
    error = f"{np.abs(answers['probabilities'] - wanted).max():.1e}"
    table.add_row("evaluator", f"{ours_s:.2f}", f"{ours_s / theirs_s:.2f}", error, f"{added:.0f}")
    table.add_row("scikit-learn", f"{theirs_s:.2f}", "1", "", "")
    return table


def _written(fitted: Any, x: Any) -> int:
    """The bytes of the file that compiling and emitting gives."""
    with tempfile.TemporaryDirectory() as folder:
        artifact = find_target("coreml").emit(compile_estimator(fitted, x[:2]), Path(folder), EmitOptions())
        return artifact.path.stat().st_size


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
