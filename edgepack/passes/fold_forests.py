"""Forests over raw inputs: every split behind imputing, scaling and encoding becomes a split on the raw column."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np

from edgepack.contract import InputDtype
from edgepack.ir.ops import Forest, Impute, Indicate, Lookup
from edgepack.ir.program import Node, Program
from edgepack.ir.types import Array, Flags, Floats
from edgepack.passes.categories import code, domain_of, finite_part
from edgepack.passes.domains import Defined, split_domains
from edgepack.passes.floats import at_or_below, last_true, successor
from edgepack.passes.prune import prune
from edgepack.passes.rewrite import Draft
from edgepack.passes.trace import Path, Place, Tracer, direction


def fold_forests(program: Program) -> Program:
    """The Program whose forests test raw columns; the branches taken are the same for every input of its dtype."""
    if not any(isinstance(node.op, Forest) for node in program.nodes):
        return program
    draft = Draft(program)
    tracer = Tracer(program)
    for node in program.nodes:
        if isinstance(node.op, Forest):
            _Fold(node, node.op, draft, tracer).run()
        else:
            draft.nodes.append(node)
    return draft.finish()


@dataclass(frozen=True, slots=True)
class _Numeric:
    """A forest's column that is a monotone function of another column."""

    path: Path
    rising: bool


