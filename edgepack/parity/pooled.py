"""A forest's splits as sets of pool values."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack.parity.pools import Pool
from edgepack.parity.trace import Chain, Slot

MISSING = -1
"""The pool index of a missing value."""


class PooledForest:
    """Which values of its column's pool each split sends left.

    A pool holds both sides of every threshold on its column, so it holds a value from every interval that the forest
    can tell apart. Where every feature of a column rises or falls along the pool, the column is `ordered` and a split
    is one pool index; other columns (categories) keep a flag for each pool value.

    Attributes:
        slots: the input columns that splits depend on alone, and `slot_of` (features,) their numbers or −1.
        grid: the pool's values per slot.
        ordered: `(slots,)`; `falls` (features,) where the feature falls along an ordered slot.
        exact: `(slots,)`: whether the pool is known to hold a value of every interval, as all features rise, fall or
            are finite.
        cut: `(nodes,)` for ordered slots: so many pool values are on the lower side.
        missing_left: `(nodes,)`: whether a missing value goes left.
    """

    def __init__(self, forest: Forest, chains: tuple[Chain | None, ...], pools: Mapping[Slot, Pool]) -> None:
        """Evaluates every feature on its column's pool, once."""
        self.forest = forest
        inner = np.flatnonzero(~forest.is_leaf)
        self.inner: Integers = inner
        known = {int(f): chain for f in np.unique(forest.feature[inner]) if (chain := chains[f]) is not None}
        self.slots = sorted({chain.slot for chain in known.values()})
        self.grid = [pools[slot].all for slot in self.slots]
        self.accepts_missing = np.array([pools[slot].missing for slot in self.slots], np.bool_)
        self.slot_of = np.full(forest.features, -1)
        for f, chain in known.items():
            self.slot_of[f] = self.slots.index(chain.slot)
        self._value = {f: self._on_pool(f, chain) for f, chain in known.items()}
        self.ordered, self.falls, self.exact = self._orders(known)
        self.cut = np.zeros(len(forest.feature), np.int64)
        self._kind = np.zeros(len(forest.feature), np.int64)
        self._flags: dict[int, list[Flags]] = {int(s): [] for s in np.flatnonzero(~self.ordered)}
        self.missing_left: Flags = forest.nan_left.copy()
        by_feature = inner[np.argsort(forest.feature[inner], kind="stable")]
        for at in np.split(by_feature, np.flatnonzero(np.diff(forest.feature[by_feature])) + 1):
            if len(at) and int(forest.feature[at[0]]) in known:
                self._place(int(forest.feature[at[0]]), at)
        self._table = {s: np.concatenate(parts) for s, parts in self._flags.items() if parts}

    def _on_pool(self, feature: int, chain: Chain) -> Floats:
        """The feature for every pool value, and for a missing one at the end, rounded as the forest does."""
        grid = self.grid[self.slot_of[feature]]
        missing: Array = np.array([None], object) if grid.dtype == object else np.array([np.nan])
        value = np.concatenate([chain.run(grid), chain.run(missing)])
        with np.errstate(over="ignore"):
            return value.astype(np.float32).astype(np.float64) if self.forest.compare == "float32" else value

    def _orders(self, known: Mapping[int, Chain]) -> tuple[Flags, Flags, Flags]:
        equal = set(np.unique(self.forest.feature[self.forest.equal]).tolist())
        ordered, falls = np.ones(len(self.slots), np.bool_), np.zeros(self.forest.features, np.bool_)
        exact = ordered.copy()
        for f, value in self._value.items():
            with np.errstate(invalid="ignore"):
                steps = np.diff(value[:-1])
            falls[f] = bool(np.all(steps <= 0)) and bool(np.any(steps < 0))
            monotone = not np.isnan(value[:-1]).any() and bool(falls[f] or np.all(steps >= 0))
            if f in equal or not monotone:
                ordered[self.slot_of[f]] = False
            if not monotone and not known[f].is_finite:
                exact[self.slot_of[f]] = False
        return ordered, falls, exact

    def _place(self, f: int, at: Integers) -> None:
        """Finds the cuts of the splits `at`, all on feature f."""
        value, gone = self._value[f][:-1], self._value[f][-1]
        threshold = self.forest.threshold[at]
        if self.ordered[self.slot_of[f]]:
            if self.falls[f]:
                self.cut[at] = len(value) - np.searchsorted(value[::-1], threshold, side="right")
            else:
                self.cut[at] = np.searchsorted(value, threshold, side="right")
        else:
            self._tabulate(f, at)
        if gone == gone:
            self.missing_left[at] = np.where(self.forest.equal[at], gone == threshold, gone <= threshold)

    def _tabulate(self, f: int, at: Integers) -> None:
        """A row of flags for each distinct split among `at`."""
        flags, value = self._flags[int(self.slot_of[f])], self._value[f][:-1]
        said = np.stack([self.forest.threshold[at], self.forest.equal[at], self.forest.nan_left[at]], axis=1)
        distinct, which = np.unique(said, axis=0, return_inverse=True)
        cut, equal, nan_left = distinct[:, :1], distinct[:, 1:2] > 0, distinct[:, 2:] > 0
        left = np.where(equal, value == cut, value <= cut)
        self._kind[at] = sum(len(part) for part in flags) + which.reshape(-1)
        flags.append(np.where(np.isnan(value), nan_left, left))

    def goes_left(self, slot: int, splits: Integers) -> Flags:
        """`(splits, pool values)` for splits on one slot that is not ordered."""
        return self._table[slot][self._kind[splits]]

    def sides(self, splits: Integers, index: Integers) -> Flags:
        """Whether the pool value `index` of each split's own column goes left there."""
        feature = self.forest.feature[splits]
        slot = self.slot_of[feature]
        left = (index < self.cut[splits]) ^ self.falls[feature]
        for s, table in self._table.items():
            at = slot == s
            left[at] = table[self._kind[splits[at]], index[at]]
        return np.where(index == MISSING, self.missing_left[splits], left)
