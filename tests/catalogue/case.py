"""One estimator with one choice of flags, fitted on small data and compared with its artifacts on boundary rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from edgepack.contract import Artifact, EmitOptions, InputDtype, Method, Verdict
from edgepack.ir import Program
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases, run_parity
from edgepack.parity.cases import Cases
from edgepack.passes import optimize
from edgepack.rows import columns_of
from edgepack.targets import find_target

NAMES = ["area", "year", "slope", "rooms", "share", "flag"]
ROWS = 240

MADE_ROWS = 20_000
"""As many as `edgepack parity` makes, unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What to fit and what to ask it.

    Attributes:
        make: the unfitted estimator, seeded.
        rows: a name of `ROWS_OF`: what it is fitted on.
        target: a name of `TARGETS`: what it learns.
        output: the method asked; None for the default.
        limit: the largest |x| tried. Beyond it the server's own answer has no digits left; say why at the case.
        targets: which targets it is held to; say why at the case, where it is not all of them.
        sparse: the server is fitted on, and answers, a CSR matrix.
        frame: the server takes a DataFrame; say why at the case, where it does not.
    """

    make: Callable[[], Any]
    rows: str = "plain"
    target: str = "value"
    output: Method | None = None
    limit: float = np.inf
    sparse: bool = False
    frame: bool = True
    targets: tuple[str, ...] = ("onnx", "coreml")

    @property
    def seeds(self) -> dict[str, int]:
        """By each form in which rows are passed, of which rows it is asked."""
        return {"float32": 0, "float64": 1} | ({"frame": 2} if self.frame and not self.sparse else {})


@cache
def rows_of(kind: str) -> np.ndarray:
    """`(240, 6)`, all float32 values. `plain`: skewed, integral and centred columns; `positive`: none below 0;
    `strictly positive`: none below ½; `counts`: small whole numbers; `missing`: plain with NaN; `unit`: within [0, 1];
    `binary`: 0 and 1; `ordinal`: whole numbers 0 to 4.
    """
    r = np.random.default_rng(7)
    columns = [
        r.lognormal(1, 0.5, ROWS),
        r.integers(1990, 2024, ROWS) - 2000.0,
        r.normal(size=ROWS),
        r.poisson(3, ROWS),
        r.uniform(size=ROWS),
        r.integers(0, 2, ROWS),
    ]
    x = np.stack(columns, axis=1).astype(np.float32).astype(np.float64)
    match kind:
        case "plain":
            return x
        case "positive":
            return np.abs(x)
        case "strictly positive":
            return np.abs(x) + 0.5
        case "counts":
            return r.poisson(2.0, x.shape).astype(np.float64)
        case "missing":
            return np.where(r.random(x.shape) < 0.1, np.nan, x)
        case "unit":
            return r.uniform(size=x.shape).astype(np.float32).astype(np.float64)
        case "binary":
            return r.integers(0, 2, x.shape).astype(np.float64)
        case "ordinal":
            return r.integers(0, 5, x.shape).astype(np.float64)
    raise KeyError(kind)


def target_of(kind: str, x: np.ndarray) -> Any:
    """`value`, `positive`, `pair` (two values); `binary` (0, 1), `thirds` (0, 1, 2), `words` (three strings), `flags`
    (bool), `floats`; `labels` (three columns of 0 and 1: multilabel), `classes` (two columns of integers); `none`.
    """
    r = np.random.default_rng(11)
    z = np.nan_to_num(x)
    z = (z - z.mean(axis=0)) / (z.std(axis=0) + 1e-9)
    value = z[:, 0] - 0.5 * z[:, 1] + np.sin(2 * z[:, 2]) + 0.3 * z[:, 3] * z[:, 5] + r.normal(0, 0.2, len(x))
    thirds = np.digitize(value, np.quantile(value, [1 / 3, 2 / 3]))
    match kind:
        case "value":
            return value
        case "positive":
            return np.exp(value / 2)
        case "pair":
            return np.stack([value, z[:, 4] - value], axis=1)
        case "binary":
            return (value > np.median(value)).astype(int)
        case "flags":
            return value > np.median(value)
        case "floats":
            return np.where(value > np.median(value), 2.0, -1.0)
        case "thirds":
            return thirds
        case "words":
            return np.array(["low", "middle", "tall"])[thirds]
        case "labels":
            return np.stack([value > 0, z[:, 2] > 0.3, z[:, 4] + value > 0], axis=1).astype(int)
        case "classes":
            return np.stack([thirds, (z[:, 2] > 0) + 5], axis=1)
        case "none":
            return None
    raise KeyError(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A case's Programs, the rows tried, and per target its artifact and verdict, or why it refuses."""

    reference: Reference
    lowered: Program
    program: Program
    cases: Cases
    artifacts: dict[str, Artifact]
    verdicts: dict[str, Verdict]
    refusals: dict[str, str]


