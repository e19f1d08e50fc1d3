"""What a lowering function works with: tables of columns, and a builder that collects ops and problems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np

from edgepack.contract import Input, Problem
from edgepack.host.text import TextStep
from edgepack.ir.ops import Concat, Op, Select
from edgepack.ir.program import Node
from edgepack.ir.types import Type, number


class Refused(Exception):
    """A step, or one of its options, has no lowering. The message is the reason, then `; ` and the remedy."""


class Misfit(Refused):
    """What arrives is of the wrong kind for the step. Says nothing where a refused step's output arrives."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table under construction.

    Attributes:
        value: the Program value that holds it.
        index: its place in that value.
        kind: `number` or `string`.
        dtype: the name of the numpy type in which scikit-learn holds it here; it computes in that type.
        source: the number of the Program's input that it still is, imputed at most (None when computed).
    """

    value: str
    index: int
    kind: str
    dtype: str = "float64"
    source: int | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """What flows between scikit-learn's steps: columns in order, held densely or sparsely.

    `sparse` matters because scikit-learn scales a sparse matrix by `× (1 / scale)` and a dense one by `÷ scale`.
    """

    columns: tuple[Column, ...]
    sparse: bool = False

    def take(self, indices: Iterable[int]) -> Table:
        """The columns at these places."""
        return replace(self, columns=tuple(self.columns[i] for i in indices))

    def held_as(self, dtype: str) -> Table:
        """The same columns in another type."""
        return replace(self, columns=tuple(replace(c, dtype=dtype) for c in self.columns))

    @property
    def dtype(self) -> str:
        """The type of an array of all columns, as numpy promotes them."""
        return np.result_type(np.bool_, *(c.dtype for c in self.columns)).name

    @property
    def is_refused(self) -> bool:
        """Whether a column here stands for a refused step's output."""
        return any(c.value.startswith("?") for c in self.columns)

    def __len__(self) -> int:
        """How many columns."""
        return len(self.columns)


@dataclass(slots=True)
class Builder:
    """Collects a Program's nodes step by step; problems are collected too, so that all are told at once."""

    inputs: tuple[Input, ...]
    nodes: list[Node] = field(default_factory=list)
    types: dict[str, Type] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    categories: dict[int, tuple[str | float, ...]] = field(default_factory=dict)
    none_columns: set[str] = field(default_factory=set)
    nan_imputed: set[str] = field(default_factory=set)
    path: list[str] = field(default_factory=list)
    texts: list[TextStep] = field(default_factory=list)
    gathered: dict[tuple[tuple[str, int], ...], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Declares the inputs."""
        self.types.update({f"i{k}": Type(i.kind, i.width) for k, i in enumerate(self.inputs)})

    @property
    def step(self) -> str:
        """The path of the step being lowered: `preprocess → cat → OneHotEncoder`."""
        return " → ".join(self.path)

    @contextmanager
    def within(self, *names: str) -> Iterator[None]:
        """Everything emitted inside belongs to a deeper step."""
        self.path.extend(names)
        try:
            yield
        finally:
            del self.path[len(self.path) - len(names) :]

    def refuse(self, error: Exception) -> None:
        """Notes a problem with the current step: the message is the reason, then `; ` and the remedy."""
        reason, _, remedy = str(error).partition("; ")
        self.problems.append(Problem(step=self.step, reason=reason, remedy=remedy))

    def emit(self, op: Op, *inputs: str) -> str:
        """The name of a new value: the op applied to values."""
        name = f"v{len(self.nodes)}"
        self.types[name] = op.infer(*(self.types[i] for i in inputs))
        self.nodes.append(Node(name=name, op=op, inputs=inputs, step=self.step))
        return name

    def placeholder(self, width: int) -> Table:
        """A table that stands for a refused step's output, so that the later steps can still be checked."""
        name = f"?{len(self.problems)}.{len(self.types)}"
        self.types[name] = number(width)
        return self.table(name)

    def input_table(self) -> Table:
        """All inputs, side by side."""
        columns = []
        for k, i in enumerate(self.inputs):
            dtype, source = "object" if i.kind == "string" else "float64", k if i.width == 1 else None
            columns += [Column(f"i{k}", j, i.kind, dtype, source) for j in range(i.width)]
        return Table(tuple(columns))

    def table(self, value: str, like: Sequence[Column] = (), *, sparse: bool = False, dtype: str = "float64") -> Table:
        """A value as a table; `like` names the columns whose inputs these columns still are."""
        kind, width = self.types[value].kind, self.types[value].width
        sources = [c.source for c in like] or [None] * width
        columns = [Column(value, j, kind, dtype, s) for j, s in zip(range(width), sources, strict=True)]
        return Table(tuple(columns), sparse)

    def gather(self, table: Table) -> str:
        """One value that holds the table's columns in order; nothing is emitted if there is one already."""
        key = tuple((c.value, c.index) for c in table.columns)
        if found := self.gathered.get(key):
            return found
        if len({c.kind for c in table.columns}) > 1:
            raise Misfit("numbers and strings arrive in one table; encode the strings first")
        if not table.columns:
            raise Refused("no columns arrive here; select at least one column")
        runs: list[list[Column]] = []
        for column in table.columns:
            if runs and runs[-1][0].value == column.value:
                runs[-1].append(column)
            else:
                runs.append([column])
        parts = [self._part(run) for run in runs]
        whole = parts[0] if len(parts) == 1 else self.emit(Concat(), *parts)
        self.gathered[key] = whole
        return whole

    def numbers(self, table: Table) -> str:
        """`gather` for a step that takes numbers only."""
        if strings := [
            self.inputs[c.source].name if c.source is not None else c.value for c in table.columns if c.kind == "string"
        ]:
            raise Misfit(f"strings arrive here ({', '.join(strings[:5])}); encode them first")
        return self.gather(table)

    def doubles(self, table: Table) -> str:
        """`numbers` for a step that computes in float64, unless it is given something narrower."""
        if (dtype := table.dtype) in ("float16", "float32"):
            raise Refused(f"scikit-learn computes in {dtype} here; give the encoder before it dtype=np.float64")
        return self.numbers(table)

    def _part(self, run: list[Column]) -> str:
        value, places = run[0].value, [c.index for c in run]
        if places == list(range(self.types[value].width)):
            return value
        return self.emit(Select(columns=np.array(places, np.int64)), value)
