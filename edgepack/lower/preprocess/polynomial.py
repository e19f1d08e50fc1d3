"""Products of columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.ops import Binary, Concat, Constant, Select
from edgepack.lower.builder import Builder, Refused, Table

Terms = dict[tuple[int, ...], int]


def polynomial_features(est: Any, table: Table, b: Builder) -> Table:
    """One multiplication per degree: a product is its first factor times the rest (sparse: its last factor)."""
    wanted = [tuple(np.repeat(np.arange(len(powers)), powers).tolist()) for powers in est.powers_]
    if not wanted:
        raise Refused("gives no columns; let it give at least one degree")
    x = b.doubles(table)
    parts, places = _by_degree(x, table, wanted, b)
    everything = parts[0] if len(parts) == 1 else b.emit(Concat(), *parts)
    return b.table(b.emit(Select(columns=np.array([places[term] for term in wanted])), everything), sparse=table.sparse)


def _by_degree(x: str, table: Table, wanted: list[tuple[int, ...]], b: Builder) -> tuple[list[str], Terms]:
    """Values that together hold every wanted product, and the place of each in their concatenation."""
    one, rest = (-1, slice(None, -1)) if table.sparse else (0, slice(1, None))
    needed = set(wanted)
    for degree in range(max(map(len, wanted)), 1, -1):
        needed |= {term[rest] for term in needed if len(term) == degree}
    total = len(table)
    parts = [x]
    places: Terms = {(j,): j for j in range(total)}
    before, known = x, dict(places)
    for degree in range(2, max(map(len, wanted)) + 1):
        terms = sorted(term for term in needed if len(term) == degree)
        first = b.emit(Select(columns=np.array([term[one] for term in terms])), x)
        others = b.emit(Select(columns=np.array([known[term[rest]] for term in terms])), before)
        before = b.emit(Binary(function="multiply"), others, first)
        known = {term: i for i, term in enumerate(terms)}
        places.update({term: total + i for term, i in known.items()})
        parts.append(before)
        total += len(terms)
    if () in wanted:
        parts.append(b.emit(Constant(row=np.ones(1)), x))
        places[()] = total
    return parts, places
