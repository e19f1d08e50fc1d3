"""Splits that decide nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgepack.ir.ops import Forest


def without_equal_leaves(forest: Forest) -> Forest:
    """The same answers without splits whose two children are leaves of equal value, up to the roots."""
    left, right, value = forest.left.copy(), forest.right.copy(), forest.value.copy()
    while True:
        inner = np.flatnonzero(left >= 0)
        a, b = left[inner], right[inner]
        equal = (left[a] < 0) & (left[b] < 0) & (value[a] == value[b]).all(axis=1)
        merged = inner[equal]
        if not len(merged):
            break
        value[merged] = value[left[merged]]
        left[merged] = right[merged] = -1
    return _reachable(replace(forest, left=left, right=right, value=value))


def _reachable(forest: Forest) -> Forest:
    """The nodes that some row can get to, in their old order."""
    reached = np.zeros(len(forest.left), np.bool_)
    level = forest.roots
    while len(level):
        reached[level] = True
        level = level[forest.left[level] >= 0]
        level = np.concatenate([forest.left[level], forest.right[level]])
    place = np.append(np.cumsum(reached) - 1, -1)  # −1 stays −1
    leaf = (forest.left < 0)[reached]
    return replace(
        forest,
        feature=np.where(leaf, 0, forest.feature[reached]),
        threshold=np.where(leaf, 0.0, forest.threshold[reached]),
        equal=forest.equal[reached] & ~leaf,
        nan_left=forest.nan_left[reached] & ~leaf,
        left=place[forest.left[reached]],
        right=place[forest.right[reached]],
        value=forest.value[reached],
        seen=forest.seen_at(np.flatnonzero(reached)),
        roots=place[forest.roots],
    )
