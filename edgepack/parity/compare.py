"""How far an artifact's answers are from the server's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from edgepack.contract import Answers, Columns, OutputComparison, Runner, Verdict
from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack.parity.reference import Margins

TIE = 1e-7
WORST_ROWS = 5
DECADES = (-17, 0)
LISTED_VALUES = 32

Measure = Literal["absolute", "relative", "exact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """What may differ: probabilities by |Δ|, values by |Δ| / max(|server|, 1); labels only where the server ties.

    Attributes:
        label_changes: how many labels may differ elsewhere too.
        yields: whether nobody asked for just these, so that they are larger for a runner whose arithmetic says so.
    """

    probabilities: float = 1e-6
    value: float = 1e-5
    label_changes: int = 0
    yields: bool = False

    def of(self, runner: Runner) -> Tolerance:
        """What a runner's answers may differ by."""
        warranted: Mapping[str, float] = getattr(runner, "tolerance", {}) if self.yields else {}
        return replace(self, **{name: max(getattr(self, name), size) for name, size in warranted.items()})


def compare(
    target: str,
    runtime: str,
    server: Answers,
    device: Answers,
    *,
    columns: Columns,
    refused_rows: int = 0,
    cases: Mapping[str, int] | None = None,
    tolerance: Tolerance | None = None,
    margins: Callable[[Integers], Margins] | None = None,
    ties: Callable[[Integers], Flags] | None = None,
    tie_width: float = TIE,
) -> Verdict:
    """The verdict on a runtime's answers: `measured` where everything is within tolerance, else `failed` and why.

    Two NaN are equal, and so are two infinities of one sign; NaN or infinity on one side alone is an infinite error.

    Args:
        server, device: answers to the same rows.
        columns: those rows, for `worst_rows`.
        refused_rows: how many more rows the server refused.
        cases: how the compared rows came about.
        margins: the server's margin between the two best scores of the given rows, to tell ties; the server's
            probabilities are used where None.
        ties: whether the server chose among equals for the given rows; no answer to such a row is wrong.
        tie_width: what the runtime's arithmetic need not tell apart, beside the larger of 1 and the scores' size; no
            two scores within 1e-7 of each other are ever told apart.
    """
    tolerance = tolerance or Tolerance()
    rows = len(next(iter(server.values())))
    verdict = _Findings(target, runtime, rows, refused_rows, dict(cases or {}))
    if problems := [p for name, answer in server.items() if (p := _misfit(name, answer, device.get(name)))]:
        return verdict.failed("; ".join(problems))
    if unasked := sorted(set(device) - set(server)):
        return verdict.failed(f"outputs {', '.join(unasked)} are not the model's; it gives {', '.join(server)}")
    outputs, distance = [], np.zeros(rows)
    problems, tied, near = [], np.zeros(rows, np.bool_), np.zeros(rows, np.bool_)
    changed = np.zeros(rows, np.bool_)
    for name, answer in server.items():
        given = np.asarray(device[name])
        measure: Measure
        if name == "label":
            changed = _plain(answer) != _plain(given)
            at = np.flatnonzero(changed)
            if len(at):
                exact, within = _ties(_margins(server, at) if margins is None else margins(at), tie_width)
                exact |= tied[at] | _tied(ties, at)
                tied[at] |= exact | within
                near[at] = within & ~exact
            error, allowed, measure = (changed & ~tied).astype(np.float64), 0.0, "exact"
            absolute = error
        else:
            absolute = _differences(answer, given)
            allowed = tolerance.probabilities if name == "probabilities" else tolerance.value
            measure = "absolute" if name == "probabilities" else "relative"
            error = absolute if name == "probabilities" else absolute / _scale(answer)
            absolute, error = absolute.max(axis=1, initial=0), error.max(axis=1, initial=0)
            at = np.flatnonzero(error > allowed)
            chosen = at[_tied(ties, at)]
            tied[chosen], absolute[chosen], error[chosen] = True, 0.0, 0.0
        comparison = _comparison(name, measure, allowed, error, absolute)
        outputs.append(comparison)
        distance = np.maximum(distance, _relative_to(error, allowed))
        if comparison.rows_over_tolerance > (tolerance.label_changes if name == "label" else 0):
            problems.append(problem(comparison, rows))
    order = np.argsort(-distance, kind="stable")[:WORST_ROWS]
    return Verdict(
        target=target,
        runtime=runtime,
        status="failed" if problems else "measured",
        reason="; ".join(problems),
        rows=rows,
        refused_rows=refused_rows,
        label_changes=int(changed.sum()),
        tied_rows=int(tied.sum()),
        near_tied_rows=int(near.sum()),
        tie_width=max(TIE, tie_width),
        outputs=tuple(outputs),
        worst_rows=tuple(_shown(columns, server, device, int(k)) for k in order if distance[k] > 0 or changed[k]),
        cases=verdict.cases,
    )


def not_run(target: str, reason: str, *, runtime: str = "") -> Verdict:
    """The verdict on a runtime that is not there."""
    return Verdict(target=target, runtime=runtime, status="not run", reason=reason)


@dataclass(frozen=True, slots=True)
class _Findings:
    target: str
    runtime: str
    rows: int
    refused_rows: int
    cases: Mapping[str, int]

    def failed(self, reason: str) -> Verdict:
        return Verdict(
            target=self.target,
            runtime=self.runtime,
            status="failed",
            reason=reason,
            rows=self.rows,
            refused_rows=self.refused_rows,
            cases=self.cases,
        )


