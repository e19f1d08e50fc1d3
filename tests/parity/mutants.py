"""Programs with one mistake each, such as an emitter makes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgepack.ir import Program
from edgepack.ir.ops import Affine, Forest, Impute, Label, Linear, Lookup

Array = np.ndarray[Any, Any]


def mutants(program: Program) -> Iterator[tuple[str, Program]]:
    """Every mutant by a name that says what is wrong with it."""
    for k, node in enumerate(program.nodes):
        for name, op in _wrong(node.op):
            nodes = (*program.nodes[:k], replace(node, op=op), *program.nodes[k + 1 :])
            yield f"{node.name}: {name}", replace(program, nodes=nodes)


def _wrong(op: Any) -> Iterator[tuple[str, Any]]:
    match op:
        case Forest():
            yield from _wrong_forest(op)
        case Lookup():
            yield from _wrong_lookup(op)
        case Label(classes=classes):
            yield "classes reversed", replace(op, classes=classes[::-1])
        case Impute(fill=fill) if fill.dtype != object:
            for j in range(len(fill)):
                yield f"fill {j}", replace(op, fill=_with(fill, j, fill[j] * 1.001))
        case Affine(divisor=divisor) if divisor is not None:
            for j in range(len(divisor)):
                yield f"divisor {j}", replace(op, divisor=_with(divisor, j, divisor[j] * 1.001))
        case Linear(coef=coef):
            for j in range(coef.shape[1]):
                yield f"coefficient {j}", replace(op, coef=_with(coef, (0, j), coef[0, j] + 1e-4))


def _wrong_forest(forest: Forest) -> Iterator[tuple[str, Forest]]:
    for k in np.flatnonzero(~forest.is_leaf):
        t = np.float32(forest.threshold[k])
        t = t if t <= forest.threshold[k] else np.nextafter(t, np.float32(-np.inf))  # the last float32 that goes left
        if not forest.equal[k]:
            up, down = np.nextafter(t, np.float32(np.inf)), np.nextafter(t, np.float32(-np.inf))
            yield f"split {k} one ulp up", replace(forest, threshold=_with(forest.threshold, k, up))
            yield f"split {k} one ulp down", replace(forest, threshold=_with(forest.threshold, k, down))
            yield f"split {k} equal", replace(forest, equal=_with(forest.equal, k, True))
        yield f"split {k} missing", replace(forest, nan_left=_with(forest.nan_left, k, not forest.nan_left[k]))
        left, right = _with(forest.left, k, forest.right[k]), _with(forest.right, k, forest.left[k])
        yield f"split {k} turned", replace(forest, left=left, right=right)
    for k in np.flatnonzero(forest.is_leaf):
        yield f"leaf {k}", replace(forest, value=_with(forest.value, k, forest.value[k] + 1e-3))


def _wrong_lookup(lookup: Lookup) -> Iterator[tuple[str, Lookup]]:
    rows = len(lookup.table)
    for a in range(rows):
        for b in range(a + 1, rows):
            order = np.arange(rows)
            order[[a, b]] = b, a
            yield f"rows {a} and {b} swapped", replace(lookup, table=lookup.table[order])


def _with(array: Array, at: Any, value: Any) -> Array:
    changed = array.copy()
    changed[at] = value
    return changed
