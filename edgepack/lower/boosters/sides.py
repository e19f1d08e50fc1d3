"""Category splits: a split at ½ on a column that says which side each category goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgepack.ir.ops import Bucket, Lookup
from edgepack.lower.builder import Builder, Column, Table


@dataclass(slots=True)
class Sides:
    """Collects category splits while trees are read, then writes one `Bucket` and one `Lookup` per feature.

    Attributes:
        features: how many columns there are already.
        first: the smallest float64 that the library takes for category k; the next one begins at `first(k + 1)`.
    """

    features: int
    first: Callable[[int], float]
    columns: dict[tuple[int, frozenset[int], bool, bool], int] = field(default_factory=dict)

    def column(self, feature: int, left: frozenset[int], *, other_left: bool, missing_left: bool) -> int:
        """The column that is 0 where these categories go left, and 1 where the rest goes right.

        Args:
            left: the categories of which it is known on which side they go: left, or right where `other_left`.
            other_left: where any other number goes.
            missing_left: where NaN goes.
        """
        return self.columns.setdefault((feature, left, other_left, missing_left), self.features + len(self.columns))

    def emit(self, table: Table, b: Builder) -> tuple[Column, ...]:
        """The columns in the order of their numbers."""
        placed: dict[int, Column] = {}
        for feature in sorted({key[0] for key in self.columns}):
            wanted = [(key, number) for key, number in self.columns.items() if key[0] == feature]
            codes = sorted(frozenset[int]().union(*(key[1] for key, _ in wanted)))
            sides = np.empty((len(codes) + 2, len(wanted)))
            for j, ((_, named, other_left, missing_left), _) in enumerate(wanted):
                sides[:-2, j] = [other_left if code in named else not other_left for code in codes]
                sides[-2:, j] = not other_left, not missing_left
            edges = np.array([self.first(k) for k in range(max(codes, default=-1) + 2)])
            bucket = b.emit(Bucket(edges=(edges,), right=True), b.gather(table.take([feature])))
            looked_up = b.table(b.emit(Lookup(keys=np.array(codes, np.float64) + 1, table=sides), bucket))
            placed.update({number: looked_up.columns[j] for j, (_, number) in enumerate(wanted)})
        return tuple(placed[number] for number in sorted(placed))
