"""Two trees walked together over all of their inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack.parity.predicates import Members, Predicate, Ranges, Undecidable
from edgepack.parity.trace import Slot

Region = tuple[int, ...]
"""Per column a set of its atoms, as an integer's bits; never empty."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Side:
    """The trees of one side.

    Attributes:
        left, right: `(nodes,)`, −1 in leaves.
        value: `(nodes, outputs)` what leaves are compared by.
        predicates, slots: per node what goes left, and which raw column it is about (None in leaves).
    """

    left: Integers
    right: Integers
    value: Floats
    predicates: tuple[Predicate | None, ...]
    slots: tuple[Slot | None, ...]

    def splits_below(self, root: int, most: int) -> list[int]:
        """The splits of a tree. Raises `Undecidable` for more than `most`, as a file in a circle has."""
        found, todo = [], [root]
        while todo:
            node = todo.pop()
            if self.left[node] < 0:
                continue
            found.append(node)
            if len(found) > most:
                raise Undecidable(f"a tree of more than {most:,} splits")
            todo += [int(self.left[node]), int(self.right[node])]
        return found


@dataclass(frozen=True, slots=True)
class Difference:
    """A region whose rows reach leaves with different values."""

    region: Region
    before: tuple[float, ...]
    after: tuple[float, ...]

    @property
    def size(self) -> float:
        """How far the values are apart at most."""
        return max(abs(a - b) for a, b in zip(self.before, self.after, strict=True))


@dataclass(slots=True)
class TreePair:
    """A tree of each side, or what stands below a node of each. A column's atoms are values that neither tells apart.

    Attributes:
        before, after: the sides.
        roots: where to start on each side.
        path: the splits of the first side on the way there, each with whether the way goes left.
        domains: by a string input's number, its values: each is an atom.
        most: how many splits each may have, and how many steps the walk may take for one.
        columns: the raw columns that splits are about.
        cuts: per column of numbers, the last places of its atoms but the highest; the last atom is NaN.
        steps: how many steps the walk has taken.
    """

    before: Side
    after: Side
    roots: tuple[int, int]
    path: tuple[tuple[int, bool], ...]
    domains: dict[int, Array]
    most: int
    columns: list[Slot] = field(init=False)
    cuts: dict[Slot, Integers] = field(init=False)
    steps: int = field(default=0, init=False)
    _masks: tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]] = field(init=False)

    def __post_init__(self) -> None:
        """Finds the atoms and says every split as a set of them."""
        sides = (self.before, self.after)
        nodes = [side.splits_below(root, self.most) for side, root in zip(sides, self.roots, strict=True)]
        nodes[0] += [node for node, _ in self.path]
        found: dict[Slot, list[Integers]] = {}
        for side, part in zip(sides, nodes, strict=True):
            for node in part:
                slot, predicate = side.slots[node], side.predicates[node]
                if slot is None or predicate is None:
                    raise Undecidable(f"split {node} has no meaning")
                found.setdefault(slot, []).append(
                    predicate.cuts if isinstance(predicate, Ranges) else np.empty(0, np.int64)
                )
        self.columns = sorted(found)
        self.cuts = {slot: np.unique(np.concatenate(cuts)) for slot, cuts in found.items()}
        number = {slot: k for k, slot in enumerate(self.columns)}
        said: dict[tuple[int, Slot], int] = {}
        masks: list[dict[int, tuple[int, int]]] = []
        for side, part in zip(sides, nodes, strict=True):
            masks.append({})
            for node in part:
                slot, predicate = side.slots[node], side.predicates[node]
                if slot is None or predicate is None:
                    continue
                key = (id(predicate), slot)
                if key not in said:
                    said[key] = _bits(self._inside(predicate, slot))
                masks[-1][node] = (number[slot], said[key])
        self._masks = masks[0], masks[1]

    def _inside(self, predicate: Predicate, slot: Slot) -> Flags:
        """Which atoms of a column are in a set."""
        if isinstance(predicate, Members):
            return predicate.inside
        piece = np.searchsorted(predicate.cuts, self.cuts[slot], side="left")
        return np.concatenate([predicate.inside[piece], predicate.inside[-1:], [predicate.nan]])

    def start(self) -> Region:
        """All rows that the path leads here."""
        region = [
            (1 << (len(self.domains[slot[0]]) if slot[0] in self.domains else len(self.cuts[slot]) + 2)) - 1
            for slot in self.columns
        ]
        for node, is_left in self.path:
            column, left = self._masks[0][node]
            region[column] &= left if is_left else ~left
        return tuple(region)

    def differences(self) -> Iterator[Difference]:
        """Every region whose rows reach unequal leaves. Raises `Undecidable` after `most` steps."""
        start = self.start()
        todo: list[tuple[int, int, Region]] = [(*self.roots, start)] if all(start) else []
        while todo:
            self.steps += 1
            if self.steps > self.most:
                raise Undecidable(f"trees that need more than {self.most:,} steps")
            a, b, region = todo.pop()
            if (split := self._masks[0].get(a)) is not None:
                for child, part in _parts(self.before, a, region, split):
                    # the other side's split is mostly the same one, then its region decides it
                    second = self._masks[1].get(b)
                    if second is None:
                        todo.append((child, b, part))
                    else:
                        todo += [(child, c, rest) for c, rest in _parts(self.after, b, part, second)]
            elif (split := self._masks[1].get(b)) is not None:
                todo += [(a, child, part) for child, part in _parts(self.after, b, region, split)]
            elif not np.array_equal(self.before.value[a], self.after.value[b]):
                yield Difference(region, tuple(self.before.value[a].tolist()), tuple(self.after.value[b].tolist()))


def _parts(side: Side, node: int, region: Region, split: tuple[int, int]) -> list[tuple[int, Region]]:
    """The children that rows of the region reach, each with its part of the region."""
    column, left = split
    inside, outside = region[column] & left, region[column] & ~left
    if not outside:
        return [(int(side.left[node]), region)]
    if not inside:
        return [(int(side.right[node]), region)]
    head, tail = region[:column], region[column + 1 :]
    return [
        (int(side.left[node]), (*head, inside, *tail)),
        (int(side.right[node]), (*head, outside, *tail)),
    ]


def _bits(flags: Flags) -> int:
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")