def _tied(ties: Callable[[Integers], Flags] | None, at: Integers) -> Flags:
    return np.zeros(len(at), np.bool_) if ties is None or not len(at) else ties(at)


def _misfit(name: str, server: Array, device: Array | None) -> str:
    """Why an output cannot be compared at all, or nothing."""
    if device is None:
        return f"{name}: missing among the answers"
    device = np.asarray(device)
    if device.shape != server.shape:
        return f"{name}: shape {device.shape}, the server's is {server.shape}"
    wanted = _kind(server) if name == "label" else "number"
    if (kind := _kind(device)) != wanted:
        return f"{name}: {kind} ({device.dtype}), the server gives {wanted} ({server.dtype})"
    return ""


def _kind(x: Array) -> Literal["number", "string", "boolean", "object"]:
    x = _plain(x)
    if x.dtype.kind in "iuf":
        return "number"
    return "boolean" if x.dtype.kind == "b" else "string" if x.dtype.kind == "U" else "object"


def _plain(x: Array) -> Array:
    """Objects as the strings, numbers or truth values that they all are."""
    x = np.asarray(x)
    if x.dtype.kind == "O" and len(x):
        types = {type(v) for v in x.ravel().tolist()}
        return x if len(types) > 1 else np.array(x.tolist())
    return x


def _differences(server: Array, device: Array) -> Floats:
    """`(rows, width)` of |Δ|; 0 where both are NaN or the same infinity, infinite where only one is not finite."""
    a = server.astype(np.float64).reshape(len(server), -1)
    b = device.astype(np.float64).reshape(len(server), -1)
    with np.errstate(all="ignore"):
        difference = np.abs(a - b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isfinite(difference), difference, np.inf))


def _scale(server: Array) -> Floats:
    """`max(|server|, 1)`; 1 where that is not finite, so that an infinite error stays one."""
    magnitude = np.abs(server.astype(np.float64).reshape(len(server), -1))
    return np.where(np.isfinite(magnitude), np.maximum(magnitude, 1.0), 1.0)


def _comparison(name: str, measure: Measure, allowed: float, error: Floats, absolute: Floats) -> OutputComparison:
    # `higher` picks a row's own error, so that infinite ones are not interpolated into NaN
    p50, p99 = np.quantile(absolute, [0.5, 0.99], method="higher") if len(absolute) else (0.0, 0.0)
    return OutputComparison(
        output=name,
        measure=measure,
        tolerance=allowed,
        smallest_passing_tolerance=float(error.max(initial=0)),
        max_abs_error=float(absolute.max(initial=0)),
        p50_abs_error=float(p50),
        p99_abs_error=float(p99),
        rows_over_tolerance=int((error > allowed).sum()),
        rows_by_error=_by_decade(absolute),
    )


def _by_decade(absolute: Floats) -> dict[str, int]:
    """How many of the rows' errors are 0, and how many lie in each decade; in order."""
    some = absolute[absolute > 0]
    power = np.clip(np.floor(np.log10(some)), *DECADES).astype(np.int64)
    counts = {"0": len(absolute) - len(some)}
    counts |= {f"1e{p:+03d}": int(n) for p, n in zip(*np.unique(power, return_counts=True), strict=True)}
    return {decade: n for decade, n in counts.items() if n}


def problem(comparison: OutputComparison, rows: int) -> str:
    """How many rows differ by more than allowed, and by how much."""
    if comparison.measure == "exact":
        return f"{comparison.output}: {comparison.rows_over_tolerance} of {rows} rows differ"
    return (
        f"{comparison.output}: {comparison.rows_over_tolerance} of {rows} rows differ by more than"
        f" {comparison.tolerance:g}, the worst by {comparison.smallest_passing_tolerance:.3g} ({comparison.measure})"
    )


def _relative_to(error: Floats, allowed: float) -> Floats:
    """Errors of different outputs on one scale; a wrong label stands above any error that is not infinite."""
    return np.where(error > 0, np.finfo(np.float64).max, 0.0) if allowed == 0 else error / allowed


def _margins(server: Answers, rows: Integers) -> Margins:
    if "probabilities" not in server:
        return Margins(apart=np.full(len(rows), np.inf), size=np.ones(len(rows)))
    return Margins.of(server["probabilities"][rows])


def _ties(margins: Margins, width: float) -> tuple[Flags, Flags]:
    """Which are ties even among doubles, and which are ties."""
    exact = margins.apart <= TIE
    return exact, exact if width <= TIE else exact | margins.within(width)


def _shown(columns: Columns, server: Answers, device: Answers, k: int) -> dict[str, Any]:
    return {
        "row": {name: _jsonable(x[k]) for name, x in columns.items()},
        "server": {name: _jsonable(x[k]) for name, x in server.items()},
        "device": {name: _jsonable(np.asarray(device[name])[k]) for name in server},
    }


def _jsonable(x: Any) -> Any:
    """Plain Python values; a single value stands for itself, NaN and infinities are text, as JSON has none."""
    listed = np.asarray(x).tolist()
    if isinstance(listed, list):
        plain = [_jsonable(v) for v in listed[:LISTED_VALUES]]
        return plain[0] if len(listed) == 1 else [*plain, "…"] if len(listed) > LISTED_VALUES else plain
    if isinstance(listed, float) and not np.isfinite(listed):
        return str(listed)
    return listed
