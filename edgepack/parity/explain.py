"""Where an artifact's answer to a row first parts from the server's: a step, a pass, the file or the runtime."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.columns import take
from edgepack.contract import Answers, Columns, Runner, Verdict
from edgepack.ir import Program
from edgepack.ir.types import Array, Flags
from edgepack.parity.compare import TIE, Tolerance, compare
from edgepack.parity.forks import near_forks
from edgepack.parity.reference import Asked, Reference

STEP_TOLERANCE = 1e-9
LISTED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The first stage whose answer to a row is not the one before it.

    Attributes:
        stage: `lowering`, `pass <name>`, `artifact` or `runtime`.
        step: for `lowering`, the scikit-learn step whose values part, where one can be told.
        row: the row.
        before, after: what was there before, and what the stage made of it.
        tolerance: the smallest at which the stage's answer would pass.
    """

    stage: str
    step: str
    row: Mapping[str, Any]
    before: Any
    after: Any
    tolerance: float

    def __str__(self) -> str:
        """One line."""
        where = f"{self.stage} of {self.step}" if self.step else self.stage
        smallest = "no tolerance" if not np.isfinite(self.tolerance) else f"a tolerance of {self.tolerance:.2g}"
        values = f"{_json(self.before)} becomes {_json(self.after)} for {_json(self.row)}"
        return f"first parts at {where}: {values}; {smallest} would pass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """The way from the server to a file.

    Attributes:
        reference: the server, or what stands for it where numbers were quantized.
        programs: gives by stage name (`lowering`, `pass …`) what each stage made, in order; the last was emitted.
            None of them where the reference is what was emitted.
        evaluators: by target, the file's answers by another runtime, or the reason why there is none.
        meaning: what the reference means: where a choice inside it hangs by a hair, no answer is wrong.
    """

    reference: Asked
    programs: Callable[[], Mapping[str, Program]]
    evaluators: Mapping[str, Callable[[], Runner]]
    tolerance: Tolerance
    meaning: Program | None = None

    def explain(self, target: str, runner: Runner, row: Columns) -> Explanation | None:
        """The first stage that parts, for one row; None where none does."""
        before, refused = self.reference.answers(row)
        if refused.any():
            return None
        width = float(getattr(runner, "tie_width", TIE))
        for stage, answers in self._answers(target, runner, row):
            verdict = self._compared(before, answers, row, TIE if stage.startswith(("lowering", "pass")) else width)
            if not verdict.passed:
                step = self._step(row) if stage == "lowering" else None
                return _explained(stage, verdict, step, row)
        return None

    def _answers(self, target: str, runner: Runner, row: Columns) -> Iterator[tuple[str, Answers]]:
        for stage, program in self.programs().items():
            yield stage, program.run(row)
        if target in self.evaluators:
            try:
                answers = self.evaluators[target]().run(row)
            except Exception:  # an evaluator that does not know the file says nothing about it
                yield "artifact or runtime", runner.run(row)
                return
            yield "artifact", answers
            yield "runtime", runner.run(row)
        else:
            yield "artifact or runtime", runner.run(row)

    def _compared(self, server: Answers, device: Answers, row: Columns, width: float) -> Verdict:
        return compare(
            "",
            "",
            server,
            device,
            columns=row,
            tolerance=self.tolerance,
            margins=lambda at: self.reference.margins(take(row, at)),
            ties=lambda at: self._ties(take(row, at), width),
            tie_width=width,
        )

    def _ties(self, row: Columns, width: float) -> Flags:
        """As the verdict judges them: an answer that it lets pass is no place where a stage parts."""
        ties = self.reference.ties(row)
        return ties if self.meaning is None else ties | near_forks(self.meaning, row, width)

    def _step(self, row: Columns) -> tuple[str, Array, Array] | None:
        """The first scikit-learn step whose values are not the lowered Program's, and both."""
        if not isinstance(self.reference, Reference):
            return None
        program = self.programs()["lowering"]
        values = program.values(row)
        last = {node.step: node.name for node in program.nodes}
        for step, server in steps_of(self.reference.estimator, self.reference.rows(row)):
            if step in last and server is not None:
                lowered = values[last[step]]
                if lowered.shape == server.shape and not _alike(server, lowered):
                    return step, server, lowered
            elif server is None:  # everything before it is right
                return step, np.empty(0), np.empty(0)
        return None


def steps_of(estimator: Any, rows: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Array | None]]:
    """Every leaf of a pipeline by its path, with what it makes of the rows that reach it; None where it predicts."""
    if hasattr(estimator, "steps"):
        for name, step in estimator.steps:
            if not hasattr(step, "fit"):
                continue
            yield from steps_of(step, rows, (*path, name))
            rows = step.transform(rows) if hasattr(step, "transform") else rows
    elif hasattr(estimator, "transformers_"):
        from sklearn.utils import _safe_indexing

        for name, step, columns in estimator.transformers_:
            if hasattr(step, "fit") and len(columns):
                yield from steps_of(step, _safe_indexing(rows, columns, axis=1), (*path, name))
    else:
        made: Any = estimator.transform(rows) if hasattr(estimator, "transform") else None
        if hasattr(made, "toarray"):
            made = made.toarray()
        yield " → ".join((*path, type(estimator).__name__)), None if made is None else np.asarray(made)


def _alike(server: Array, lowered: Array) -> bool:
    if server.dtype.kind in "OUS" or lowered.dtype == object:
        return bool(np.all(server.astype(str) == lowered.astype(str)))
    x, y = server.astype(np.float64), lowered.astype(np.float64)
    return bool(np.all(np.isclose(y, x, rtol=STEP_TOLERANCE, atol=STEP_TOLERANCE, equal_nan=True)))


def _explained(stage: str, verdict: Verdict, step: tuple[str, Array, Array] | None, row: Columns) -> Explanation:
    worst = verdict.worst_rows[0] if verdict.worst_rows else {"server": {}, "device": verdict.reason}
    before, after = worst["server"], worst["device"]
    name = ""
    if step is not None:
        name = step[0]
        if len(step[1]):
            before, after = step[1][0].tolist()[:LISTED], step[2][0].tolist()[:LISTED]
    wrong_label = any(o.measure == "exact" and o.rows_over_tolerance for o in verdict.outputs)
    needed = [o.smallest_passing_tolerance for o in verdict.outputs if o.measure != "exact"]
    return Explanation(
        stage=stage,
        step=name,
        row={name: values[0].tolist() for name, values in row.items()},
        before=before,
        after=after,
        tolerance=np.inf if wrong_label or not needed else max(needed),
    )


def first_failing(passes: Callable[[slice], bool], count: int) -> int:
    """A row that does not pass, found by halving; `passes(slice(0, count))` is known to be false."""
    low, high = 0, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if passes(slice(low, middle)) else (low, middle)
    return low


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
