"""Splits as exact sets of raw values: where along an input's floats each split changes its side.

A chain of ops is cut into segments of its raw column on each of which it rises or falls, or is NaN throughout. IEEE
arithmetic rounds monotonically, so that holds for affine steps, clips and correctly rounded functions; for other
functions (`exp`, `log1p`, …) it is assumed and checked on the floats around every cut.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgepack.contract import InputDtype
from edgepack.ir.ops import (
    Affine,
    Clip,
    Complement,
    Elementwise,
    Forest,
    Impute,
    Indicate,
    Lookup,
    OneHot,
    Op,
    Sigmoid,
    Step,
)
from edgepack.ir.types import Array, Flags, Floats, Integers
from edgepack.parity.ordered import from_order, to_order
from edgepack.parity.trace import Chain

EXACT = frozenset({"ceil", "floor", "negative", "rint", "sign", "sqrt", "trunc"})
ASSUMED = frozenset({"arcsinh", "arctan", "cbrt", "exp", "exp2", "expm1", "log", "log10", "log1p", "log2", "tanh"})
CHECKED_FLOATS = 4096
LARGEST_TABLE = 4_000_000
LARGEST_LOOKUP = 500
ROWS_AT_ONCE = 256


class Undecidable(Exception):
    """Why the splits cannot be said as sets."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranges:
    """A set of finite floats and NaN.

    Attributes:
        cuts: `(k,)` ascending places among the floats (`to_order`): piece i ends with `cuts[i]`, the last one never.
        inside: `(k + 1,)` whether each piece is in the set.
        nan: whether NaN is.
    """

    cuts: Integers
    inside: Flags
    nan: bool


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """A set of the values of a string column's domain: `(values,)` flags."""

    inside: Flags


Predicate = Ranges | Members


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """A forest's splits: the predicate of each node (None in leaves), and the functions taken to be monotone."""

    predicates: tuple[Predicate | None, ...]
    assumed: frozenset[str]


def splits_of(forest: Forest, chains: tuple[Chain | None, ...], domains: dict[int, Array], dtype: InputDtype) -> Splits:
    """Which raw values each split sends left.

    Args:
        forest: the trees.
        chains: what each of its features is.
        domains: by a string input's number, the values that stand for all that it can hold.
        dtype: the type of the raw numbers.

    Raises:
        Undecidable: a feature is no monotone function of one column.
    """
    found: list[Predicate | None] = [None] * len(forest.feature)
    assumed: set[str] = set()
    inner = np.flatnonzero(~forest.is_leaf)
    segments: dict[tuple[object, ...], tuple[Integers, Integers]] = {}
    for feature in np.unique(forest.feature[inner]).tolist():
        chain = chains[feature]
        if chain is None:
            raise Undecidable(f"feature {feature} of the trees is made of several inputs")
        at = inner[forest.feature[inner] == feature]
        said = np.stack([forest.threshold[at], forest.equal[at], forest.nan_left[at]], axis=1)
        distinct, which = np.unique(said, axis=0, return_inverse=True)
        cut, equal, nan_left = distinct[:, 0], distinct[:, 1] > 0, distinct[:, 2] > 0
        feature_splits = _Feature(chain, forest.compare == "float32", cut, equal, nan_left, dtype)
        if chain.slot[0] in domains:
            sets: list[Predicate] = [Members(row) for row in feature_splits.on_domain(domains[chain.slot[0]])]
        else:
            starts, ends = _segments(chain, dtype, segments)
            assumed |= (names := assumed_in(chain))
            sets = list(feature_splits.on_floats(starts, ends, check=bool(names)))
        for node, k in zip(at.tolist(), which.reshape(-1).tolist(), strict=True):
            found[node] = sets[k]
    return Splits(tuple(found), frozenset(assumed))


def assumed_in(chain: Chain) -> set[str]:
    """The functions of a chain that are not correctly rounded, by name."""
    names = {op.function for op, _ in chain.steps if isinstance(op, Elementwise)} & ASSUMED
    return names | ({"expit"} if any(isinstance(op, Sigmoid) for op, _ in chain.steps) else set())


