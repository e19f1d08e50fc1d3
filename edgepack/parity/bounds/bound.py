"""How far a file's answers can be from the server's over a box of rows.

Both sides become sums of the same atoms (`side`). What their weights differ by, over the whole box, and what rounding
does on either side, bounds the difference of the scores; at a bend (a hidden layer) it goes on as an error of the next
layer's atoms, no more than the function's steepness makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgepack.ir import Program
from edgepack.ir.computation import Computation
from edgepack.ir.types import Floats, Integers
from edgepack.parity.bounds.box import Box, Case, NewCases
from edgepack.parity.bounds.ending import Ending, Link, ending
from edgepack.parity.bounds.form import DOUBLE, Form, weighted
from edgepack.parity.bounds.side import FUNCTION_ROUNDINGS, Layers, Side
from edgepack.parity.predicates import Undecidable

LARGEST = 100_000_000
"""Atoms times sums: the memory that a proof may take is 8 bytes of each."""
CORNERS = 256
FLATTEST: Mapping[Link, float] = {"identity": 1.0, "sigmoid": 0.25, "softmax": 0.5}
"""How much a link makes of what scores are apart by: |σ'| ≤ 1/4, and Σⱼ|∂pᵢ/∂zⱼ| = 2 pᵢ (1 − pᵢ) ≤ 1/2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """How far the file is from the server for every row of a box.

    Attributes:
        box: the rows.
        scores: by how much the scores, before `link`, can be apart.
        answers: by how much what follows the link can be, but for the link's own rounding.
        corners: rows at which the file may be furthest off: an option per slot, see `Box.columns`.
        layers: how many hidden layers there are.
        functions: monotone functions between them that runtimes compute themselves.
        link, has_label: what follows the scores.
    """

    box: Box
    scores: float
    answers: float
    corners: Integers
    layers: int
    functions: tuple[str, ...]
    link: Link
    has_label: bool

    def __str__(self) -> str:
        """What holds, for which rows, and what is assumed, in one sentence."""
        where = f"for {self.box}" if str(self.box) else "for every row"
        text = f"{where}, and every category, unknown and missing value, the file's sums"
        if self.layers:
            text += f" through {self.layers} hidden layer{'s' * (self.layers > 1)}"
        text += f" differ from those of the program lowered from scikit-learn by at most {self.scores:.2g}"
        if self.link != "identity":
            text += (
                f", and so the probabilities by {self.answers:.2g} and the rounding of {self.link}, which is measured"
            )
        if self.has_label:
            text += "; a label can differ only where the best scores tie within twice that"
        text += "; taken as given, and measured on the rows: lowering, and a runtime that does what its operators say"
        if self.functions:
            text += f", {' and '.join(self.functions)} within {FUNCTION_ROUNDINGS} roundings"
        return text


def bound(lowered: Program, read: Computation, ranges: Mapping[str, Floats]) -> Bound:
    """The bound for rows whose numbers lie within ranges, `(2, width)` by input.

    Raises:
        Undecidable: there is none, and why.
    """
    told: dict[int, tuple[Case, ...]] = {}
    while True:
        try:
            return _bound(lowered, read, Box.of(lowered.interface, ranges, told))
        except NewCases as new:
            told[new.slot] = (*told.get(new.slot, ()), *new.cases)


def _bound(lowered: Program, read: Computation, box: Box) -> Bound:
    before, after = ending(lowered), ending(read.program)
    _require_same(before, after)
    layers = Layers(box=box, slots=list(box.slots))
    server = Side(program=lowered, narrow=frozenset(), layers=layers, leads=True)
    device = Side(program=read.program, narrow=read.narrow, layers=layers, leads=False)
    promised, given = server.form(before.scores), device.form(after.scores)
    if before.link == "softmax":  # which only sees how far scores are from one another
        promised, given = (_beside_first(form, layers) for form in (promised, given))
    if device.met != len(layers.bends):
        raise Undecidable(f"{device.met} hidden layers in the file, {len(layers.bends)} in the program")
    if promised.coef.size > LARGEST:
        raise Undecidable(f"{promised.coef.size:,} weights; up to {LARGEST:,} are compared")
    difference, apart = layers.difference(promised, given)
    scores = float(apart.max(initial=0.0))
    directions = [difference, *layers.directions, *(bend.form for bend in layers.bends), promised]
    return Bound(
        box=box,
        scores=scores,
        answers=scores * FLATTEST[before.link],
        corners=_corners(directions, box),
        layers=len(layers.bends),
        functions=tuple(dict.fromkeys(_told(bend.op) for bend in layers.bends if _told(bend.op))),
        link=before.link,
        has_label=bool(before.classes),
    )


def _require_same(before: Ending, after: Ending) -> None:
    if before.classes != after.classes:
        raise Undecidable(f"the file's labels are {list(after.classes)}, the program's {list(before.classes)}")
    if before.link != after.link:
        raise Undecidable(f"the program ends in {before.link}, the file in {after.link}")


def _beside_first(form: Form, layers: Layers) -> Form:
    """Every score less the first."""
    width = len(form.const)
    less = np.eye(width)
    less[:, 0] -= 1.0
    return weighted(form, less, np.zeros(width), layers.slots, DOUBLE)


def _corners(directions: list[Form], box: Box) -> Integers:
    """`(rows, slots)` options at which sums over the inputs are largest and smallest, and some at random."""
    r = np.random.default_rng(0)
    found = [
        np.array([[r.choice(_options(slot.has_range, len(slot.cases))) for slot in box.slots] for _ in range(CORNERS)])
    ]
    for form in directions:
        coef = form.coef[: sum(slot.atoms for slot in box.slots), :CORNERS]
        best, least = [], []
        for slot in box.slots:
            rows = coef[slot.start : slot.start + slot.atoms]
            rows = rows if len(rows) else np.zeros((slot.atoms, coef.shape[1]))
            ends = (
                rows[:1] * np.array([[slot.low], [slot.high]])
                if slot.has_range
                else np.full((2, coef.shape[1]), np.nan)
            )
            values = np.concatenate([ends, rows[1:]])
            best.append(np.nanargmax(values, axis=0))
            least.append(np.nanargmin(values, axis=0))
        found += [np.stack(best, axis=1), np.stack(least, axis=1)]
    return np.unique(np.concatenate(found).astype(np.int64), axis=0)


def _options(has_range: bool, cases: int) -> list[int]:
    return [*([0, 1] if has_range else []), *range(2, 2 + cases)]


def _told(op: object) -> str:
    return {"Sigmoid": "the logistic function"}.get(type(op).__name__, str(getattr(op, "function", "")))
