"""Runs where `peers.txt` is installed: m2cgen and tl2cgen on the forest of `benchmarks.peers`.

`python peers_in_c.py ROWS.npy FOLDER TREES DEPTH` prints, per tool, a line of JSON: seconds from the fitted forest to a
shared library, its bytes, the median µs of a row; and writes the probabilities of all rows to `FOLDER/TOOL.npy`.
"""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier


def forest(trees: int, depth: int) -> RandomForestClassifier:
    """The same in every environment with the same scikit-learn."""
    r = np.random.default_rng(0)
    x = r.normal(size=(20_000, 12)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] + r.normal(0, 1, len(x)) > 0).astype(np.int64)
    return RandomForestClassifier(trees, max_depth=depth, random_state=0).fit(x, y)


def main() -> None:
    """Converts and times."""
    rows, folder = np.load(sys.argv[1]), Path(sys.argv[2])
    fitted = forest(int(sys.argv[3]), int(sys.argv[4]))
    for tool, convert in (("m2cgen", with_m2cgen), ("tl2cgen", with_tl2cgen)):
        start = time.perf_counter()
        library, one, many = convert(fitted, folder)
        seconds = time.perf_counter() - start
        np.save(folder / f"{tool}.npy", many(rows))
        found = {"tool": tool, "seconds": seconds, "bytes": library.stat().st_size, "row_us": row_us(one, rows)}
        print(json.dumps(found), flush=True)


def with_m2cgen(fitted: Any, folder: Path) -> tuple[Path, Callable[[Any], Any], Callable[[Any], Any]]:
    """C source, compiled by the system's compiler; called through ctypes, a row of doubles at a time."""
    import m2cgen

    sys.setrecursionlimit(100_000)
    source, library = folder / "m2cgen.c", folder / "m2cgen.so"
    source.write_text(m2cgen.export_to_c(fitted))
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", str(library), str(source), "-lm"], check=True)
    score = ctypes.CDLL(str(library)).score
    answer = np.zeros(2)
    to = answer.ctypes.data_as(ctypes.c_void_p)

    def one(row: Any) -> Any:
        score(row.ctypes.data_as(ctypes.c_void_p), to)
        return answer

    return library, one, lambda rows: np.array([one(row).copy() for row in np.ascontiguousarray(rows, np.float64)])


def with_tl2cgen(fitted: Any, folder: Path) -> tuple[Path, Callable[[Any], Any], Callable[[Any], Any]]:
    """Through Treelite's form of the forest."""
    import tl2cgen
    import treelite

    library = folder / "tl2cgen.so"
    model = treelite.sklearn.import_model(fitted)
    tl2cgen.export_lib(model, toolchain="gcc", libpath=str(library), params={"parallel_comp": 2}, verbose=False)
    predictor = tl2cgen.Predictor(str(library), nthread=1)

    def many(rows: Any) -> Any:
        return predictor.predict(tl2cgen.DMatrix(np.atleast_2d(rows).astype(np.float32), dtype="float32"))[:, 0]

    return library, many, many


def row_us(one: Callable[[Any], Any], rows: Any, calls: int = 2_000) -> float:
    """The median of single-row calls, over 256 rows in turn."""
    given = np.ascontiguousarray(rows[:256], np.float64)
    times = np.empty(calls)
    for k in range(-50, calls):
        start = time.perf_counter_ns()
        one(given[k % len(given)])
        times[max(k, 0)] = time.perf_counter_ns() - start
    return float(np.median(times)) / 1e3


if __name__ == "__main__":
    main()
