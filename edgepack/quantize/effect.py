"""What quantizing did to the answers, on rows such as the model will meet."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from edgepack.contract import Answers
from edgepack.errors import UsageError
from edgepack.ir.types import Floats
from edgepack.quantize.reach import reach

SIGMAS = 2.0
"""What is kept in reserve for rows that were not measured, in standard errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """How far a quantized model's answers are from the server's.

    Boundary rows would not tell: by design most of them lie where the least change moves the label.

    Attributes:
        rows: how many rows were compared.
        origin: whose rows: `data` or `input example`.
        label_changes: rows whose label differs.
        max_abs_error, p99_abs_error, mean_abs_error: of each row's largest |Δ|, of probabilities where there are any,
            else of values; 0 where the model gives labels alone.
        reach_abs_error: what the largest of 100,000 such rows may be expected to be, at most 1 for probabilities;
            infinite where these rows do not tell.
        metric: the scorer that was asked for; empty where none was.
        metric_drop: what its score loses.
        metric_scatter: the standard error of that.
    """

    rows: int
    origin: str
    label_changes: int
    max_abs_error: float
    p99_abs_error: float
    mean_abs_error: float
    reach_abs_error: float = math.inf
    metric: str = ""
    metric_drop: float = 0.0
    metric_scatter: float = 0.0

    def __str__(self) -> str:
        """`on 500 rows (data): 2 labels change (0.4 %), |Δ| at most 0.0031, 0.0012 for 99 %`."""
        labels = f"{self.label_changes} labels change ({self.label_changes / max(self.rows, 1):.2%}), "
        errors = f"|Δ| at most {self.max_abs_error:.2g}, {self.p99_abs_error:.2g} for 99 %"
        drop = f", {self.metric} loses {self.metric_drop:.4g}" if self.metric else ""
        return f"on {self.rows:,} rows ({self.origin}): {labels}{errors}{drop}"


def effect_of(server: Answers, quantized: Answers, *, origin: str) -> Effect:
    """The difference between two models' answers to the same rows."""
    rows = len(next(iter(server.values())))
    changed = server["label"] != quantized["label"] if "label" in server else np.zeros(rows, np.bool_)
    name = next((n for n in ("probabilities", "value") if n in server), None)
    error = np.zeros(rows) if name is None or not rows else _largest(server[name], quantized[name])
    return Effect(
        rows=rows,
        origin=origin,
        label_changes=int(np.sum(changed)),
        max_abs_error=float(error.max(initial=0.0)),
        p99_abs_error=float(np.quantile(error, 0.99, method="higher")) if rows else 0.0,
        mean_abs_error=float(error.mean()) if rows else 0.0,
        reach_abs_error=0.0 if name is None else min(reach(error), 1.0 if name == "probabilities" else math.inf),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What quantizing may cost; None allows anything.

    Attributes:
        max_label_change: the share of rows, 0 to 1, whose label may change.
        max_abs_error: of a probability or value.
        metric: a scorer of scikit-learn's.
        max_metric_drop: how much its score may lose, in its own unit.
    """

    max_label_change: float | None = None
    max_abs_error: float | None = None
    metric: str = ""
    max_metric_drop: float | None = None

    def broken_by(self, effect: Effect, *, reserve: bool = False) -> list[str]:
        """What is over the budget, in words; with `reserve`, also what other rows than these might put over it.

        A largest error is as large as it may become then, a share of labels raised to the upper end of its interval of
        two standard errors, a lost score by two standard errors.
        """
        problems = []
        share = effect.label_changes / max(effect.rows, 1)
        at_most = _upper(share, effect.rows) if reserve else share
        if self.max_label_change is not None and at_most > self.max_label_change:
            beyond = f", up to {at_most:.3%} of others may" if reserve else ""
            problems.append(f"{share:.3%} of labels change{beyond}, {self.max_label_change:.3%} may")
        error = effect.reach_abs_error if reserve else effect.max_abs_error
        if self.max_abs_error is not None and error > self.max_abs_error:
            told = f"up to {error:.3g} of others" if math.isfinite(error) else "these rows do not tell of others"
            room = f", {told}" if reserve else ""
            problems.append(f"|Δ| {effect.max_abs_error:.3g}{room}, {self.max_abs_error:g} is allowed")
        drop = effect.metric_drop + (SIGMAS * effect.metric_scatter if reserve else 0)
        if self.max_metric_drop is not None and drop > self.max_metric_drop:
            beyond = f" ± {SIGMAS * effect.metric_scatter:.3g}" if reserve else ""
            problems.append(
                f"{self.metric} loses {effect.metric_drop:.3g}{beyond}, {self.max_metric_drop:g} is allowed"
            )
        return problems


def _upper(share: float, rows: int) -> float:
    """The upper end of the interval of so many standard errors. Source: E. B. Wilson, 1927."""
    if not rows:
        return 1.0
    z = SIGMAS**2 / rows
    return min(1.0, (share + z / 2 + (share * (1 - share) * z + z * z / 4) ** 0.5) / (1 + z))


def metric_of(text: str) -> tuple[str, float]:
    """`accuracy:0.2%` or `neg_root_mean_squared_error:0.5` as the scorer's name and a number; 0.2% is 0.002.

    Raises `UsageError` for anything else.
    """
    found = re.fullmatch(r"(\w+):(\d+(?:\.\d*)?|\.\d+)(e-?\d+)?\s*(%?)", text.strip(), re.IGNORECASE)
    if not found:
        raise UsageError(f"{text}: is no metric and drop; write for example accuracy:0.2%")
    return found[1], float(found[2] + (found[3] or "")) / (100 if found[4] else 1)


def share_of(text: str) -> float:
    """`0.1%` or `0.001` as a number from 0 to 1. Raises `UsageError` for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)(e-?\d+)?\s*(%?)", text.strip(), re.IGNORECASE)
    share = float((found[1] or "") + (found[2] or "")) / (100 if found[3] else 1) if found else -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"{text}: is no share; write for example 0.1% or 0.001")
    return share


def _largest(a: Floats, b: Floats) -> Floats:
    """`(rows,)` of each row's largest |Δ|; 0 where both are the same infinity or NaN."""
    a, b = (np.asarray(x, np.float64).reshape(len(x), -1) for x in (a, b))
    with np.errstate(all="ignore"):
        difference = np.abs(a - b)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    return np.where(same, 0.0, np.where(np.isnan(difference), np.inf, difference)).max(axis=1, initial=0.0)
