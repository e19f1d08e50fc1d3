"""The rows that a bound holds for: a range of numbers or a set of values for each input column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.contract import Columns, Interface
from edgepack.ir.types import Array, Floats, Integers

UNSEEN = "\N{REPLACEMENT CHARACTER}unseen"
Case = float | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One column of an input: any number of a range, or one of the cases.

    Attributes:
        low, high: the range; for strings 0 and 0, which stands for all strings that are no case. NaN where neither a
            number nor such a string is allowed.
        cases: single values that something is made of: categories, sentinels, NaN, a missing string.
        start: where its atoms begin: one for the number, then one per case, which is 1 in that case and else 0.
    """

    low: float
    high: float
    cases: tuple[Case, ...] = ()
    start: int

    @property
    def atoms(self) -> int:
        """How many atoms it has."""
        return 1 + len(self.cases)

    @property
    def has_range(self) -> bool:
        """Whether values beside the cases are allowed."""
        return self.low <= self.high


class NewCases(Exception):
    """Values of a slot that must be told apart."""

    def __init__(self, slot: int, cases: Iterable[Case]) -> None:
        """Takes the slot's number."""
        super().__init__(slot)
        self.slot, self.cases = slot, tuple(cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The slots of an interface's inputs, in order."""

    interface: Interface
    slots: tuple[Slot, ...]

    @classmethod
    def of(cls, interface: Interface, ranges: Mapping[str, Floats], told: Mapping[int, tuple[Case, ...]]) -> Box:
        """The box of declared ranges.

        Args:
            ranges: `(2, width)` by input of numbers.
            told: further cases by a slot's number.
        """
        slots: list[Slot] = []
        start = 0
        for i in interface.inputs:
            for j in range(i.width):
                cases: dict[Any, None] = dict.fromkeys(i.categories or ())
                if i.accepts_unknown or i.categories is None:
                    cases |= dict.fromkeys(told.get(len(slots), ()))
                cases = {case: None for case in cases if case is not None and case == case}
                if i.kind == "string":
                    cases.pop(i.missing_token, None)
                if i.accepts_missing:
                    cases[None if i.kind == "string" else float("nan")] = None
                low, high = (0.0, 0.0) if i.kind == "string" else ranges[i.name][:, j].tolist()
                if i.kind == "number":
                    low, high = inward(low, high, interface)
                if i.categories is not None and not i.accepts_unknown:
                    low = high = float("nan")
                slots.append(Slot(low=low, high=high, cases=tuple(cases), start=start))
                start += slots[-1].atoms
        return cls(interface=interface, slots=tuple(slots))

    def columns(self, options: Integers) -> Columns:
        """The rows in which each slot takes an option: 0 the low end, 1 the high one, then its cases.

        Args:
            options: `(rows, slots)`.
        """
        tables: dict[str, Array] = {}
        k = 0
        for i in self.interface.inputs:
            parts: list[Array] = []
            for slot in self.slots[k : k + i.width]:
                ends = [UNSEEN, UNSEEN] if i.kind == "string" else self._ends(slot)
                values = np.array([*ends, *slot.cases], object)
                parts.append(values[np.asarray(options[:, k + len(parts)])])
            table = np.stack(parts, axis=1)
            tables[i.name] = table if i.kind == "string" else table.astype(np.float64)
            k += i.width
        return tables

    def _ends(self, slot: Slot) -> list[float]:
        """The ends of a range that are no cases themselves."""
        dtype = np.dtype(self.interface.input_dtype)
        low, high = np.array(slot.low, dtype), np.array(slot.high, dtype)
        while low < high and float(low) in slot.cases:
            low = np.nextafter(low, high)
        while low < high and float(high) in slot.cases:
            high = np.nextafter(high, low)
        return [float(low), float(high)]

    def __str__(self) -> str:
        """`area 10 to 80, age 0 to 90`: the ranges of the numbers."""
        parts, k = [], 0
        for i in self.interface.inputs:
            for j, slot in enumerate(self.slots[k : k + i.width]):
                if i.kind == "number" and slot.has_range:
                    place = f"[{j}]" if i.width > 1 else ""
                    parts.append(f"{i.name}{place} {slot.low:.6g} to {slot.high:.6g}")
            k += i.width
        return ", ".join(parts[:SHOWN]) + (f", … ({len(parts)} columns)" if len(parts) > SHOWN else "")


SHOWN = 6


def inward(low: float, high: float, interface: Interface) -> tuple[float, float]:
    """The least and the largest number of the interface's dtype between two."""
    dtype = np.dtype(interface.input_dtype)
    infinity = np.array(np.inf, dtype)
    with np.errstate(over="ignore"):
        a, b = np.array(low).astype(dtype), np.array(high).astype(dtype)
    a = np.nextafter(a, infinity) if a < low else a
    b = np.nextafter(b, -infinity) if b > high else b
    return float(a), float(b)
