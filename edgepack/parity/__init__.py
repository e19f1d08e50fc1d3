"""Parity: an artifact's answers against those of the original fitted estimator."""

from edgepack.parity.bounds.verdicts import bound_files
from edgepack.parity.cases import Cases, make_cases
from edgepack.parity.compare import Tolerance, compare, not_run
from edgepack.parity.gate import run_parity, within_ranges
from edgepack.parity.proofs import prove_files
from edgepack.parity.reference import Reference

__all__ = [
    "Cases",
    "Reference",
    "Tolerance",
    "bound_files",
    "compare",
    "make_cases",
    "not_run",
    "prove_files",
    "run_parity",
    "within_ranges",
]
