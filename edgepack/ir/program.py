"""The Program: a small SSA graph over named, typed inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from edgepack.contract import Answers, Columns, Interface
from edgepack.ir.ops import Op
from edgepack.ir.types import Array, Floats, Type, TypeMismatch

NUMBERS = 1 << 25
"""Of all values together, at a time: 256 MB. A row of a text's counts may have 131,072."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One op applied to values that were defined before it.

    Attributes:
        name: the value that it defines (`v3`).
        inputs: the values that it takes; `i0`, `i1`, … are the Program's inputs in order.
        step: the scikit-learn step that it came from (`preprocess → num → StandardScaler`).
    """

    name: str
    op: Op
    inputs: tuple[str, ...]
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A fitted pipeline with scikit-learn's exact meaning, in float64.

    Attributes:
        interface: inputs, outputs and classes.
        nodes: in an order in which each stands after what it takes.
        outputs: the value behind each output: `value`, `label`, `probabilities`.
        none_columns: string inputs whose missing value the estimator knows as `None` rather than NaN.
        ranges: `(2, width)` per input of numbers: the smallest and largest in the sample; empty where there was none.
            A target whose arithmetic is narrow must hold there.
    """

    interface: Interface
    nodes: tuple[Node, ...]
    outputs: Mapping[str, str]
    none_columns: frozenset[str] = frozenset()
    ranges: Mapping[str, Floats] = field(default_factory=dict, repr=False, compare=False)
    _types: Mapping[str, Type] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Raises `TypeMismatch` for a graph that does not hold together."""
        types = self._inferred()
        object.__setattr__(self, "_types", types)  # kept: inferring checks every node of every forest
        for output, name in self.outputs.items():
            if name not in types:
                raise TypeMismatch(f"output {output}: no value named {name}")
        if set(self.outputs) != set(self.interface.outputs):
            raise TypeMismatch(f"outputs {sorted(self.outputs)} are not the interface's {self.interface.outputs}")

    def types(self) -> dict[str, Type]:
        """The type of every value by name."""
        return dict(self._types)

    @property
    def width(self) -> int:
        """How many numbers and texts one row becomes, all values together."""
        return sum(kind.width for kind in self._types.values())

    def _inferred(self) -> dict[str, Type]:
        types = {f"i{k}": Type(i.kind, i.width) for k, i in enumerate(self.interface.inputs)}
        for node in self.nodes:
            if node.name in types:
                raise TypeMismatch(f"{node.name}: defined twice")
            if unknown := [name for name in node.inputs if name not in types]:
                raise TypeMismatch(f"{node.name}: {', '.join(unknown)} not defined before it")
            types[node.name] = node.op.infer(*(types[name] for name in node.inputs))
        return types

    def node_of(self, name: str) -> Node | None:
        """The node that defines a value; None for an input."""
        return next((node for node in self.nodes if node.name == name), None)

    def needed(self) -> tuple[Node, ...]:
        """The nodes that some output needs, in order."""
        names = set(self.outputs.values())
        found = []
        for node in reversed(self.nodes):
            if node.name in names:
                found.append(node)
                names.update(node.inputs)
        return tuple(reversed(found))

    def values(self, columns: Columns, *, until: str | None = None) -> dict[str, Array]:
        """Every value by name, for `columns` as `contract.Columns` says, rounded to the interface's input dtype.

        Args:
            until: a value's name: what comes after it is left out.
        """
        values = {f"i{k}": self._given(columns, i.name) for k, i in enumerate(self.interface.inputs)}
        for node in self.nodes:
            if until in values:
                break
            values[node.name] = node.op.run(*(values[name] for name in node.inputs))
        return values

    def parts(self, columns: Columns) -> Iterator[Columns]:
        """The rows in order, so few at a time that they become at most `NUMBERS` numbers, unless one row does."""
        rows = len(next(iter(columns.values())))
        at_once = max(1, NUMBERS // self.width)
        for start in range(0, max(rows, 1), at_once):
            yield {name: x[start : start + at_once] for name, x in columns.items()}

    def run(self, columns: Columns) -> Answers:
        """The answers, named and shaped as `contract.Answers` says."""
        parts = []
        for part in self.parts(columns):
            values = self.values(part)
            parts.append({output: shaped(output, values[name]) for output, name in self.outputs.items()})
        return {output: np.concatenate([part[output] for part in parts]) for output in self.outputs}

    def _given(self, columns: Columns, name: str) -> Array:
        x = columns[name]
        if x.dtype == object:
            return x
        return x.astype(self.interface.input_dtype).astype(np.float64)


def shaped(output: str, value: Array) -> Array:
    """A value as callers get it: a single number per row comes as `(rows,)`, probabilities as `(rows, classes)`."""
    return value[:, 0] if output == "value" and value.ndim == 2 and value.shape[1] == 1 else value
