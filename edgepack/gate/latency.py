"""How long single rows take here."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

from edgepack.contract import Columns, Runner
from edgepack.errors import EdgepackError

ROUNDS = 5


def single_row_us(runners: Mapping[str, Runner | str], columns: Columns) -> dict[str, float | str]:
    """By target, the median time of a row run alone, of `ROUNDS` rounds over all rows; or why it does not run."""
    return {target: r if isinstance(r, str) else _median_us(r, columns) for target, r in runners.items()}


def _median_us(runner: Runner, columns: Columns) -> float | str:
    count = len(next(iter(columns.values())))
    rows = [{name: values[k : k + 1] for name, values in columns.items()} for k in range(count)]
    times = []
    try:
        runner.run(rows[0])  # the first call sets up what later ones find ready
        for _ in range(ROUNDS):
            for row in rows:
                start = time.perf_counter_ns()
                runner.run(row)
                times.append((time.perf_counter_ns() - start) / 1e3)
    except EdgepackError as error:
        return str(error)
    return statistics.median(times)
