"""From verdicts that were measured to verdicts that are proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgepack.contract import Columns, Interface, Target, Verdict
from edgepack.ir import Program
from edgepack.parity.prove import Finding, Proof, Undecided, Witness, prove
from edgepack.parity.reference import Reference


def prove_files(
    verdicts: Sequence[Verdict], lowered: Program, reference: Reference, files: Mapping[str, tuple[Target, Path]]
) -> tuple[Verdict, ...]:
    """The verdicts, better founded where a target can read its file back (a method `read_forest`).

    Args:
        verdicts: of `run_parity`; only the `measured` ones are looked at.
        lowered: the Program before any pass.
        reference: the server, which says whether a witness is a row that it answers.
        files: by target name, the target and the artifact that was measured.
    """
    findings: dict[str, Finding] = {}
    for verdict in verdicts:
        if verdict.status != "measured" or verdict.target not in files:
            continue
        target, path = files[verdict.target]
        finding = proof_of(target, path, lowered)
        if finding is None:
            continue
        if isinstance(finding, Witness) and _is_refused(reference, row_columns(finding.row, lowered.interface)):
            finding = Undecided("the row that shows a difference is one that the server refuses")
        findings[verdict.target] = finding
    return with_proofs(verdicts, findings)


def proof_of(target: Target, path: Path, lowered: Program, *, slack: float = 0.0) -> Finding | None:
    """What can be proved of a file, whose leaves may be off by `slack`; None where its target cannot read it back."""
    read = getattr(target, "read_forest", None)
    decisions = None if read is None else read(path, lowered.interface)
    return None if decisions is None else prove(lowered, decisions, slack=slack)


def with_proofs(verdicts: Sequence[Verdict], findings: Mapping[str, Finding]) -> tuple[Verdict, ...]:
    """The verdicts, those `measured` made `proved`, or `failed` with the row that shows a difference."""
    return tuple(_with(verdict, findings.get(verdict.target)) for verdict in verdicts)


def row_columns(row: Mapping[str, Any], interface: Interface) -> Columns:
    """One row as columns: a value per input, or a list of them for an input of several columns."""
    return {
        i.name: np.array(row[i.name], object if i.kind == "string" else np.float64).reshape(1, i.width)
        for i in interface.inputs
    }


def is_clean(verdict: Verdict) -> bool:
    """Whether no row contradicts a proof: labels that a policy lets change are still other labels."""
    return verdict.status == "measured" and not any(output.rows_over_tolerance for output in verdict.outputs)


def _with(verdict: Verdict, finding: Finding | None) -> Verdict:
    if verdict.status != "measured":
        return verdict
    match finding:
        case Proof() if is_clean(verdict):
            return replace(verdict, status="proved", reason=str(finding))
        case Witness(row=row, tree=tree, server=server, device=device):
            worst = {"row": dict(row), "server": {"leaf": list(server)}, "device": {"leaf": list(device)}}
            reason = f"tree {tree} of the file reaches another leaf than scikit-learn's for the first of the worst rows"
            return replace(verdict, status="failed", reason=reason, worst_rows=(worst, *verdict.worst_rows))
    return verdict


def _is_refused(reference: Reference, columns: Columns) -> bool:
    try:
        reference.predict(columns)
    except Exception:  # a user's own transformer may raise anything
        return True
    return False
