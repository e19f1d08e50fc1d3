"""Rows that reach chosen splits of a forest, with the split's own column on either side of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Flags, Integers
from edgepack.parity.pooled import MISSING, PooledForest
from edgepack.parity.pools import Pool
from edgepack.parity.regions import NOWHERE, Regions
from edgepack.parity.trace import Chain, Slot

TARGETS_AT_ONCE = 512
TRIES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What some rows take in one slot: `values[k]` goes to row `rows[k]`; missing where `missing[k]`."""

    slot: Slot
    rows: Integers
    values: Array
    missing: Flags


class PathFinder:
    """Finds rows by intersecting, along the way from a split to its root, what each branch lets through.

    A wrong branch shows only where it leads to another value. So the way is also fixed below the split, to one leaf on
    either side, by all columns but the split's own; of several tries the one whose leaves differ most is taken.
    """

    def __init__(self, forest: Forest, chains: tuple[Chain | None, ...], pools: Mapping[Slot, Pool]) -> None:
        """Tabulates the forest on the pools."""
        self.forest = forest
        self.pooled = PooledForest(forest, chains, pools)
        inner = self.pooled.inner
        self.parent = np.full(len(forest.feature), -1)
        self.parent[forest.left[inner]] = inner
        self.parent[forest.right[inner]] = inner
        self.is_left = np.zeros(len(forest.feature), np.bool_)
        self.is_left[forest.left[inner]] = True

    @property
    def targets(self) -> Integers:
        """The splits on columns that depend on one input column alone."""
        inner = self.pooled.inner
        return inner[self.pooled.slot_of[self.forest.feature[inner]] >= 0]

    def find(self, targets: Integers, rng: np.random.Generator) -> Iterator[tuple[int, list[Choice]]]:
        """For batches of splits: how many rows, and what they take in the slots that matter.

        Each split gives up to three rows, alike but for its own column: just left of it, just right, and missing.
        """
        for start in range(0, len(targets), TARGETS_AT_ONCE):
            yield self._find(targets[start : start + TARGETS_AT_ONCE], rng)

    def _find(self, targets: Integers, rng: np.random.Generator) -> tuple[int, list[Choice]]:
        count = len(targets)
        split = np.tile(targets, TRIES)
        regions = Regions(self.pooled, len(split))
        self.climb(regions, split, np.full(len(split), -1), own=None)
        own = self.pooled.slot_of[self.forest.feature[split]]
        sides = [regions.beside(split, True, rng), regions.beside(split, False, rng), regions.without(split)]
        difference = np.zeros(len(split))
        leaves = []
        for child, index in ((self.forest.left[split], sides[0]), (self.forest.right[split], sides[1])):
            leaf = self._descend(child, own, index, rng)
            leaf[:count] = child[:count]  # the first try leaves open what happens below the split
            self.climb(regions, leaf, split, own=own)
            leaves.append(self.forest.value[leaf])
        difference[count:] = np.abs(leaves[0] - leaves[1]).max(axis=1)[count:] + 1e-300
        picked = regions.pick(rng)
        everyone = np.arange(len(split))
        picked[everyone, own] = MISSING  # whatever stands there, the row takes a side of its own
        possible = (picked != NOWHERE).all(axis=1)
        best = np.where(possible, difference, -1.0).reshape(TRIES, count).argmax(axis=0) * count + np.arange(count)
        best = best[possible[best]]
        own, picked, constrained = own[best], picked[best], regions.constrained[best]
        constrained[np.arange(len(best)), own] = True
        side = np.stack([s[best] for s in sides], axis=1)
        target, which = np.nonzero(side != NOWHERE)
        choices = []
        for s, slot in enumerate(self.pooled.slots):
            index = np.where(own[target] == s, side[target, which], picked[target, s])
            rows = np.flatnonzero(constrained[target, s])
            index = index[rows]
            choices.append(Choice(slot=slot, rows=rows, values=self.pooled.grid[s][index], missing=index == MISSING))
        return len(target), choices

    def climb(self, regions: Regions, start: Integers, stop: Integers, own: Integers | None) -> None:
        """Narrows each region by the branches from node `start` up to node `stop`, leaving the slot `own` alone."""
        node = start.copy()
        while len(at := np.flatnonzero((node != stop) & (self.parent[node] >= 0))):
            child, node[at] = node[at], self.parent[node[at]]
            if own is not None:
                other = self.pooled.slot_of[self.forest.feature[node[at]]] != own[at]
                at, child = at[other], child[other]
            regions.narrow(at, node[at], self.is_left[child])

    def _descend(self, start: Integers, own: Integers, index: Integers, rng: np.random.Generator) -> Integers:
        """A random leaf under each node that a row with pool value `index` in slot `own` can reach."""
        node = start.copy()
        while len(at := np.flatnonzero(self.forest.left[node] >= 0)):
            split = node[at]
            fixed = (self.pooled.slot_of[self.forest.feature[split]] == own[at]) & (index[at] != NOWHERE)
            left = rng.random(len(at)) < 0.5
            left[fixed] = self.pooled.sides(split[fixed], index[at[fixed]])
            node[at] = np.where(left, self.forest.left[split], self.forest.right[split])
        return node
