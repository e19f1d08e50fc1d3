"""One run of parity: the server once, then every artifact on the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgepack.columns import row_count, take
from edgepack.contract import Answers, Columns, Covered, Runner, Verdict
from edgepack.ir import Program
from edgepack.ir.types import Array, Flags, Integers
from edgepack.parity.cases import Cases
from edgepack.parity.compare import TIE, Tolerance, compare, not_run
from edgepack.parity.coverage import coverage
from edgepack.parity.explain import Stages, first_failing
from edgepack.parity.forks import near_forks
from edgepack.parity.machine import machine_of
from edgepack.parity.reference import Asked

ROWS_AT_ONCE = 4096
ROWS_ALONE = 64
OWN = ("data", "examples")
"""Origins of rows that are not made up: an artifact must be for these."""

Progress = Callable[[str, int, int], None]
"""Called with what is being run (`server` or a target), how many rows are done, and how many there are."""


def run_parity(
    reference: Asked,
    runners: Mapping[str, Runner | str],
    cases: Cases,
    *,
    program: Program | None = None,
    stages: Stages | None = None,
    tolerance: Tolerance | None = None,
    on_progress: Progress | None = None,
) -> tuple[Verdict, ...]:
    """A verdict per target, in the order of `runners`; an artifact that cannot be run is `failed`, never an exception.

    Every runner gets the rows in batches and `ROWS_ALONE` of them once more a row at a time, as a phone runs them: for
    these rows the answer that stands is the single row's.

    Args:
        reference: the server.
        runners: by target; a string is the reason why its runtime is not there (`not run`).
        program: what the reference means: the verdicts say how much of it the rows cover, and
            rows at which a choice inside it hangs by a hair are ties.
        cases: the rows; those that the server refuses are left out and counted.
        stages: the way from the server to the files, of which a failed verdict then says where they part.

    Raises:
        ParityError: where the server refuses every row.
    """
    progress = on_progress or (lambda _target, _done, _total: None)
    progress("server", 0, cases.rows)
    server, refused = reference.answers(cases.columns)
    progress("server", cases.rows, cases.rows)
    kept = ~refused
    columns = take(cases.columns, kept)
    rows = _Rows(
        reference=reference,
        stages=stages,
        columns=columns,
        coverage={} if program is None else coverage(program, columns, server),
        server=server,
        refused_rows=int(refused.sum()),
        origins=cases.origins[kept],
        program=program,
        tolerance=tolerance or Tolerance(yields=True),
        progress=progress,
    )
    return tuple(
        not_run(target, runner) if isinstance(runner, str) else rows.judge(target, runner)
        for target, runner in runners.items()
    )


def within_ranges(runner: Runner, columns: Columns) -> Flags:
    """`(rows,)`: which rows hold no finite number beyond those that a runner says its artifact is for."""
    within = np.ones(row_count(columns), bool)
    for name, (low, high) in getattr(runner, "ranges", {}).items():
        values = columns[name]
        within &= ~(((values < low) | (values > high)) & np.isfinite(values)).any(axis=1)
    return within


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    reference: Asked
    stages: Stages | None
    columns: Columns
    coverage: Mapping[str, Covered]
    server: Answers
    refused_rows: int
    origins: Array
    program: Program | None
    tolerance: Tolerance
    progress: Progress

    def judge(self, target: str, runner: Runner) -> Verdict:
        verdict = self._judged(target, runner)
        return replace(verdict, machine=machine_of(verdict.runtime))

    def _judged(self, target: str, runner: Runner) -> Verdict:
        runtime = type(runner).__name__
        try:
            runtime = runner.runtime
            judge = replace(self, tolerance=self.tolerance.of(runner))
            within = within_ranges(runner, self.columns)
            if within.all():
                return judge._compared(target, runtime, runner)
            if not within.any():
                failed = Verdict(target=target, runtime=runtime, status="failed", refused_rows=self.refused_rows)
                return self._without(~within, failed)
            return self._without(~within, judge._kept(within)._compared(target, runtime, runner))
        except Exception as error:  # whatever a runtime raises is a finding about the artifact
            reason = f"{runtime} stopped: {type(error).__name__}: {_one_line(error)}"
            failed = Verdict(target=target, runtime=runtime, status="failed", reason=reason)
            return replace(failed, refused_rows=self.refused_rows)

    def _without(self, beyond: Flags, verdict: Verdict) -> Verdict:
        """The verdict, saying what was left out; failed where the artifact is not for rows that a user has."""
        said = [verdict.reason] if verdict.reason else []
        own = int((beyond & np.isin(self.origins, OWN)).sum())
        if own:
            said.append(f"{own:,} given rows have numbers that the artifact is not for; use another target")
        said.append(f"{int(beyond.sum()):,} rows beyond the numbers that the artifact is for were left out")
        status = "failed" if own else verdict.status
        return replace(verdict, status=status, reason="; ".join(said), beyond_rows=int(beyond.sum()))

    def _kept(self, kept: Flags) -> _Rows:
        server = {name: answer[kept] for name, answer in self.server.items()}
        columns = take(self.columns, kept)
        covered = {} if self.program is None else coverage(self.program, columns, server)
        return replace(self, columns=columns, coverage=covered, server=server, origins=self.origins[kept])

    def _ties(self, columns: Columns, width: float) -> Flags:
        ties = self.reference.ties(columns)
        return ties if self.program is None else ties | near_forks(self.program, columns, width)

    def _compared(self, target: str, runtime: str, runner: Runner) -> Verdict:
        width = float(getattr(runner, "tie_width", TIE))
        device = self._run(target, runner)
        verdict = replace(self._verdict(target, runtime, width, device, slice(None)), coverage=self.coverage)
        if verdict.passed or self.stages is None:
            return verdict
        k = first_failing(lambda at: self._verdict(target, runtime, width, device, at).passed, row_count(self.columns))
        found = self.stages.explain(target, runner, take(self.columns, slice(k, k + 1)))
        return replace(verdict, reason="; ".join([verdict.reason, *([] if found is None else [str(found)])]))

    def _verdict(self, target: str, runtime: str, width: float, device: Answers, rows: slice) -> Verdict:
        columns = take(self.columns, rows)
        return compare(
            target,
            runtime,
            {name: answer[rows] for name, answer in self.server.items()},
            {name: answer[rows] for name, answer in device.items()},
            columns=columns,
            refused_rows=self.refused_rows,
            cases=Counter(self.origins[rows].tolist()),
            tolerance=self.tolerance,
            margins=lambda at: self.reference.margins(take(columns, at)),
            ties=lambda at: self._ties(take(columns, at), width),
            tie_width=width,
        )

    def _run(self, target: str, runner: Runner) -> dict[str, Array]:
        count = row_count(self.columns)
        parts: list[Answers] = []
        for start in range(0, count, ROWS_AT_ONCE):
            self.progress(target, start, count)
            parts.append(runner.run(take(self.columns, slice(start, start + ROWS_AT_ONCE))))
        device = {name: _writable(np.concatenate([np.asarray(p[name]) for p in parts])) for name in parts[0]}
        for k in _spread(count):
            for name, answer in runner.run(take(self.columns, slice(k, k + 1))).items():
                if np.shape(answer) != device[name][k : k + 1].shape:
                    raise ValueError(f"{name} of one row has shape {np.shape(answer)}")
                device[name][k : k + 1] = answer
        self.progress(target, count, count)
        return device


def _writable(x: Array) -> Array:
    """Strings as objects, so that none is cut to the length of the others."""
    return x.astype(object) if x.dtype.kind == "U" else x


def _spread(count: int) -> Integers:
    return np.unique(np.linspace(0, count - 1, min(count, ROWS_ALONE)).astype(np.int64))


def _one_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else "no message"
