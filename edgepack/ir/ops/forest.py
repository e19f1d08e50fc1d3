"""Decision trees added up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Flags, Floats, Integers, Type, TypeMismatch, number

ROWS_AT_ONCE = 8192


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forest:
    """`(base + Σ leaf values, tree by tree) / divisor`.

    All trees' nodes stand in one set of arrays, each tree's contiguous with its root first, children after their
    parent. A row goes left where `x[feature] <= threshold` (or `==`, where `equal`); NaN goes left where `nan_left`.

    Attributes:
        feature: `(nodes,) int64`; 0 in leaves.
        threshold: `(nodes,) float64`; 0 in leaves.
        equal: `(nodes,) bool`.
        nan_left: `(nodes,) bool`.
        left, right: `(nodes,) int64` node numbers in the whole forest; −1 in leaves.
        value: `(nodes, outputs) float64`; 0 in inner nodes.
        roots: `(trees,) int64`, ascending.
        base: `(outputs,) float64`.
        divisor: 1 for a sum, the number of trees for a mean.
        features: how many columns the input has.
        compare: the type that x is rounded to before it is compared.
        seen: `(nodes,)` how many training rows came to each node, in any unit; empty where that is not known. It means
            nothing to the answers: a target may lay out its nodes by it.
    """

    feature: Integers
    threshold: Floats
    equal: Flags
    nan_left: Flags
    left: Integers
    right: Integers
    value: Floats
    roots: Integers
    base: Floats
    divisor: float
    features: int
    compare: Literal["float32", "float64"]
    seen: Floats = field(default_factory=lambda: np.empty(0))
    _holds: bool = field(init=False, default=False, repr=False)

    @property
    def is_leaf(self) -> Flags:
        """`(nodes,) bool`."""
        return self.left < 0

    @property
    def tree(self) -> Integers:
        """`(nodes,)`: the number of the tree that a node stands in."""
        sizes = np.diff(self.roots, append=len(self.feature))
        return np.repeat(np.arange(len(self.roots)), sizes)

    @property
    def asked(self) -> Integers:
        """The features that splits ask, ascending."""
        counts = np.bincount(self.feature, minlength=1)
        counts[0] -= np.count_nonzero(self.is_leaf)  # leaves say feature 0
        return np.flatnonzero(counts)

    def seen_at(self, nodes: Integers) -> Floats:
        """`seen` of some nodes; empty where it is not known."""
        return self.seen[nodes] if len(self.seen) else self.seen

    def infer(self, *types: Type) -> Type:
        """Numbers, one column per output."""
        one(self, types, "number", self.features)
        if not self._holds:
            self._check()
            object.__setattr__(self, "_holds", True)  # kept: a Program infers its types again after every pass
        return number(len(self.base))

    def _check(self) -> None:
        n = len(self.feature)
        parts = (self.threshold, self.equal, self.nan_left, self.left, self.right, self.value)
        lengths_differ = any(len(part) != n for part in parts) or len(self.seen) not in (0, n)
        if lengths_differ or self.value.shape[1:] != self.base.shape:
            raise TypeMismatch(f"Forest: arrays of {[p.shape for p in parts]} do not describe {n} nodes")
        inner = np.flatnonzero(~self.is_leaf)
        features = self.feature[inner]
        wrong = np.any(self.roots < 0) or np.any(self.roots >= n)
        wrong = wrong or np.any(features < 0) or np.any(features >= self.features)
        for child in (self.left, self.right):
            wrong = wrong or np.any(child >= n) or np.any(child[inner] <= inner)
        if wrong:
            raise TypeMismatch(f"Forest: a root, child or feature is beyond {n} nodes, {self.features} features")

    def leaves(self, x: Array) -> Integers:
        """The leaf that each row reaches in each tree, `(rows, trees)`."""
        x = x.astype(np.float32).astype(np.float64) if self.compare == "float32" else x
        at = np.broadcast_to(self.roots, (len(x), len(self.roots))).copy()
        rows = np.arange(len(x))[:, None]
        any_nan, any_equal = bool(np.isnan(x).any()), bool(self.equal.any())
        active = np.flatnonzero((self.left[at] >= 0).any(axis=0))
        while len(active):
            node = at[:, active]
            v, t = x[rows, self.feature[node]], self.threshold[node]
            goes_left = v <= t
            if any_equal:
                goes_left = np.where(self.equal[node], v == t, goes_left)
            if any_nan:
                goes_left = np.where(np.isnan(v), self.nan_left[node], goes_left)
            child = np.where(goes_left, self.left[node], self.right[node])
            at[:, active] = np.where(child >= 0, child, node)
            active = active[(self.left[at[:, active]] >= 0).any(axis=0)]
        return at

    def run(self, *values: Array) -> Array:
        """`(rows, outputs) float64`, summed in tree order as scikit-learn does."""
        x = values[0]
        total = np.empty((len(x), len(self.base)))
        for start in range(0, len(x), ROWS_AT_ONCE):
            at = self.leaves(x[start : start + ROWS_AT_ONCE])
            part = np.broadcast_to(self.base, (len(at), len(self.base))).copy()
            for t in range(len(self.roots)):
                part += self.value[at[:, t]]
            total[start : start + ROWS_AT_ONCE] = part
        return total if self.divisor == 1 else total / self.divisor
