"""The part of the input space that leads to a place in a forest."""

from __future__ import annotations

import numpy as np

from edgepack.ir.types import Flags, Integers
from edgepack.parity.pooled import MISSING, PooledForest

NOWHERE = -2
"""In place of a pool index: no value fits."""


class Regions:
    """The pool values still allowed in each slot, for each of many regions.

    Attributes:
        constrained: `(regions, slots)`: where a split has narrowed the slot.
    """

    def __init__(self, pooled: PooledForest, count: int) -> None:
        """Everything is allowed."""
        self.pooled = pooled
        slots = len(pooled.slots)
        self.low = np.zeros((count, slots), np.int64)
        self.high = np.tile(np.array([len(grid) - 1 for grid in pooled.grid]), (count, 1))
        self.allowed = {
            int(s): np.ones((count, len(pooled.grid[s])), np.bool_) for s in np.flatnonzero(~pooled.ordered)
        }
        self.missing = np.tile(pooled.accepts_missing, (count, 1))
        self.constrained = np.zeros((count, slots), np.bool_)

    def narrow(self, at: Integers, split: Integers, left: Flags) -> None:
        """Regions `at` keep what these splits send to this side; splits on several inputs are passed over."""
        pooled = self.pooled
        feature = pooled.forest.feature[split]
        slot = pooled.slot_of[feature]
        known = slot >= 0
        at, split, left, feature, slot = at[known], split[known], left[known], feature[known], slot[known]
        self.constrained[at, slot] = True
        self.missing[at, slot] &= pooled.missing_left[split] == left
        ordered = pooled.ordered[slot]
        a, s, cut = at[ordered], slot[ordered], pooled.cut[split[ordered]]
        lower = (left ^ pooled.falls[feature])[ordered]
        self.high[a, s] = np.where(lower, np.minimum(self.high[a, s], cut - 1), self.high[a, s])
        self.low[a, s] = np.where(lower, self.low[a, s], np.maximum(self.low[a, s], cut))
        for s, allowed in self.allowed.items():
            k = np.flatnonzero(slot == s)
            allowed[at[k]] &= pooled.goes_left(s, split[k]) == left[k, None]

    def pick(self, rng: np.random.Generator) -> Integers:
        """A random allowed pool index for each region and slot: often an end of its range, now and then `MISSING`."""
        shape = self.low.shape
        inside = self.low + (rng.random(shape) * (self.high - self.low + 1)).astype(np.int64)
        where = rng.random(shape)
        index = np.where(where < 0.25, self.low, np.where(where < 0.5, self.high, inside))
        index = np.where(self.low <= self.high, index, NOWHERE)
        for s, allowed in self.allowed.items():
            index[:, s] = _any_of(allowed, rng)
        return np.where(self.missing & ((index == NOWHERE) | (rng.random(shape) < 0.1)), MISSING, index)

    def beside(self, split: Integers, left: bool, rng: np.random.Generator) -> Integers:
        """For a split per region: the pool index nearest to it on one side, or `NOWHERE`."""
        pooled, rows = self.pooled, np.arange(len(split))
        feature = pooled.forest.feature[split]
        slot = pooled.slot_of[feature]
        index = np.where(left ^ pooled.falls[feature], pooled.cut[split] - 1, pooled.cut[split])
        fits = (self.low[rows, slot] <= index) & (index <= self.high[rows, slot])
        index = np.where(fits, index, NOWHERE)
        for s, allowed in self.allowed.items():
            k = np.flatnonzero(slot == s)
            index[k] = _any_of(allowed[k] & (pooled.goes_left(s, split[k]) == left), rng)
        return index

    def sides(self, at: Integers, split: Integers) -> tuple[Flags, Flags]:
        """Whether any value of regions `at` goes left, and right, at a split each (on columns that are known)."""
        pooled = self.pooled
        feature = pooled.forest.feature[split]
        slot = pooled.slot_of[feature]
        low, high, cut = self.low[at, slot], self.high[at, slot], pooled.cut[split]
        lower, upper = (low <= high) & (low < cut), (low <= high) & (high >= cut)
        left = np.where(pooled.falls[feature], upper, lower)
        right = np.where(pooled.falls[feature], lower, upper)
        for s, allowed in self.allowed.items():
            k = np.flatnonzero(slot == s)
            goes = pooled.goes_left(s, split[k])
            left[k], right[k] = (allowed[at[k]] & goes).any(axis=1), (allowed[at[k]] & ~goes).any(axis=1)
        missing, missing_left = self.missing[at, slot], pooled.missing_left[split]
        return left | (missing & missing_left), right | (missing & ~missing_left)

    def only_missing(self, at: Integers, slot: Integers) -> None:
        """Regions `at` keep nothing in a slot each but a missing value."""
        self.constrained[at, slot] = True
        self.low[at, slot], self.high[at, slot] = 1, 0
        for s, allowed in self.allowed.items():
            allowed[at[slot == s]] = False

    def filled(self) -> Flags:
        """`(regions, slots)`: whether any value is left."""
        filled = self.low <= self.high
        for s, allowed in self.allowed.items():
            filled[:, s] = allowed.any(axis=1)
        return filled | self.missing

    def without(self, split: Integers) -> Integers:
        """For a split per region: `MISSING` where the split's own column may be missing, else `NOWHERE`."""
        slot = self.pooled.slot_of[self.pooled.forest.feature[split]]
        return np.where(self.missing[np.arange(len(split)), slot], MISSING, NOWHERE)


def _any_of(allowed: Flags, rng: np.random.Generator) -> Integers:
    """A random true column of each row, or `NOWHERE`."""
    chosen = (allowed * (rng.random(allowed.shape, np.float32) + 0.5)).argmax(axis=1)
    return np.where(allowed.any(axis=1), chosen, NOWHERE)
