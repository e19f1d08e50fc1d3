"""All trees of two sides walked together where they ask the same, so that only what is left needs regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.types import Floats, Integers
from edgepack.parity.predicates import Predicate, Ranges
from edgepack.parity.tree_pair import Side


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Met:
    """Where the walk has ended.

    Attributes:
        moved: `(trees,)` the furthest that the leaves reached together are apart.
        before, after, tree: `(pairs,)` places, not both leaves, where the sides ask differently, and their trees.
    """

    moved: Floats
    before: Integers
    after: Integers
    tree: Integers


def meanings(*sides: Side) -> tuple[Integers, ...]:
    """`(nodes,)` for each side: equal numbers for splits that send the same raw values left; −1 in leaves."""
    numbers: dict[tuple[object, ...], int] = {}
    known: dict[tuple[int, object], int] = {}
    found = []
    for side in sides:
        meaning = np.full(len(side.left), -1)
        for node in np.flatnonzero(side.left >= 0).tolist():
            predicate, slot = side.predicates[node], side.slots[node]
            short = (id(predicate), slot)
            if predicate is not None and short not in known:
                known[short] = numbers.setdefault((slot, *_content(predicate)), len(numbers))
            meaning[node] = known.get(short, -2 - node)
        found.append(meaning)
    return tuple(found)


def walk(before: Side, after: Side, roots: tuple[Integers, Integers]) -> Met:
    """Goes down every tree of both sides as long as both ask the same. The first side has no circles, so it ends."""
    a, b = roots
    meaning_a, meaning_b = meanings(before, after)
    tree = np.arange(len(a))
    moved = np.zeros(len(a))
    left: list[tuple[Integers, Integers, Integers]] = []
    while len(a):
        leaves = (before.left[a] < 0) & (after.left[b] < 0)
        apart = np.abs(before.value[a[leaves]] - after.value[b[leaves]]).max(axis=1, initial=0)
        np.maximum.at(moved, tree[leaves], apart)
        same = ~leaves & (meaning_a[a] == meaning_b[b])
        other = ~leaves & ~same
        left.append((a[other], b[other], tree[other]))
        a, b, tree = a[same], b[same], tree[same]
        a, b = np.concatenate([before.left[a], before.right[a]]), np.concatenate([after.left[b], after.right[b]])
        tree = np.concatenate([tree, tree])
    before_, after_, trees = (np.concatenate(parts) for parts in zip(*left, strict=True))
    return Met(moved=moved, before=before_, after=after_, tree=trees)


def _content(predicate: Predicate) -> tuple[object, ...]:
    if isinstance(predicate, Ranges):
        return predicate.cuts.tobytes(), predicate.inside.tobytes(), bool(predicate.nan)
    return (predicate.inside.tobytes(),)
