"""One distribution over classes from the probabilities of every pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops.op import one
from edgepack.ir.types import Array, Floats, Integers, Type, number


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Coupling:
    """libsvm's coupling: the p with the least `pᵀ Q p`, approached class by class until no class is off by `enough`.

    Where it stops is part of the answer, so that the steps are libsvm's: from `1 / classes`, one class after another,
    at most `rounds` times. Takes the probability of each pair's first class, in the
    order 01, 02, …, 12, 13, …; above 0 and below 1, or nothing may be left to divide by.

    Attributes:
        classes: how many, two or more.

    Source: Wu, Lin and Weng 2004, Probability estimates for multi-class classification by pairwise coupling, method 2.
    """

    classes: int

    @property
    def enough(self) -> float:
        """How far a class may be off at the end."""
        return 0.005 / self.classes

    @property
    def rounds(self) -> int:
        """How many times all classes are gone through at most."""
        return max(100, self.classes)

    @property
    def pair_of(self) -> Integers:
        """`(classes, classes)`: where, in all pairs and then all complements, the probability of i against j stands."""
        first, second = np.triu_indices(self.classes, 1)
        places = np.zeros((self.classes, self.classes), np.int64)
        places[first, second] = np.arange(len(first))
        places[second, first] = len(first) + np.arange(len(first))
        return places

    def infer(self, *types: Type) -> Type:
        """Numbers, one column per class."""
        one(self, types, "number", self.classes * (self.classes - 1) // 2)
        return number(self.classes)

    def run(self, *values: Array) -> Array:
        """`(rows, classes) float64`; rows add up to 1."""
        q = self._matrix(values[0])
        p = np.full((len(q), self.classes), 1 / self.classes)
        at = np.arange(len(q))
        for _ in range(self.rounds):
            v = np.einsum("nij,nj->ni", q[at], p[at])
            e = (p[at] * v).sum(axis=1)
            off = np.abs(v - e[:, None]).max(axis=1) >= self.enough
            at = at[off]
            if not len(at):
                break
            with np.errstate(all="ignore"):
                p[at] = self._improved(p[at], q[at], v[off], e[off])
        return p

    def _matrix(self, pairs: Array) -> Floats:
        both = np.concatenate([pairs, 1 - pairs], axis=1)
        r = both[:, self.pair_of] * (1 - np.eye(self.classes))
        q: Floats = -r * r.transpose(0, 2, 1)
        same = np.arange(self.classes)
        q[:, same, same] = (r * r).sum(axis=1)
        return q

    def _improved(self, p: Floats, q: Floats, v: Floats, e: Floats) -> Floats:
        """One round; what is kept is p, `Q p` and `pᵀ Q p` times the sum of p, which is divided out at the end."""
        total = np.ones(len(p))
        p, v = p.copy(), v.copy()
        for t in range(self.classes):
            target = e / total
            step = (target - v[:, t]) / q[:, t, t]
            e = e + step * (target + v[:, t])
            p[:, t] += step
            v += step[:, None] * q[:, t]
            total = total + step
        result: Floats = p / total[:, None]
        return result
