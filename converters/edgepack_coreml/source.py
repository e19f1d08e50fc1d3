"""What a Program's value stands for while stages are planned: columns of features, or of things not yet written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from edgepack.ir.ops import Forest, Lookup, OneHot
from edgepack.ir.types import Flags, Floats
from edgepack_coreml.feature import Feature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Text:
    """A column of strings: a feature, and the text that means missing in it (None: nothing does any more)."""

    feature: Feature
    missing: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """One column of a table of numbers: a source and which of its columns."""

    source: Source
    index: int

    @property
    def exact(self) -> bool:
        """Whether its values on the device are the Program's to the last bit."""
        return bool(self.source.exact[self.index])

    @property
    def float32(self) -> bool:
        """Whether all its values are float32 numbers."""
        return bool(self.source.float32[self.index])


Numbers = tuple[Column, ...]
Texts = tuple[Text, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looked:
    """A `Lookup` in a column of strings or numbers, optionally followed by a `OneHot`, not yet written.

    Attributes:
        of: the column.
        op: the lookup; with `one_hot`, its table holds the index of the hot column.
        one_hot: how many columns; None for the table itself.
    """

    of: Text | Column
    op: Lookup
    one_hot: int | None = None

    @property
    def exact(self) -> Flags:
        """A table's value is what it is."""
        return np.ones(self.width, np.bool_)

    @property
    def float32(self) -> Flags:
        """Where the table's values are float32 numbers."""
        if self.one_hot is not None:
            return np.ones(self.one_hot, np.bool_)
        return np.asarray(is_float32(self.op.table).all(axis=0))

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return self.op.table.shape[1] if self.one_hot is None else self.one_hot

    @property
    def table(self) -> Floats:
        """What it gives for each key, an unknown and a missing value, `(keys + 2, width)`."""
        return self.op.table if self.one_hot is None else OneHot(size=self.one_hot).run(self.op.table)

    def giving(self, table: Floats) -> Looked:
        """The lookup of another table by the same keys."""
        return Looked(of=self.of, op=Lookup(keys=self.op.keys, table=table))

    def narrow(self, index: int) -> Looked:
        """One of its columns."""
        return self.giving(self.table[:, [index]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Weighted:
    """A weighted sum not yet written: `columns @ coef.T + intercept`.

    Attributes:
        coef: `(outputs, columns)`.
        intercept: `(outputs,)`.
    """

    columns: Numbers
    coef: Floats
    intercept: Floats

    @property
    def exact(self) -> Flags:
        """A sum's last bits depend on its order."""
        return np.zeros(self.width, np.bool_)

    @property
    def float32(self) -> Flags:
        """Never known."""
        return np.zeros(self.width, np.bool_)

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return len(self.coef)

    def narrow(self, index: int) -> Weighted:
        """One of its columns."""
        return Weighted(columns=self.columns, coef=self.coef[[index]], intercept=self.intercept[[index]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Grown:
    """A forest's answer times `scale` plus `shift`, not yet written.

    Attributes:
        columns: the forest's input.
        scale, shift: `(outputs,)`.
    """

    columns: Numbers
    forest: Forest
    scale: Floats
    shift: Floats

    @property
    def exact(self) -> Flags:
        """A sum's last bits depend on its order."""
        return np.zeros(self.width, np.bool_)

    @property
    def float32(self) -> Flags:
        """Never known."""
        return np.zeros(self.width, np.bool_)

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return len(self.scale)

    def narrow(self, index: int) -> Grown:
        """One of its columns."""
        op = self.forest
        forest = replace(op, value=op.value[:, [index]], base=op.base[[index]])
        return Grown(columns=self.columns, forest=forest, scale=self.scale[[index]], shift=self.shift[[index]])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kernel:
    """Weighted sums of a kernel with fitted points, not yet written: `K(columns, points) @ coef.T`.

    Attributes:
        points: `(n, columns)`.
        function: `rbf` is `exp(−gamma |x − p|²)`, `poly` `(gamma x·p + offset) ^ degree`, `sigmoid`
            `tanh(gamma x·p + offset)`; `square` is `gamma |x − p|²`, on the way to `rbf`.
        coef: `(outputs, n)`; one for the kernel itself.
    """

    columns: Numbers
    points: Floats
    function: Literal["square", "rbf", "poly", "sigmoid"]
    coef: Floats
    gamma: float = 1.0
    offset: float = 0.0
    degree: int = 1

    @property
    def exact(self) -> Flags:
        """A sum's last bits depend on its order."""
        return np.zeros(self.width, np.bool_)

    @property
    def float32(self) -> Flags:
        """Never known."""
        return np.zeros(self.width, np.bool_)

    @property
    def width(self) -> int:
        """How many columns it gives."""
        return len(self.coef)

    def narrow(self, index: int) -> Kernel:
        """One of its columns."""
        return replace(self, coef=self.coef[[index]])


Source = Feature | Looked | Weighted | Grown | Kernel


def columns_of(source: Source) -> Numbers:
    """All columns of a source, in order."""
    return tuple(Column(source=source, index=k) for k in range(source.width))


def whole_source(table: Numbers) -> Source | None:
    """The source of which a table is all columns in order; None if it is anything else."""
    if not table:
        return None
    source = table[0].source
    same = all(c.source is source and c.index == k for k, c in enumerate(table))
    return source if same and source.width == len(table) else None


def is_float32(values: Floats) -> Flags:
    """Where numbers are unchanged by rounding to float32 (NaN is)."""
    with np.errstate(over="ignore"):
        return (values.astype(np.float32).astype(np.float64) == values) | np.isnan(values)
