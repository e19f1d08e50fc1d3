"""The tables: the same fitted pipelines through edgepack and through skl2onnx, in one run."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import coreml, houses, measure, peer
from benchmarks.adversarial import adversarial_table
from benchmarks.peers import peers_table
from benchmarks.stream import stream_table
from edgepack import compile as compile_estimator
from edgepack.contract import EmitOptions, Precision
from edgepack.rows import columns_of
from edgepack.targets import find_target


def artifact(
    estimator: Any, sample: Any, precision: Precision = "float64", *, packs: bool = False
) -> tuple[Any, bytes]:
    """edgepack's Program and ONNX model of a fitted estimator."""
    program = compile_estimator(estimator, sample)
    with tempfile.TemporaryDirectory() as folder:
        emitted = find_target("onnx").emit(program, Path(folder), EmitOptions(precision=precision, packs=packs))
        return program, emitted.path.read_bytes()


def latency_table() -> Table:
    """Nodes, sizes and single-row latency of both graphs, and the ratios."""
    import onnx

    table = Table(title="Same pipeline, one row at a time, one thread (host)", title_justify="left")
    for heading in ("pipeline", "tool", "nodes", "bytes", "deflated", "single row µs", "bytes ÷", "faster ×"):
        table.add_column(heading, justify="left" if heading in ("pipeline", "tool") else "right")
    for case in houses.cases():
        program, exact = artifact(case.estimator, case.rows)
        _, single = artifact(case.estimator, case.rows, "float32")
        _, small = artifact(case.estimator, case.rows, "float32", packs=True)
        theirs = peer.convert(case.estimator, case.rows)
        models = {"edgepack": exact, "edgepack float32": single, "edgepack float32, size": small, "skl2onnx": theirs}
        rows = [case.rows.iloc[[k]] for k in range(256)]
        ours_fed, theirs_fed = [_feed(program, row) for row in rows], [peer.feed(row) for row in rows]
        arms = {
            name: _caller(measure.session(model), theirs_fed if name == "skl2onnx" else ours_fed)
            for name, model in models.items()
        }
        times = measure.interleaved_us(arms)
        for name, model in models.items():
            is_ours = name != "skl2onnx"
            table.add_row(
                case.name if name == "edgepack" else "",
                name,
                str(len(onnx.load_from_string(model).graph.node)),
                f"{len(model):,}",
                f"{measure.compressed_bytes(model):,}",
                f"{times[name]:.1f}",
                f"{len(theirs) / len(model):.1f}" if is_ours else "",
                f"{times['skl2onnx'] / times[name]:.1f}" if is_ours else "",
            )
    return table


def conversion_table(nodes: int) -> Table:
    """How long a large forest takes to convert."""
    from sklearn.ensemble import RandomForestClassifier

    r = np.random.default_rng(0)
    x = r.normal(size=(30_000, 12)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + r.normal(0, 1, len(x)) > 0).astype(np.int64)
    trees = max(1, round(nodes / 9_875))
    forest = RandomForestClassifier(trees, n_jobs=2, random_state=0).fit(x, y)
    count = sum(t.tree_.node_count for t in forest.estimators_)
    compile_estimator(RandomForestClassifier(2, random_state=0).fit(x[:500], y[:500]), x[:2])  # imports are not timed
    peer.convert_matrix(RandomForestClassifier(2, random_state=0).fit(x[:500], y[:500]), x.shape[1])
    ours_s, (_, ours) = measure.seconds(lambda: artifact(forest, x[:2]))
    theirs_s, theirs = measure.seconds(lambda: peer.convert_matrix(forest, x.shape[1]))
    table = Table(title=f"Converting a RandomForest of {count:,} nodes", title_justify="left")
    for heading in ("tool", "seconds", "bytes", "faster ×"):
        table.add_column(heading, justify="left" if heading == "tool" else "right")
    table.add_row("edgepack", f"{ours_s:.2f}", f"{len(ours):,}", f"{theirs_s / ours_s:.1f}")
    table.add_row("skl2onnx", f"{theirs_s:.2f}", f"{len(theirs):,}", "")
    return table


def _caller(session: Any, feeds: list[dict[str, Any]]) -> Callable[[int], Any]:
    return lambda k: session.run(None, feeds[k % len(feeds)])


def _feed(program: Any, row: Any) -> dict[str, Any]:
    columns = columns_of(row, program.interface)
    numbers = [columns[i.name] for i in program.interface.inputs if i.kind == "number"]
    strings = [
        np.where(np.equal(columns[i.name], None), i.missing_token, columns[i.name])
        for i in program.interface.inputs
        if i.kind == "string"
    ]
    feed: dict[str, Any] = {}
    if numbers:
        feed["numbers"] = np.concatenate(numbers, axis=1).astype(program.interface.input_dtype)
    if strings:
        feed["strings"] = np.concatenate(strings, axis=1)
    return feed


def main() -> None:
    """Print the tables that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--nodes", type=int, default=1_000_000, help="size of the forest that is converted")
    parser.add_argument("--rows", type=int, default=1_000_000, help="boundary rows per model")
    parser.add_argument("--data-rows", type=int, default=10_000_000, help="rows of the file that parity streams")
    tables = ["latency", "conversion", "peers", "adversarial", "coreml", "stream"]
    parser.add_argument("table", nargs="*", choices=tables, help="which tables (default: all)")
    arguments = parser.parse_args()
    wanted = arguments.table or tables
    console = Console(width=140)
    if "latency" in wanted:
        console.print(latency_table())
    if "conversion" in wanted:
        console.print(conversion_table(arguments.nodes))
    if "peers" in wanted:
        console.print(peers_table())
    if "coreml" in wanted:
        console.print(coreml.writing_table())
        console.print(coreml.evaluator_table())
    if "adversarial" in wanted:
        console.print(adversarial_table(arguments.rows))
    if "stream" in wanted:
        console.print(stream_table(arguments.data_rows))


if __name__ == "__main__":
    main()
