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
class Levels:
    """A forest's nodes level by level, a node's children side by side; a leaf is its own left child.

    Attributes:
        node: `(nodes,)` the forest's own number; −1 for a tree that only fills up a run, and adds nothing.
        left: `(nodes,)` the left child; the right one follows it.
        trees: how many there are; they are the first nodes.
        depth: how many steps lead to the deepest leaf.
    """

    node: Integers
    left: Integers
    trees: int
    depth: int

    @classmethod
    def of(cls, forest: Forest) -> Levels:
        """Walks down from the roots; a node with two parents is there twice."""
        trees = len(forest.roots)
        filled = trees if trees <= RUN else -(-trees // RUN) * RUN
        level = np.concatenate([forest.roots, np.full(filled - trees, -1, np.int64)])
        nodes, lefts, start = [level], [], 0
        while True:
            inner = (level >= 0) & (forest.left[level] >= 0)
            after = start + len(level)
            left = start + np.arange(len(level))
            left[inner] = after + 2 * np.arange(int(inner.sum()))
            lefts.append(left)
            if not inner.any():
                break
            level = np.stack([forest.left[level[inner]], forest.right[level[inner]]], axis=1).ravel()
            nodes.append(level)
            start = after
        return cls(node=np.concatenate(nodes), left=np.concatenate(lefts), trees=filled, depth=len(nodes) - 1)


def forest(g: Graph, op: Forest, x: Var) -> Var:
    """`(base + Σ leaf values) / divisor`; x goes right where it is above a threshold, or is not the one number."""
    levels = Levels.of(op)
    inner = (levels.node >= 0) & ~op.is_leaf[levels.node]
    equal = inner & op.equal[levels.node]
    nan_right = inner & ~op.nan_left[levels.node]
    value = np.where((levels.node >= 0)[:, None], op.value[levels.node], 0.0)
    at: Var = g.const(val=np.arange(levels.trees))
    if levels.depth:
        at = _descended(g, op, levels, x, at, inner, equal, nan_right)
    values = g.gather(x=value, indices=at, axis=0)
    if levels.trees > RUN:
        values = g.reshape(x=values, shape=[levels.trees // RUN, RUN, value.shape[1]])
        values = g.reduce_sum(x=values, axes=[1], keep_dims=False)
    total = g.reduce_sum(x=values, axes=[0], keep_dims=False)
    if np.any(op.base):
        total = g.add(x=total, y=op.base)
    return total if op.divisor == 1 else g.real_div(x=total, y=float(op.divisor))


def _descended(
    g: Graph, op: Forest, levels: Levels, x: Var, at: Var, inner: Flags, equal: Flags, nan_right: Flags
) -> Var:
    """Where each tree's row arrives."""
    node = levels.node
    feature = np.where(inner, op.feature[node], 0)
    few = g.packs and op.features <= FEW_FEATURES  # a byte for each, but the table then holds float32
    features = g.const(val=feature.astype(np.float64) if few else feature)
    threshold = g.const(val=_thresholds(op.threshold[node], inner, equal))
    left = g.const(val=levels.left)
    is_equal = g.const(val=equal.astype(np.float64)) if equal.any() else None
    goes_right = g.const(val=nan_right.astype(np.float64)) if nan_right.any() else None
    for _ in range(levels.depth):
        asked = g.gather(x=features, indices=at, axis=0)
        value = g.gather(x=x, indices=g.cast(x=asked, dtype="int32") if few else asked, axis=0)
        cut = g.gather(x=threshold, indices=at, axis=0)
        right = g.greater(x=value, y=cut)
        if is_equal is not None:
            asks = g.greater(x=g.gather(x=is_equal, indices=at, axis=0), y=0.0)
            other = g.logical_and(x=g.not_equal(x=value, y=cut), y=g.equal(x=value, y=value))
            right = g.select(cond=asks, a=other, b=right)
        if goes_right is not None:
            sent = g.greater(x=g.gather(x=goes_right, indices=at, axis=0), y=0.0)
            right = g.logical_or(x=right, y=g.logical_and(x=g.not_equal(x=value, y=value), y=sent))
        at = g.add(x=g.gather(x=left, indices=at, axis=0), y=g.cast(x=right, dtype="int32"))
    return at


def _thresholds(threshold: Floats, inner: Flags, equal: Flags) -> Floats:
    """Leaves' are infinite, so that everything stays left."""
    return np.where(equal, only_float32(threshold), np.where(inner, rounded_down(threshold), np.inf))
