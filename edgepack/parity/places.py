"""The places in a forest that rows reach, and those that no row can reach."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack.parity.paths import PathFinder
from edgepack.parity.pools import Pool
from edgepack.parity.regions import Regions
from edgepack.parity.trace import Chain, Slot

ROWS_AT_ONCE = 4096
NODES_AT_ONCE = 8192


class Places:
    """A forest's nodes, and its splits with their own column missing.

    Attributes:
        nodes: `(nodes,)`: whether a row has reached the node; a child's flag is that of a split's side.
        missing: `(nodes,)`: whether a row has reached the split while the split's own column was missing.
    """

    def __init__(self, forest: Forest, chains: tuple[Chain | None, ...], pools: Mapping[Slot, Pool]) -> None:
        """Nothing has been reached."""
        self.forest = forest
        self.finder = PathFinder(forest, chains, pools)
        self.slots = self.finder.pooled.slots
        self.slot_of_node = np.where(forest.is_leaf, -1, self.finder.pooled.slot_of[forest.feature])
        self.nodes: Flags = np.zeros(len(forest.feature), np.bool_)
        self.missing: Flags = self.nodes.copy()

    def reach(self, x: Floats, missing: Mapping[Slot, Flags]) -> None:
        """Adds rows.

        Args:
            x: what the forest takes, `(rows, features)`.
            missing: per slot, the rows in which it is missing.
        """
        for start in range(0, len(x), ROWS_AT_ONCE):
            rows = slice(start, start + ROWS_AT_ONCE)
            leaves = self.forest.leaves(x[rows])
            self.nodes |= self._above(leaves)
            for s, slot in enumerate(self.slots):
                if (gone := missing[slot][rows]).any():
                    self.missing |= self._above(leaves[gone]) & (self.slot_of_node == s)

    @property
    def count(self) -> int:
        """How many places have been reached."""
        return int(self.nodes.sum() + self.missing.sum())

    def below(self, wanted: Flags) -> Integers:
        """How many wanted leaves stand under each node."""
        count = (wanted & self.forest.is_leaf).astype(np.int64)
        parent = self.finder.parent
        for node in self.levels[::-1]:
            np.add.at(count, parent[node], count[node])
        return count

    @property
    def levels(self) -> list[Integers]:
        """The nodes below the roots, level by level."""
        found, node = [], self.forest.roots
        while len(node := node[self.forest.left[node] >= 0]):
            node = np.concatenate([self.forest.left[node], self.forest.right[node]])
            found.append(node)
        return found

    def unreachable(self, nodes: Integers, *, missing: bool = False) -> Flags:
        """Which nodes no row can reach: on the way there, nothing is left of some column.

        A column counts only where its pool has a value from every interval that the forest can tell apart.

        Args:
            nodes: to be looked at.
            missing: whether the question is about splits with their own column missing.
        """
        found = [
            self._closed(nodes[k : k + NODES_AT_ONCE], missing=missing) for k in range(0, len(nodes), NODES_AT_ONCE)
        ]
        return np.concatenate(found) if found else np.zeros(0, np.bool_)

    def _closed(self, nodes: Integers, *, missing: bool) -> Flags:
        regions = Regions(self.finder.pooled, len(nodes))
        self.finder.climb(regions, nodes, np.full(len(nodes), -1), own=None)
        if missing:
            regions.only_missing(np.arange(len(nodes)), self.slot_of_node[nodes])
        return np.asarray((~regions.filled() & self.finder.pooled.exact).any(axis=1))

    def _above(self, leaves: Array) -> Flags:
        """The leaves and every node on the way to them."""
        flags = np.zeros(len(self.nodes), np.bool_)
        node = np.unique(leaves)
        while len(node):
            flags[node] = True
            node = self.finder.parent[node]
            node = np.unique(node[node >= 0])
            node = node[~flags[node]]
        return flags
