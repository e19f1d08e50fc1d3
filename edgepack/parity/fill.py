"""Rows for the places in a forest that no row has reached yet: one place for certain, many on the way."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from edgepack.ir.types import Flags, Integers
from edgepack.parity.paths import Choice
from edgepack.parity.places import Places
from edgepack.parity.pooled import MISSING
from edgepack.parity.regions import NOWHERE, Regions

ROWS_AT_ONCE = 512
TREES_AT_ONCE = 32


def fill(places: Places, budget: int, rng: np.random.Generator) -> Iterator[tuple[int, list[Choice]]]:
    """For batches of unreached places: how many rows, and what they take in the slots that matter.

    Each row is for a leaf, or for a split with its own column missing; in the other trees, as far as that leaves a
    choice, it goes to where most leaves have not been reached. `places` is not changed.
    """
    forest = places.forest
    wanted = forest.is_leaf & ~places.nodes
    targets = [(int(node), False) for node in rng.permutation(np.flatnonzero(wanted))]
    pooled = places.finder.pooled
    may_miss = np.zeros(len(wanted), np.bool_)
    known = np.flatnonzero(places.slot_of_node >= 0)
    may_miss[known] = pooled.accepts_missing[places.slot_of_node[known]]
    targets += [(int(node), True) for node in rng.permutation(np.flatnonzero(may_miss & ~places.missing))]
    while targets and budget > 0:
        batch, targets = targets[: min(ROWS_AT_ONCE, budget)], targets[min(ROWS_AT_ONCE, budget) :]
        node, missing = np.array([n for n, _ in batch]), np.array([m for _, m in batch])
        todo = missing | wanted[node]  # an earlier batch may have been there
        count, choices = _batch(places, node[todo], missing[todo], wanted, rng)
        budget -= count
        if count:
            yield count, choices


def _batch(
    places: Places, node: Integers, missing: Flags, wanted: Flags, rng: np.random.Generator
) -> tuple[int, list[Choice]]:
    """Rows for places; takes the leaves that they reach from those that are wanted."""
    forest, finder = places.forest, places.finder
    pooled = finder.pooled
    regions = Regions(pooled, len(node))
    finder.climb(regions, node, np.full(len(node), -1), own=None)
    regions.only_missing(at := np.flatnonzero(missing), places.slot_of_node[node[at]])
    open_ = np.flatnonzero(regions.filled().all(axis=1))
    tree = np.searchsorted(forest.roots, node, side="right")
    wanted[node[open_[~missing[open_]]]] = False
    below = places.below(wanted)
    trees = np.arange(len(forest.roots))
    for t in rng.permutation(trees[below[forest.roots] > 0])[:TREES_AT_ONCE]:
        at = open_[tree[open_] != t + 1]
        _descend(places, regions, at, int(forest.roots[t]), below, wanted, rng)
    index = regions.pick(rng)[open_]
    kept = (index != NOWHERE).all(axis=1)
    open_, index = open_[kept], index[kept]
    choices = []
    for s, slot in enumerate(pooled.slots):
        rows = np.flatnonzero(regions.constrained[open_, s])
        chosen = index[rows, s]
        choices.append(Choice(slot=slot, rows=rows, values=pooled.grid[s][chosen], missing=chosen == MISSING))
    return len(open_), choices


def _descend(
    places: Places,
    regions: Regions,
    at: Integers,
    root: int,
    below: Integers,
    wanted: Flags,
    rng: np.random.Generator,
) -> None:
    """Leads regions `at` from a root to leaves, by the ways that lead to the most wanted ones."""
    forest = places.forest
    node = np.full(len(at), root)
    while len(k := np.flatnonzero((places.slot_of_node[node] >= 0) & (below[node] > 0))):
        split = node[k]
        left, right = regions.sides(at[k], split)
        few, many = below[forest.left[split]], below[forest.right[split]]
        goes = np.where(left & right, rng.random(len(k)) * (few + many) < few, left)
        regions.narrow(at[k], split, goes)
        node[k] = np.where(goes, forest.left[split], forest.right[split])
    wanted[node] &= ~forest.is_leaf[node]