@dataclass(frozen=True, slots=True, eq=False)
class _Feature:
    """The distinct splits on one feature: `cut`, `equal`, `nan_left` are `(splits,)`."""

    chain: Chain
    rounds: bool
    cut: Floats
    equal: Flags
    nan_left: Flags
    dtype: InputDtype

    def values(self, x: Array) -> Floats:
        """The feature as the trees compare it."""
        value = self.chain.run(x)
        if self.rounds:
            with np.errstate(over="ignore"):
                value = value.astype(np.float32)
        return value.astype(np.float64)

    def on_domain(self, domain: Array) -> Flags:
        """`(splits, values)`: whether each value goes left."""
        return self._left(self.values(domain)[None, :], np.arange(len(self.cut))[:, None])

    def on_floats(self, starts: Integers, ends: Integers, *, check: bool) -> list[Ranges]:
        """The floats that each split sends left. Raises `Undecidable` where a function turns beside a cut."""
        splits, parts = len(self.cut), len(starts)
        if splits * parts > LARGEST_TABLE:
            raise Undecidable(f"{splits:,} splits on a column with {parts:,} segments")
        split = np.repeat(np.arange(splits), parts)
        low, high = np.tile(starts, splits), np.tile(ends, splits)

        def upto(order: Integers, at: Integers) -> Flags:
            return np.asarray(self.values(from_order(order, self.dtype)) <= self.cut[split[at]])

        def under(order: Integers, at: Integers) -> Flags:
            return np.asarray(self.values(from_order(order, self.dtype)) < self.cut[split[at]])

        turned = [(split[at], order) for at, order in [self._turns(upto, low, high, check=check)]]
        if self.equal.any():
            turned += [(split[at], order) for at, order in [self._turns(under, low, high, check=check)]]
        which = np.concatenate([np.repeat(np.arange(splits), parts), *(part for part, _ in turned)])
        orders = np.concatenate([np.tile(ends, splits), *(part for _, part in turned)])
        sort = np.lexsort((orders, which))
        which, orders = which[sort], orders[sort]
        left = self._left(self.values(from_order(orders, self.dtype)), which)
        # where both neighbours of a place are one side's, the place is no cut; a split's last piece has none
        change = np.flatnonzero((left[1:] != left[:-1]) & (which[1:] == which[:-1]))
        last = np.searchsorted(which, np.arange(splits), side="right") - 1
        bounds = np.searchsorted(which[change], np.arange(splits + 1))
        nan = self._left(self.values(np.array([np.nan])), np.arange(splits))
        cuts, inside = orders[change], left[change]
        return [
            Ranges(cuts[start:stop], np.append(inside[start:stop], end), gone)
            for start, stop, end, gone in zip(bounds, bounds[1:], left[last], nan.tolist(), strict=False)
        ]

    def _left(self, value: Floats, split: Integers) -> Flags:
        cut = self.cut[split]
        left = np.where(self.equal[split], value == cut, value <= cut)
        return np.where(np.isnan(value), self.nan_left[split], left)

    def _turns(
        self, holds: Callable[[Integers, Integers], Flags], low: Integers, high: Integers, *, check: bool
    ) -> tuple[Integers, Integers]:
        at, order = _last_same(holds, low, high)
        for start in range(0, len(at) if check else 0, ROWS_AT_ONCE):
            part, turn = at[start : start + ROWS_AT_ONCE, None], order[start : start + ROWS_AT_ONCE, None]
            for near, step in ((turn, -1), (turn + 1, 1)):
                around = np.clip(near + step * np.arange(CHECKED_FLOATS), low[part], high[part])
                pairs = np.broadcast_to(part, around.shape)
                side = holds(around.ravel(), pairs.ravel()).reshape(around.shape)
                if np.any(side != side[:, :1]):
                    raise Undecidable(f"{', '.join(sorted(assumed_in(self.chain)))} turns beside a threshold")
        return at, order


