"""Splits that no input can take both ways, and subtrees that no input can reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Flags, Integers


def prune(forest: Forest, decided: Flags) -> tuple[Forest, Integers]:
    """The same forest without the splits that send every number left, as `decided` says, and NaN too.

    Returns:
        The forest, and for each of its nodes the number that it had.
    """
    inner = ~forest.is_leaf
    always_left = inner & decided & forest.nan_left
    if not always_left.any():
        return forest, np.arange(len(forest.feature))
    goes_to = np.where(always_left, forest.left, np.arange(len(forest.feature)))
    while True:  # a chain of decided splits ends at a node that decides
        further = goes_to[goes_to]
        if np.array_equal(further, goes_to):
            break
        goes_to = further
    left = np.where(inner, goes_to[forest.left], -1)
    right = np.where(inner, goes_to[forest.right], -1)
    return compact(replace(forest, left=left, right=right), goes_to[forest.roots])


def compact(forest: Forest, roots: Integers) -> tuple[Forest, Integers]:
    """The forest with only the nodes that its roots reach, each tree's contiguous with the root first.

    Returns:
        The forest, and for each of its nodes the number that it had.
    """
    n = len(forest.feature)
    parent_tree = np.full(n, -1, np.int64)
    parent_tree[roots] = np.arange(len(roots))
    level = roots
    while len(level):
        level = level[forest.left[level] >= 0]
        tree = parent_tree[level]
        parent_tree[forest.left[level]] = tree
        parent_tree[forest.right[level]] = tree
        level = np.concatenate([forest.left[level], forest.right[level]])
    kept = np.flatnonzero(parent_tree >= 0)
    is_root = np.zeros(n, np.bool_)
    is_root[roots] = True
    kept = kept[np.lexsort((kept, ~is_root[kept], parent_tree[kept]))]
    new = np.full(n, -1, np.int64)
    new[kept] = np.arange(len(kept))
    left, right = forest.left[kept], forest.right[kept]
    compacted = replace(
        forest,
        feature=forest.feature[kept],
        threshold=forest.threshold[kept],
        equal=forest.equal[kept],
        nan_left=forest.nan_left[kept],
        value=forest.value[kept],
        seen=forest.seen_at(kept),
        left=np.where(left >= 0, new[left], -1),
        right=np.where(right >= 0, new[right], -1),
        roots=new[roots],
    )
    return compacted, kept
