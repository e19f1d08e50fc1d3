"""Functions that are not defined everywhere, in front of a forest.

`log1p(x)` is NaN below −1, and a forest sends NaN its own way. Folded, that is a second test on the raw column:
outside the function's domain go where NaN goes, else compare. Only splits whose NaN side is not the side of the
numbers beyond the edge need it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgepack.contract import InputDtype
from edgepack.ir.ops import Forest
from edgepack.ir.types import Flags


@dataclass(frozen=True, slots=True)
class Defined:
    """The first and last float of a type at which a column's function is defined."""

    low: float
    high: float
    dtype: InputDtype

    @property
    def _largest(self) -> float:
        return float(np.finfo(self.dtype).max)

    @property
    def is_bounded_below(self) -> bool:
        """Whether smaller floats than `low` exist."""
        return self.low > -self._largest

    @property
    def is_bounded_above(self) -> bool:
        """Whether larger floats than `high` exist."""
        return self.high < self._largest

    @property
    def is_bounded(self) -> bool:
        """Whether the function is undefined somewhere."""
        return self.is_bounded_below or self.is_bounded_above

    @property
    def is_bounded_twice(self) -> bool:
        """Whether it is undefined on both sides."""
        return self.is_bounded_below and self.is_bounded_above

    @property
    def edge(self) -> float:
        """`x <= edge` parts the two regions: the last float below the domain, or the last one inside it."""
        if self.is_bounded_above:
            return self.high
        return float(np.nextafter(np.array(self.low, self.dtype), np.array(-np.inf, self.dtype)))


def split_domains(forest: Forest, undefined: Sequence[tuple[int, Defined]], outside_left: Flags) -> Forest:
    """The forest with a test of the domain's edge before each split that needs one.

    Args:
        forest: folded: its thresholds hold inside the domains. A split on feature −k reads `undefined[k − 1]`.
        undefined: a raw column, and where a function of it is defined (bounded on one side).
        outside_left: per node: whether numbers outside the domain go left (imputed missing ones may go elsewhere).
    """
    needs = np.zeros(len(forest.feature), np.bool_)
    for k, (_, defined) in enumerate(undefined, 1):
        at = ~forest.is_leaf & (forest.feature == -k)
        if defined.is_bounded_below:
            needs |= at & ~outside_left  # numbers below the edge would go left
        else:
            needs |= at & (outside_left != (forest.threshold >= np.finfo(defined.dtype).max))
    if needs.any():
        forest = _Rewrite(forest, undefined, needs, outside_left).run()
    raw = np.array([0, *(column for column, _ in undefined)], np.int64)
    return replace(forest, feature=np.where(forest.feature < 0, raw[-np.minimum(forest.feature, 0)], forest.feature))


class _Rewrite:
    """The forest written anew, node by node; inside an undefined region its splits are decided and disappear."""

    def __init__(
        self, forest: Forest, undefined: Sequence[tuple[int, Defined]], needs: Flags, outside_left: Flags
    ) -> None:
        """Starts with no nodes."""
        self.forest, self.undefined, self.needs, self.outside_left = forest, undefined, needs, outside_left
        self.source: list[int] = []
        self.threshold: list[float] = []
        self.left: list[int] = []
        self.right: list[int] = []
        self.nan_left: list[bool] = []

    def run(self) -> Forest:
        """All trees."""
        roots = [self._subtree(int(root)) for root in self.forest.roots]
        source = np.array(self.source)
        return replace(
            self.forest,
            feature=self.forest.feature[source],
            threshold=np.array(self.threshold),
            equal=self.forest.equal[source],
            nan_left=np.array(self.nan_left),
            left=np.array(self.left),
            right=np.array(self.right),
            value=self.forest.value[source] * (np.array(self.left) < 0)[:, None],
            seen=self.forest.seen_at(source),
            roots=np.array(roots),
        )

    def _subtree(self, root: int) -> int:
        """The number of the written copy of a subtree. Iterative: trees can be deeper than Python's stack."""
        first = len(self.source)
        nothing: frozenset[int] = frozenset()
        todo = [(root, nothing, nothing, -1, False)]
        while todo:
            node, outside, inside, parent, is_left = todo.pop()
            f = self.forest
            while f.left[node] >= 0 and int(f.feature[node]) in outside:
                node = int(f.left[node] if self.outside_left[node] else f.right[node])
            written = len(self.source)
            if parent >= 0:
                (self.left if is_left else self.right)[parent] = written
            column = int(f.feature[node])
            self._write(node, float(f.threshold[node]), bool(f.nan_left[node]))
            if f.left[node] < 0:
                continue
            left, right = int(f.left[node]), int(f.right[node])
            if not self.needs[node] or column in inside:
                todo += [(right, outside, inside, written, False), (left, outside, inside, written, True)]
                continue
            _, defined = self.undefined[-column - 1]
            below = defined.is_bounded_below
            # this node becomes the test of the edge; the split itself comes behind it
            self.threshold[written] = defined.edge
            self.nan_left[written] = not below  # missing values go on to the split
            away = (left if self.outside_left[node] else right, outside | {column}, inside, written, below)
            inside |= {column}
            split = len(self.source)
            self._write(node, float(f.threshold[node]), bool(f.nan_left[node]))
            (self.right if below else self.left)[written] = split
            todo += [away, (right, outside, inside, split, False), (left, outside, inside, split, True)]
        return first

    def _write(self, node: int, threshold: float, nan_left: bool) -> None:
        self.source.append(node)
        self.threshold.append(threshold)
        self.nan_left.append(nan_left)
        self.left.append(-1)
        self.right.append(-1)
