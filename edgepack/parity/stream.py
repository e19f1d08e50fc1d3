"""Parity over more rows than memory holds: part by part, two parts at a time."""

from __future__ import annotations

import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import groupby

import numpy as np

from edgepack.columns import row_count
from edgepack.contract import Columns, OutputComparison, Runner, Verdict
from edgepack.errors import ParityError
from edgepack.parity.cases import Cases
from edgepack.parity.compare import WORST_ROWS, Tolerance, problem
from edgepack.parity.gate import Progress, run_parity
from edgepack.parity.reference import Asked

AT_ONCE = 2


def stream_parity(
    reference: Asked,
    runners: Mapping[str, Runner | str],
    parts: Iterable[Columns],
    *,
    rows: int = 0,
    tolerance: Tolerance | None = None,
    on_progress: Progress | None = None,
) -> tuple[Verdict, ...]:
    """A verdict per target over all parts, of which no more than three are in memory.

    Args:
        parts: the rows.
        rows: how many there are in all; 0 where that is not known.
    """
    progress = on_progress or (lambda _what, _done, _total: None)

    def judge(part: Columns) -> tuple[int, tuple[Verdict, ...]]:
        count = row_count(part)
        cases = Cases(columns=part, origins=np.full(count, "data", object))
        try:
            return count, run_parity(reference, runners, cases, tolerance=tolerance)
        except ParityError:  # the server refuses all of them
            nothing = [Verdict(target=t, runtime="", status="measured", refused_rows=count) for t in runners]
            return count, tuple(nothing)

    merged: tuple[Verdict, ...] = ()
    done = 0
    with warnings.catch_warnings():  # threads share the filters: one that puts its own back would undo another's
        warnings.simplefilter("ignore")
        for count, verdicts in _in_order(judge, parts):
            merged = merge(merged, verdicts) if merged else verdicts
            done += count
            progress("data", done, rows)
    return merged


def merge(first: Sequence[Verdict], second: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """The verdicts of two sets of rows as one per target. Percentiles are upper bounds: the larger of both."""
    return tuple(_merged(a, b) for a, b in zip(first, second, strict=True))


def _in_order(
    judge: Callable[[Columns], tuple[int, tuple[Verdict, ...]]], parts: Iterable[Columns]
) -> Iterator[tuple[int, tuple[Verdict, ...]]]:
    waiting: deque[Future[tuple[int, tuple[Verdict, ...]]]] = deque()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for part in parts:
            waiting.append(pool.submit(judge, part))
            if len(waiting) > AT_ONCE:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _merged(a: Verdict, b: Verdict) -> Verdict:
    if "not run" in (a.status, b.status):
        return a if a.status == "not run" else b
    outputs = tuple(
        _together(list(same))
        for _, same in groupby(sorted([*a.outputs, *b.outputs], key=lambda o: _place(o, a, b)), lambda o: o.output)
    )
    rows = a.rows + b.rows
    said = [problem(o, rows) for o in outputs if o.rows_over_tolerance]
    other = [v.reason for v in (a, b) if v.reason and not any(o.rows_over_tolerance for o in v.outputs)]
    worst = [row for v in sorted((a, b), key=_worst, reverse=True) for row in v.worst_rows]
    return replace(
        a,
        runtime=a.runtime or b.runtime,
        machine=a.machine or b.machine,
        status="failed" if "failed" in (a.status, b.status) else a.status,
        reason="; ".join(dict.fromkeys([*said, *other])),
        rows=rows,
        refused_rows=a.refused_rows + b.refused_rows,
        label_changes=a.label_changes + b.label_changes,
        tied_rows=a.tied_rows + b.tied_rows,
        outputs=outputs,
        worst_rows=tuple(worst[:WORST_ROWS]),
        cases=dict(Counter(a.cases) + Counter(b.cases)),
    )


def _place(output: OutputComparison, a: Verdict, b: Verdict) -> int:
    return [o.output for o in (*a.outputs, *b.outputs)].index(output.output)


def _together(same: list[OutputComparison]) -> OutputComparison:
    return replace(
        same[0],
        smallest_passing_tolerance=max(o.smallest_passing_tolerance for o in same),
        max_abs_error=max(o.max_abs_error for o in same),
        p50_abs_error=max(o.p50_abs_error for o in same),
        p99_abs_error=max(o.p99_abs_error for o in same),
        rows_over_tolerance=sum(o.rows_over_tolerance for o in same),
        rows_by_error=dict(sorted(sum((Counter(o.rows_by_error) for o in same), Counter()).items(), key=_size)),
    )


def _size(decade: tuple[str, int]) -> float:
    return float(decade[0])


def _worst(verdict: Verdict) -> float:
    return max((o.smallest_passing_tolerance / (o.tolerance or 1e-300) for o in verdict.outputs), default=0.0)
