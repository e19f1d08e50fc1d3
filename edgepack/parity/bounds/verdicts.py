"""From verdicts that were measured to verdicts that hold between declared numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edgepack.columns import row_count, take
from edgepack.contract import Runner, Target, Verdict
from edgepack.errors import EdgepackError
from edgepack.ir import Program
from edgepack.ir.types import Floats
from edgepack.parity.bounds.bound import Bound, bound
from edgepack.parity.bounds.declared import undeclared
from edgepack.parity.cases import Cases
from edgepack.parity.compare import TIE, Tolerance
from edgepack.parity.gate import run_parity, within_ranges
from edgepack.parity.predicates import Undecidable
from edgepack.parity.proofs import is_clean
from edgepack.parity.reference import Asked

CORNERS = "corners"


def bound_files(
    verdicts: Sequence[Verdict],
    lowered: Program,
    reference: Asked,
    files: Mapping[str, tuple[Target, Path]],
    *,
    ranges: Mapping[str, Floats],
    tolerance: Tolerance | None = None,
) -> tuple[Verdict, ...]:
    """The verdicts, better founded where a target can read its file back as sums (a method `read_sums`).

    A measured verdict becomes `proved` where no row of the ranges can be off by more than is allowed. Where some could
    be, the corners at which they would be are run through both runtimes: one that is makes it `failed`.

    Args:
        verdicts: of `run_parity`; only the `measured` ones are looked at.
        lowered: the Program before any pass.
        reference: the server.
        files: by target name, the target and the artifact that was measured.
        ranges: `(2, width)` by input of numbers.
    """
    tolerance = tolerance or Tolerance()
    found = []
    for verdict in verdicts:
        if verdict.status == "measured" and verdict.target in files:
            target, path = files[verdict.target]
            found.append(_bounded(verdict, target, path, lowered, reference, ranges, tolerance))
        else:
            found.append(verdict)
    return tuple(found)


def _bounded(
    verdict: Verdict,
    target: Target,
    path: Path,
    lowered: Program,
    reference: Asked,
    ranges: Mapping[str, Floats],
    tolerance: Tolerance,
) -> Verdict:
    read = getattr(target, "read_sums", None)
    computation = None if read is None else read(path, lowered.interface)
    if computation is None or undeclared(ranges, lowered.interface):
        return verdict
    try:
        limit = bound(lowered, computation, ranges)
    except Undecidable:
        return verdict
    if is_clean(verdict) and limit.answers <= _allowed(limit, verdict, tolerance):
        return replace(verdict, status="proved", reason="; ".join(filter(None, [verdict.reason, str(limit)])))
    try:
        corners = _at_corners(limit, target.name, target.open(path, lowered.interface), reference, tolerance)
    except EdgepackError:  # the server refuses them all, or nothing here runs the file
        corners = None
    if corners is not None and corners.status == "failed":
        return replace(
            verdict,
            status="failed",
            reason="; ".join(
                filter(None, [verdict.reason, f"at corners of the ranges ({limit.box}) {corners.reason}"])
            ),
            worst_rows=(*corners.worst_rows, *verdict.worst_rows),
        )
    told = f"no answer can be off by more than {limit.answers:.2g} for {limit.box}, which is more than is allowed"
    if corners is not None:
        worst = max((o.smallest_passing_tolerance for o in corners.outputs), default=0.0)
        told += f"; the worst of {corners.rows:,} corners is off by {worst:.2g}"
    return replace(verdict, reason="; ".join(filter(None, [verdict.reason, told])))


def _allowed(limit: Bound, verdict: Verdict, tolerance: Tolerance) -> float:
    """By how much the answers may differ: where there is a label, by no more than half a tie."""
    if not limit.has_label:
        return tolerance.value
    return min(tolerance.probabilities, max(TIE, verdict.tie_width) / 2)


def _at_corners(limit: Bound, name: str, runner: Runner, reference: Asked, tolerance: Tolerance) -> Verdict | None:
    """The verdict on the corners that the file is for; None where there are none."""
    columns = limit.box.columns(limit.corners)
    columns = take(columns, within_ranges(runner, columns))
    count = row_count(columns)
    if not count:
        return None
    cases = Cases(columns=columns, origins=np.full(count, CORNERS, object))
    (verdict,) = run_parity(reference, {name: runner}, cases, tolerance=tolerance)
    return verdict
