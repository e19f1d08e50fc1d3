"""The writer of forests: all trees descend one level at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Flags, Floats, Integers
from edgepack_coreml.mil.graph import Graph, Var
from edgepack_coreml.mil.rounding import only_float32, rounded_down

RUN = 32
"""Leaf values are added up in runs of so many trees, and then the runs: fewer roundings follow each other."""

FEW_FEATURES = 256
"""As many as the places of a palette can name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tables:
    """A forest's splits, and the distinct rows of its leaves: a place below `len(node)` is a split, any other a row.

    Equal questions of all trees stand side by side: that compresses.

    Attributes:
        node: `(splits,)` the forest's own numbers.
        left, right: `(splits,)` the children's places.
        roots: `(trees,)` their places, with some more that add nothing, to fill up a run.
        rows: `(distinct leaves, outputs)`.
        depth: how many steps lead to the deepest leaf.
    """

    node: Integers
    left: Integers
    right: Integers
    roots: Integers
    rows: Floats
    depth: int

    @classmethod
    def of(cls, forest: Forest) -> Tables:
        """Sorts the splits, and walks down from the roots to see how deep they go."""
        leaf, trees = forest.is_leaf, len(forest.roots)
        node = np.flatnonzero(~leaf)
        left, right = forest.left[node], forest.right[node]
        node = node[np.lexsort((forest.threshold[node], forest.feature[node], leaf[right], leaf[left]))]
        fills = 0 if trees <= RUN else -trees % RUN
        nothing = np.zeros((min(fills, 1), forest.value.shape[1]))
        rows, number = np.unique(np.concatenate([forest.value[leaf], nothing]), axis=0, return_inverse=True)
        number = number.ravel() + len(node)
        place = np.empty(len(leaf), np.int64)
        place[node], place[leaf] = np.arange(len(node)), number[: int(leaf.sum())]
        left, right, roots = place[forest.left[node]], place[forest.right[node]], place[forest.roots]
        depth, level = 0, roots[roots < len(node)]
        while len(level):
            depth += 1
            level = np.unique(np.concatenate([left[level], right[level]]))
            level = level[level < len(node)]
        roots = np.concatenate([roots, np.full(fills, number[-1])])
        return cls(node=node, left=left, right=right, roots=roots, rows=rows, depth=depth)


def forest(g: Graph, op: Forest, x: Var) -> Var:
    """`(base + Σ leaf values) / divisor`; x goes right where it is above a threshold, or is not the one number."""
    tables = Tables.of(op)
    first = len(tables.node)
    at: Var = g.const(val=tables.roots if first else tables.roots - first)
    if first:
        at = g.sub(x=_descended(g, op, tables, x, at), y=first)
    values = g.gather(x=tables.rows, indices=at, axis=0)
    if len(tables.roots) > RUN:
        values = g.reshape(x=values, shape=[len(tables.roots) // RUN, RUN, tables.rows.shape[1]])
        values = g.reduce_sum(x=values, axes=[1], keep_dims=False)
    total = g.reduce_sum(x=values, axes=[0], keep_dims=False)
    if np.any(op.base):
        total = g.add(x=total, y=op.base)
    return total if op.divisor == 1 else g.real_div(x=total, y=float(op.divisor))


def _descended(g: Graph, op: Forest, tables: Tables, x: Var, at: Var) -> Var:
    """The leaf row where each tree's row arrives; what is there already stays."""
    node, first = tables.node, len(tables.node)
    equal, nan_right = op.equal[node], ~op.nan_left[node]
    few = g.packs and op.features <= FEW_FEATURES  # a byte for each, but the table then holds float32
    features = g.const(val=op.feature[node].astype(np.float64) if few else op.feature[node])
    threshold = g.const(val=_thresholds(op.threshold[node], equal))
    children = g.const(val=tables.left), g.const(val=tables.right)
    is_equal = g.const(val=equal.astype(np.float64)) if equal.any() else None
    goes_right = g.const(val=nan_right.astype(np.float64)) if nan_right.any() else None
    for _ in range(tables.depth):
        split = g.minimum(x=at, y=first - 1)
        asked = g.gather(x=features, indices=split, axis=0)
        value = g.gather(x=x, indices=g.cast(x=asked, dtype="int32") if few else asked, axis=0)
        cut = g.gather(x=threshold, indices=split, axis=0)
        right = g.greater(x=value, y=cut)
        if is_equal is not None:
            asks = g.greater(x=g.gather(x=is_equal, indices=split, axis=0), y=0.0)
            other = g.logical_and(x=g.not_equal(x=value, y=cut), y=g.equal(x=value, y=value))
            right = g.select(cond=asks, a=other, b=right)
        if goes_right is not None:
            sent = g.greater(x=g.gather(x=goes_right, indices=split, axis=0), y=0.0)
            right = g.logical_or(x=right, y=g.logical_and(x=g.not_equal(x=value, y=value), y=sent))
        left_child, right_child = (g.gather(x=side, indices=split, axis=0) for side in children)
        below = g.select(cond=right, a=right_child, b=left_child)
        at = g.select(cond=g.greater_equal(x=at, y=first), a=at, b=below)
    return at


def _thresholds(threshold: Floats, equal: Flags) -> Floats:
    """In float32, so that the same branch is taken."""
    return np.where(equal, only_float32(threshold), rounded_down(threshold))
