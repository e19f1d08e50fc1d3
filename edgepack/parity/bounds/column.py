"""Columns that are a function of one slot: what stands before the first sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.ir.ops import Affine, Constant, Forest, Impute, Indicate, Linear, Lookup, Sum, Where
from edgepack.ir.types import Array
from edgepack.parity.bounds.box import UNSEEN, Box, NewCases
from edgepack.parity.bounds.form import DOUBLE, Form
from edgepack.parity.predicates import Undecidable


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A value per case of a slot, and one for the rest of its range.

    Attributes:
        slot: its number.
        cases: `(cases,)` object.
        rest: the value anywhere else in the range; None where that is the number itself (`is_raw`).
        is_text: whether the values are strings, among them None for a missing one.
    """

    slot: int
    cases: Array
    rest: Any
    is_raw: bool = False
    is_text: bool = False

    def mapped(self, op: Lookup | Impute | Indicate) -> list[Column]:
        """What an op of one column makes of it, as columns.

        Raises:
            NewCases: for values that the op tells from others and the slot does not yet.
            Undecidable: for strings that cannot be told from those that nobody names.
        """
        told = set(op.keys.tolist()) if isinstance(op, Lookup) else {op.sentinel}
        told = {key for key in told if key is not None and key == key}
        if UNSEEN in told:
            raise Undecidable(f"{UNSEEN!r} is a category")
        first = self.is_raw or (self.is_text and self.rest == UNSEEN)  # as it came in
        if first and (new := told - set(self.cases.tolist())):
            raise NewCases(self.slot, sorted(new, key=str))
        keeps = self.is_raw and isinstance(op, Impute)
        values = np.array([*self.cases, self._other(told) if self.is_raw else self.rest], object)
        made = op.run((values if self.is_text else values.astype(np.float64))[:, None]).astype(object)
        return [
            Column(
                slot=self.slot,
                cases=made[:-1, j],
                rest=None if keeps else made[-1, j],
                is_raw=keeps,
                is_text=self.is_text and isinstance(op, Impute),
            )
            for j in range(made.shape[1])
        ]

    @staticmethod
    def _other(told: set[Any]) -> float:
        """A number that an op does not tell from others."""
        return float(next(k for k in range(len(told) + 1) if k not in told))


def inputs(box: Box) -> dict[str, tuple[Column, ...]]:
    """A Program's inputs as columns, by their names."""
    found: dict[str, tuple[Column, ...]] = {}
    number = 0
    for k, i in enumerate(box.interface.inputs):
        columns = []
        for slot in box.slots[number : number + i.width]:
            cases = np.empty(len(slot.cases), object)
            cases[:] = slot.cases
            text = i.kind == "string"
            columns.append(
                Column(slot=number, cases=cases, rest=UNSEEN if text else None, is_raw=not text, is_text=text)
            )
            number += 1
        found[f"i{k}"] = tuple(columns)
    return found


def through_trees(columns: Sequence[Column], forest: Forest) -> tuple[Column, ...]:
    """What trees over one number of an input make of it; raises `Undecidable` where its range is cut in pieces."""
    used = sorted({int(f) for f in forest.feature[~forest.is_leaf]})
    if len(used) > 1 or not columns[used[0] if used else 0].is_raw:
        raise Undecidable("trees over more than one number of an input")
    column = columns[used[0] if used else 0]
    cuts = np.unique(forest.threshold[~forest.is_leaf])
    cuts = cuts[np.isfinite(cuts)]
    if new := set(cuts.tolist()) - set(column.cases.tolist()):
        raise NewCases(column.slot, sorted(new))
    ends = np.nextafter([cuts[0], cuts[-1]], [-np.inf, np.inf]) if len(cuts) else np.zeros(1)
    between = np.concatenate([ends, (cuts[1:] + cuts[:-1]) / 2])
    values = np.concatenate([column.cases.astype(np.float64), between])
    x = np.zeros((len(values), forest.features))
    x[:, used] = values[:, None]
    made = forest.run(x)
    pieces = made[len(column.cases) :]
    if np.any(pieces != pieces[0]):
        raise Undecidable("trees that cut a range in pieces")
    made = made[: len(column.cases) + 1].astype(object)
    return tuple(Column(slot=column.slot, cases=made[:-1, j], rest=made[-1, j]) for j in range(made.shape[1]))


def finite(
    op: Affine | Constant | Linear | Sum | Where, tables: Sequence[tuple[Column, ...]]
) -> tuple[Column, ...] | None:
    """What an op makes of whole numbers that depend on the cases of one slot, which is exact; None of any others."""
    columns = [column for table in tables for column in table]
    if len({c.slot for c in columns}) != 1 or any(
        c.is_raw or c.is_text for c in columns if not isinstance(op, Constant)
    ):
        return None
    height = len(columns[0].cases) + 1
    if isinstance(op, Constant):
        made = np.tile(op.row, (height, 1))
    else:
        given = [np.array([[*c.cases, c.rest] for c in table], np.float64).T for table in tables]
        made = op.run(*given)
        parts = [np.nan_to_num(part) for part in (*given, made, *_numbers_of(op))]
        if any(np.any(part != np.floor(part)) or np.abs(part).max(initial=0) > LARGEST_WHOLE for part in parts):
            return None
    cells = made.astype(object)
    return tuple(Column(slot=columns[0].slot, cases=cells[:-1, j], rest=cells[-1, j]) for j in range(made.shape[1]))


LARGEST_WHOLE = 2.0**20
"""Sums of a few such numbers are exact in float32, too."""


def _numbers_of(op: Affine | Linear | Sum | Where) -> list[Array]:
    match op:
        case Affine():
            return [x for x in (op.center, op.divisor, op.factor, op.offset) if x is not None]
        case Linear():
            return [op.coef, op.intercept]
    return []


def form_of(columns: Sequence[Column], box: Box) -> Form:
    """The columns, which are numbers, as sums of atoms."""
    height = max((s.start + s.atoms for s in box.slots), default=0)
    coef, const, error = np.zeros((height, len(columns))), np.zeros(len(columns)), np.zeros(len(columns))
    for j, column in enumerate(columns):
        slot = box.slots[column.slot]
        cases = column.cases.astype(np.float64)
        if column.is_raw:
            coef[slot.start, j] = 1.0
        else:
            const[j] = float(column.rest)
            error[j] = 2 * DOUBLE * (np.nanmax(np.abs(cases), initial=0) + abs(const[j])) if const[j] else 0.0
        coef[slot.start + 1 : slot.start + slot.atoms, j] = cases - const[j]
    return Form(coef=coef, const=const, error=error)