def _segments(
    chain: Chain, dtype: InputDtype, known: dict[tuple[object, ...], tuple[Integers, Integers]]
) -> tuple[Integers, Integers]:
    """The first and last places of the pieces on which a chain is monotone, or NaN throughout."""
    key: tuple[object, ...] = (chain.slot, *((id(op), column) for op, column in chain.steps))
    if key in known:
        return known[key]
    if not chain.steps:
        top = int(to_order(np.array([np.finfo(dtype).max]), dtype)[0])
        known[key] = np.array([-top, 0]), np.array([-1, top])  # no piece is longer than an int64 counts
        return known[key]
    op, column = chain.steps[-1]
    before = Chain(chain.slot, chain.steps[:-1])
    starts, ends = _segments(before, dtype, known)
    if (problem := _turns_at(op, column)) is not None:
        raise Undecidable(problem)
    specials = _special(op, column)
    if len(specials) > LARGEST_LOOKUP:
        raise Undecidable(f"{len(specials):,} keys of numbers; up to {LARGEST_LOOKUP:,} are compared")
    for special in specials:
        for holds in (np.less, np.less_equal):
            starts, ends = _cut(_compares(before, holds, special, dtype), starts, ends)
    if isinstance(op, Elementwise):
        starts, ends = _cut(lambda order: np.isnan(chain.run(from_order(order, dtype))), starts, ends)
    known[key] = starts, ends
    return known[key]


def _compares(
    chain: Chain, compare: Callable[[Floats, float], Flags], value: float, dtype: InputDtype
) -> Callable[[Integers], Flags]:
    return lambda order: compare(chain.run(from_order(order, dtype)), value)


def _cut(holds: Callable[[Integers], Flags], starts: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """The segments, those on which the predicate changes in two."""
    _, order = _last_same(lambda at, _: holds(at), starts, ends)
    return np.sort(np.concatenate([starts, order + 1])), np.sort(np.concatenate([ends, order]))


def _last_same(
    holds: Callable[[Integers, Integers], Flags], low: Integers, high: Integers
) -> tuple[Integers, Integers]:
    """The segments with different ends, and of each the last place that is as its start; one change is taken for all.

    Args:
        holds: takes places, and the number of the segment that each is in.
        low: `(segments,)` first places.
        high: `(segments,)` last places.
    """
    every = np.arange(len(low))
    first = holds(low, every)
    at = np.flatnonzero(first != holds(high, every))
    first, a, b = first[at], low[at], high[at]
    while np.any(b - a > 1):
        middle = a + (b - a) // 2
        same = holds(middle, at) == first
        a, b = np.where(same, middle, a), np.where(same, b, middle)
    return at, a


def _turns_at(op: Op, column: int) -> str | None:
    """Why an op is not known to be monotone between its special values."""
    match op:
        case Affine():
            parameters = [None if p is None else p[column] for p in (op.center, op.divisor, op.factor, op.offset)]
            finite = all(p is None or np.isfinite(p) for p in parameters)
            if not finite or parameters[1] == 0 or parameters[2] == 0:
                return f"Affine with parameters {parameters}"
        case Clip():
            if not op.low[column] <= op.high[column]:
                return f"Clip to {op.low[column]} … {op.high[column]}"
        case Elementwise(function=name):
            if name not in EXACT | ASSUMED:
                return f"{name} is not known to rise or to fall"
        case Impute() | Indicate() | Lookup() | OneHot() | Complement() | Sigmoid() | Step():
            return None
        case _:
            return f"{type(op).__name__} before the trees"
    return None


def _special(op: Op, column: int) -> list[float]:
    """Single values that an op treats in a way of their own."""
    match op:
        case Impute(sentinel=float() | int() as value) | Indicate(sentinel=float() | int() as value) if value == value:
            return [float(value)]
        case Lookup(keys=keys):
            return [float(key) for key in keys]
        case OneHot():
            return [float(column)]
    return []