class _Fold:
    """One forest being folded: its columns one after the other, then its nodes."""

    def __init__(self, node: Node, forest: Forest, draft: Draft, tracer: Tracer) -> None:
        """Sorts the columns that splits use into numeric and finite ones."""
        self.node, self.forest, self.draft, self.tracer = node, forest, draft, tracer
        self.value = node.inputs[0]
        used = forest.asked
        self.numeric: dict[int, _Numeric] = {}
        self.finite: dict[Place, dict[int, Path]] = defaultdict(dict)
        for j in used.tolist():
            path = tracer.path(self.value, j)
            start = finite_part(path)
            if start is not None:
                finite = path.after(start)
                self.finite[finite.start][j] = finite
            else:
                self.numeric[j] = self._monotone_tail(path)
        self.threshold = forest.threshold.copy()
        self.equal, self.nan_left = forest.equal.copy(), forest.nan_left.copy()
        self.flip = np.zeros(len(forest.feature), np.bool_)
        self.decided = np.zeros(len(forest.feature), np.bool_)
        self.places: dict[Place, int] = {}
        self.feature = np.zeros(len(forest.feature), np.int64)
        self.undefined: list[tuple[int, Defined]] = []

    def run(self) -> None:
        """Adds the folded forest, under the old one's name, and the lookups that it needs."""
        for j in self.numeric:
            self._claim(self.numeric[j].path.start)
        if not self.numeric and not self.finite:  # single leaves read nothing, but a forest has an input
            start = self.tracer.path(self.value, 0).start
            self._claim(start if self.tracer.types[start.value].kind == "number" else Place(self.value, 0))
        self._claim_inputs()
        for j, numeric in self._fold_raw().items():
            self._fold_numeric(j, numeric)
        for start, paths in self.finite.items():
            self._fold_finite(start, paths)
        inner = ~self.forest.is_leaf
        turned = self.flip & inner
        left, right = self.forest.left, self.forest.right
        if turned.any():
            left, right = np.where(turned, right, left), np.where(turned, left, right)
        folded = replace(
            self.forest,
            feature=self.feature,
            threshold=self.threshold,
            equal=self.equal & inner,
            nan_left=(self.nan_left ^ turned) & inner,
            left=left,
            right=right,
            features=len(self.places),
            compare="float64",
        )
        whole = self.draft.gather(list(self.places), step=self.node.step)
        pruned, kept = prune(folded, self.decided)
        folded = pruned
        if self.undefined:
            folded = split_domains(pruned, self.undefined, (self.forest.nan_left ^ turned)[kept])
        self.draft.nodes.append(replace(self.node, op=folded, inputs=(whole,)))

    def _monotone_tail(self, path: Path) -> _Numeric:
        """The longest monotone tail of a path. What stands before it is computed as it was."""
        tail = _without_turns(path, "float32")
        while True:
            shorter = _without_turns(tail, self._dtype(tail.start))
            shorter = shorter.after(_last_hidden_edge(shorter, self._dtype(shorter.start)))
            if shorter == tail:
                break
            tail = shorter  # starts from another column, whose values may be any doubles
        dtype = self._dtype(tail.start)
        if _defined(tail, dtype).is_bounded_twice:
            return _Numeric(path.after(len(path.links)), True)
        return _Numeric(tail, math.prod(direction(link.op, dtype) for link in tail.links) > 0)

    def _claim(self, place: Place) -> int:
        return self.places.setdefault(place, len(self.places))

    def _claim_inputs(self) -> None:
        """Numeric inputs come first, all of them and in order, so that a target can pass its input tensor whole."""
        if any(p.value.startswith("i") for p in self.places):
            others = [p for p in self.places if not p.value.startswith("i")]
            self.places.clear()
            for k, i in enumerate(self.draft.program.interface.inputs):
                if i.kind == "number":
                    for j in range(i.width):
                        self._claim(Place(f"i{k}", j))
            for place in others:
                self._claim(place)

    def _nodes(self, j: int) -> Array:
        return np.flatnonzero(~self.forest.is_leaf & (self.forest.feature == j))

    def _compared(self, y: Floats) -> Floats:
        """A column's values as the forest compares them."""
        if self.forest.compare == "float64":
            return y
        with np.errstate(over="ignore"):
            return y.astype(np.float32).astype(np.float64)

    def _dtype(self, place: Place) -> InputDtype:
        return self.draft.program.interface.input_dtype if place.value.startswith("i") else "float64"

    def _fold_raw(self) -> dict[int, _Numeric]:
        """Splits that ask the inputs themselves, all columns at once; the columns that are left."""
        dtype = self.draft.program.interface.input_dtype
        narrows = dtype == "float64" and self.forest.compare == "float32"
        raw = {j for j, n in self.numeric.items() if not n.path.links and n.path.start.value.startswith("i")}
        if narrows or not raw:
            return self.numeric
        asked = np.full(self.forest.features, -1, np.int64)
        for j in raw:
            asked[j] = self._claim(self.numeric[j].path.start)
        at = np.flatnonzero(~self.forest.is_leaf)
        feature = asked[self.forest.feature[at]]
        if self.finite or len(raw) < len(self.numeric):
            at, feature = at[feature >= 0], feature[feature >= 0]
        self.feature[at] = feature
        turn, largest = at_or_below(self.forest.threshold[at], dtype), float(np.finfo(dtype).max)
        self.threshold[at] = np.where(np.isinf(turn), largest, turn)
        self.decided[at] = np.isinf(turn)
        self.flip[at] = np.isneginf(turn)  # never: said as "always", with the children's places changed
        return {j: n for j, n in self.numeric.items() if j not in raw}

    def _fold_numeric(self, j: int, numeric: _Numeric) -> None:
        at, path = self._nodes(j), numeric.path
        self.feature[at] = self._claim(path.start)
        cuts, which = np.unique(self.forest.threshold[at], return_inverse=True)
        dtype = self._dtype(path.start)
        defined = _defined(path, dtype)
        largest = float(np.finfo(dtype).max)
        top = largest if path.start.value.startswith("i") else np.inf  # a computed number may be infinite
        low = defined.low if defined.is_bounded_below else -top
        high = defined.high if defined.is_bounded_above else top

        def holds(x: Floats | float) -> Flags:
            y = self._compared(path.run(np.clip(np.broadcast_to(x, cuts.shape), low, high)))
            return np.asarray(y <= cuts if numeric.rising else y > cuts)

        as_it_is = not path.links and (dtype == "float32" or self.forest.compare == "float64")
        turn = at_or_below(cuts, dtype) if as_it_is else last_true(holds, len(cuts), dtype)
        never = np.isneginf(turn) & ~holds(-top)  # say it as "always", with the children's places changed
        always = (np.isposinf(turn) & holds(top)) | never
        turn = np.where(always, top, np.minimum(turn, largest))
        self.threshold[at] = turn[which]
        self.flip[at] = never[which] ^ (not numeric.rising)
        nan = self._compared(path.run(np.array([np.nan])))[0]
        if nan == nan:  # imputed: a missing value goes where its replacement goes
            self.nan_left[at] = nan <= self.forest.threshold[at]
        self.decided[at] = always[which] & (~np.array(defined.is_bounded) | (self.forest.nan_left[at] ^ self.flip[at]))
        if defined.is_bounded:  # other splits on the same raw column may have another function, or none
            self.undefined.append((int(self.feature[at[0]]), defined))
            self.feature[at] = -len(self.undefined)

    def _fold_finite(self, start: Place, paths: dict[int, Path]) -> None:
        domain = domain_of(list(paths.values()))
        nodes = np.concatenate([self._nodes(j) for j in paths])
        splits = np.stack(
            [self.forest.feature[nodes], self.forest.threshold[nodes], self.forest.nan_left[nodes]], axis=1
        )
        distinct, which = np.unique(splits, axis=0, return_inverse=True)
        which = which.reshape(-1)
        columns = {j: self._compared(path.run(domain.values)) for j, path in paths.items()}
        goes_left = np.empty((len(domain.values), len(distinct)), np.bool_)
        for s, (j, cut, nan_left) in enumerate(distinct.tolist()):
            y = columns[int(j)]
            goes_left[:, s] = np.where(np.isnan(y), bool(nan_left), y <= cut)
        if self._as_equalities(start, domain.keys, goes_left, nodes, which):
            return
        coding = code(goes_left)
        step = self.node.step
        if (coding.side < 0).any():
            place = Place(self._lookup(start, domain.keys, coding.codes[:, None], step), 0)
            self.feature[nodes] = self._claim(place)
        if coding.sides.shape[1]:
            value = self._lookup(start, domain.keys, coding.sides, step)
            for s in np.flatnonzero(coding.side >= 0).tolist():
                self.feature[nodes[which == s]] = self._claim(Place(value, int(coding.side[s])))
        self.threshold[nodes] = coding.threshold[which]
        self.equal[nodes] = coding.equal[which]
        self.flip[nodes] = coding.flip[which]
        self.nan_left[nodes] = False  # a code is never missing
        same_side: Flags = np.all(goes_left == goes_left[0], axis=0)
        self.decided[nodes] = same_side[which]
        self.nan_left[nodes] = (same_side & ~coding.flip)[which]

    def _as_equalities(self, start: Place, keys: Array, goes_left: Flags, nodes: Array, which: Array) -> bool:
        """Splits that tell one number from all others need no code: they compare the raw number."""
        if keys.dtype == object or not len(keys):
            return False
        named = goes_left[:-2]
        alone_left = named.sum(axis=0) == 1
        alone_right = (~named).sum(axis=0) == 1
        unknown = goes_left[-2]
        fits = (alone_left & ~unknown) | (alone_right & unknown)
        if not fits.all():
            return False
        flip = alone_right & unknown
        key = np.where(flip, (~named).argmax(axis=0), named.argmax(axis=0))
        self.feature[nodes] = self._claim(start)
        self.threshold[nodes] = keys[key][which]
        self.equal[nodes] = True
        self.flip[nodes] = flip[which]
        self.nan_left[nodes] = goes_left[-1][which]
        return True

    def _lookup(self, start: Place, keys: Array, table: Floats, step: str) -> str:
        """A Lookup on the start column; keys that are looked up like an unknown value are left out."""
        told = np.flatnonzero((table[:-2] != table[-2]).any(axis=1))
        rows = np.concatenate([told, [len(keys), len(keys) + 1]])
        source = self.draft.gather([start], step=step)
        return self.draft.emit(Lookup(keys=keys[told], table=table[rows]), source, step=step)