def fitted(case: Case, *, frame: bool = False) -> tuple[Any, Any]:
    """The case's estimator and the rows that it was fitted on."""
    x = rows_of(case.rows)
    given: Any = pd.DataFrame(x, columns=NAMES) if frame else csr_matrix(x) if case.sparse else x
    estimator, y = case.make(), target_of(case.target, x)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        estimator.fit(given) if y is None else estimator.fit(given, y)
    return estimator, given


def compare(
    case: Case,
    folder: Path,
    *,
    targets: tuple[str, ...] | None = None,
    frame: bool = False,
    input_dtype: InputDtype = "float32",
    rows: int = 1_500,
    seed: int = 0,
) -> Compared:
    """Through the whole line: lower, passes, emit, run, and judge against scikit-learn's own answers."""
    estimator, given = fitted(case, frame=frame)
    sample = given.toarray() if case.sparse else given
    lowered = lower(estimator, sample, input_dtype=input_dtype, output=case.output, fallback=False)
    server = FedSparse(estimator) if case.sparse else estimator
    return run(server, sample, lowered, folder, targets=targets or case.targets, limit=case.limit, rows=rows, seed=seed)


def run(
    server: Any,
    sample: Any,
    lowered: Program,
    folder: Path,
    *,
    targets: tuple[str, ...] = ("onnx", "coreml"),
    limit: float = np.inf,
    rows: int = 1_500,
    seed: int = 0,
) -> Compared:
    """What each target's file of a lowered Program answers, beside the server's own answers on boundary rows."""
    program = optimize(lowered)
    artifacts, runners, refusals = {}, {}, reasons_of(program, targets)
    for name in [t for t in targets if t not in refusals]:
        target = find_target(name)
        into = folder / name
        into.mkdir(parents=True, exist_ok=True)
        artifacts[name] = target.emit(program, into, EmitOptions(name="case"))
        runners[name] = target.open(artifacts[name].path, program.interface)
    reference = Reference(estimator=server, interface=program.interface, none_columns=program.none_columns)
    example = columns_of(sample, program.interface)
    cases = within(make_cases(lowered, folded=program, example=example, budget_rows=rows, seed=seed), limit)
    if isinstance(server, FedSparse):  # it divides by any length but 0; asked with rows, as MLflow does, by none near 0
        cases = _chosen(cases, ~np.all([np.all(np.abs(x) < 1e-30, axis=1) for x in cases.columns.values()], axis=0))
    return Compared(
        reference=reference,
        lowered=lowered,
        program=program,
        cases=cases,
        artifacts=artifacts,
        verdicts={v.target: v for v in run_parity(reference, runners, cases, program=lowered)},
        refusals=refusals,
    )


def reasons_of(program: Program, targets: Iterable[str]) -> dict[str, str]:
    """Why each target that refuses a Program does."""
    problems = {name: find_target(name).check(program) for name in targets}
    return {name: "; ".join(dict.fromkeys(p.reason for p in found)) for name, found in problems.items() if found}


def within(cases: Cases, limit: float) -> Cases:
    """The rows without a number beyond the limit."""
    numbers = [x for x in cases.columns.values() if x.dtype != object]
    kept = np.ones(cases.rows, np.bool_)
    for x in numbers:
        kept &= np.all(np.isnan(x) | (np.abs(x) <= limit), axis=1)
    return _chosen(cases, kept)


def _chosen(cases: Cases, kept: np.ndarray) -> Cases:
    return replace(cases, columns={n: x[kept] for n, x in cases.columns.items()}, origins=cases.origins[kept])


class FedSparse:
    """An estimator that is asked with CSR matrices."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = estimator

    def __getitem__(self, steps: slice) -> FedSparse:
        return FedSparse(self._estimator[steps])

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._estimator, name)
        if name in ("predict", "predict_proba", "decision_function", "score_samples", "transform"):
            return lambda rows: member(csr_matrix(rows))
        return member
