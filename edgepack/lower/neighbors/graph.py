"""The row of a graph of neighbours: a column per fitted row."""

from __future__ import annotations

from typing import Any

from sklearn import neighbors

from edgepack.lower.builder import Builder, Table
from edgepack.lower.formula import where
from edgepack.lower.neighbors.search import Search, search_of


def nearest_graph(est: Any, table: Table, b: Builder) -> Table:
    """1, or the distance, at the nearest fitted rows; distances are given for one more."""
    search = search_of(est, b.doubles(table), b)
    return _graph(est, search, search.nearest(est.n_neighbors + (est.mode == "distance"), b), b)


def radius_graph(est: Any, table: Table, b: Builder) -> Table:
    """1, or the distance, at the fitted rows within the radius."""
    search = search_of(est, b.doubles(table), b)
    return _graph(est, search, search.within(float(est.radius), b), b)


TRANSFORMERS = {
    neighbors.KNeighborsTransformer: nearest_graph,
    neighbors.RadiusNeighborsTransformer: radius_graph,
}


def _graph(est: Any, search: Search, found: str, b: Builder) -> Table:
    value = found if est.mode == "connectivity" else where(found, search.lengths(b), 0.0, b)
    return b.table(value, sparse=True)