def _without_turns(path: Path, dtype: InputDtype) -> Path:
    """The longest tail of ops that never turn back over numbers of this type."""
    k = len(path.links)
    while k > 0 and direction(path.links[k - 1].op, dtype) != 0:
        k -= 1
    return path.after(k)


def _last_hidden_edge(path: Path, dtype: InputDtype) -> int:
    """The number of the last link that replaces the NaN of a function outside its domain; 0 where none does.

    There a monotone path turns: `log1p`, then an imputer, jumps from the fill to log1p's own values.
    """
    ends = np.array([-1.0, 1.0]) * float(np.finfo(dtype).max)
    for k in range(len(path.links) - 1, 0, -1):
        before = Path(path.start, path.links[:k])
        if isinstance(path.links[k].op, Impute | Indicate) and np.isnan(before.run(ends)).any():
            return k
    return 0


def _defined(path: Path, dtype: InputDtype) -> Defined:
    """The floats between which a monotone path gives a number (a logarithm's are bounded below)."""
    largest = float(np.finfo(dtype).max)
    ends = np.isnan(path.run(np.array([-largest, largest])))
    low, high = -largest, largest
    if ends.all():
        return Defined(largest, -largest, dtype)  # somewhere in between, or nowhere
    if ends[0]:
        low = float(successor(last_true(lambda x: np.isnan(path.run(x)), 1, dtype), dtype)[0])
    if ends[1]:
        high = float(last_true(lambda x: ~np.isnan(path.run(x)), 1, dtype)[0])
    return Defined(low, high, dtype)
