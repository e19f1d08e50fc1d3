"""Which rows a server refuses, found with few questions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from edgepack.columns import row_count, take
from edgepack.contract import Answers, Columns
from edgepack.errors import EdgepackError, ParityError
from edgepack.ir.types import Array, Flags, Integers

ROWS_AT_ONCE = 8192
PROBES = 8


@dataclass(slots=True, kw_only=True)
class Questions:
    """Asks a server about rows, and learns from each refusal.

    A refused batch is halved until one row is left. Its cells are then tried one by one in a row that was accepted,
    and for a cell that is to blame all other values of its column too: rows with a refused value are not asked again.

    Attributes:
        ask: the server; raises for a batch with a row that it refuses.
        columns: all rows.
    """

    ask: Callable[[Columns], Answers]
    columns: Columns
    refused: Flags = field(init=False)
    reason: str = field(default="", init=False)
    _accepted: dict[str, Array] | None = field(default=None, init=False)
    _sampled: bool = field(default=False, init=False)
    _parts: list[tuple[Integers, Answers]] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        """No row is refused before it was asked."""
        self.refused = np.zeros(row_count(self.columns), np.bool_)

    def run(self) -> tuple[Answers, Flags]:
        """The answers to the accepted rows in order, and the flags `(rows,)` of the refused ones.

        Raises:
            ParityError: where every row is refused.
        """
        count = len(self.refused)
        for start in range(0, count, ROWS_AT_ONCE):
            self._settle(np.arange(start, min(start + ROWS_AT_ONCE, count)))
        if not self._parts:
            raise ParityError(f"{count} of {count} rows are refused by scikit-learn: {self.reason}")
        order = np.argsort(np.concatenate([rows for rows, _ in self._parts]))
        names = self._parts[0][1]
        return {name: np.concatenate([a[name] for _, a in self._parts])[order] for name in names}, self.refused

    def _settle(self, rows: Integers) -> None:
        rows = rows[~self.refused[rows]]
        if not len(rows):
            return
        answers = self._try(take(self.columns, rows))
        if answers is not None:
            self._parts.append((rows, answers))
            self._accepted = take(self.columns, rows[:1])
        elif len(rows) == 1:
            self.refused[rows] = True
            self._learn(take(self.columns, rows))
        else:
            self._settle(rows[: len(rows) // 2])
            self._settle(rows[len(rows) // 2 :])

    def _try(self, columns: Columns) -> Answers | None:
        try:
            return self.ask(columns)
        except EdgepackError:  # nobody is there to refuse anything
            raise
        except Exception as error:  # a user's own transformer may raise anything
            self.reason = self.reason or _one_line(error)
            return None

    def _learn(self, bad: Columns) -> None:
        if self._accepted is None and not self._sampled:  # where a server refuses all rows, looking once is enough
            self._sampled, self._accepted = True, self._some_accepted()
        good = self._accepted
        if good is None:
            return
        for name, x in bad.items():
            if self._try({**good, name: x}) is not None:
                continue
            for j in range(x.shape[1]):
                if self._refuses(good, name, j, x[:, j]):
                    self._blame(good, name, j)

    def _some_accepted(self) -> dict[str, Array] | None:
        for k in np.linspace(0, len(self.refused) - 1, 4 * PROBES).astype(np.int64):
            row = take(self.columns, slice(k, k + 1))
            if self._try(row) is not None:
                return row
        return None

    def _blame(self, good: Columns, name: str, j: int) -> None:
        """Marks every row whose value in this column is refused; what an answered row has is not to blame."""
        column = self.columns[name][:, j]
        values, inverse = _factorize(column)
        refused, known = np.zeros((2, len(values)), np.bool_)
        for rows, _ in self._parts:
            known[inverse[rows]] = True
        self._sweep(good, name, j, values, np.flatnonzero(~known), refused)
        self.refused |= refused[inverse]

    def _sweep(self, good: Columns, name: str, j: int, values: Array, at: Integers, refused: Flags) -> None:
        """Flags the refused of the values `at`; a range of numbers whose every probe is refused counts as refused."""
        if not len(at) or not self._refuses(good, name, j, values[at]):
            return
        probes = np.unique(at[np.linspace(0, len(at) - 1, PROBES).astype(np.int64)])
        if len(at) == 1 or (
            values.dtype != object and all(self._refuses(good, name, j, values[probe : probe + 1]) for probe in probes)
        ):
            refused[at] = True
            return
        self._sweep(good, name, j, values, at[: len(at) // 2], refused)
        self._sweep(good, name, j, values, at[len(at) // 2 :], refused)

    def _refuses(self, good: Columns, name: str, j: int, values: Array) -> bool:
        rows = {other: np.repeat(x, len(values), axis=0) for other, x in good.items()}
        rows[name][:, j] = values
        return self._try(rows) is None


def _factorize(column: Array) -> tuple[Array, Integers]:
    """The distinct values, numbers ascending (NaN last), and where each row's stands among them."""
    if column.dtype != object:
        return np.unique(column, return_inverse=True)
    seen: dict[str | None, int] = {}
    inverse = np.fromiter((seen.setdefault(v, len(seen)) for v in column), np.int64, len(column))
    values = np.empty(len(seen), object)
    values[:] = list(seen)
    return values, inverse


def _one_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__
