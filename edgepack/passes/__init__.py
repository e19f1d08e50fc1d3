"""Exact rewriting: each pass takes a Program and gives one that answers the same with fewer ops."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgepack.ir.program import Program
from edgepack.passes.fold_forests import fold_forests
from edgepack.passes.fold_linear import fold_linear
from edgepack.passes.fold_lookups import fold_lookups
from edgepack.passes.rewrite import tidy

__all__ = ["PASSES", "optimize"]

PASSES: Mapping[str, Callable[[Program], Program]] = {
    "tidy": tidy,
    "fold-forests": fold_forests,
    "fold-linear": fold_linear,
    "fold-lookups": fold_lookups,
}
"""Every pass by name, in the order in which they run."""


def optimize(program: Program, *, without: frozenset[str] = frozenset()) -> Program:
    """The Program after all passes, but those named in `without`."""
    for name, rewrite in PASSES.items():
        if name not in without:
            program = rewrite(program)
    return program
