"""The state of one emission: the graph so far, and which columns of which tensors each value of the Program is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from edgepack.contract import Interface, Precision
from edgepack.host import TextStep
from edgepack.ir import Node, Program
from edgepack.ir.types import Integers
from edgepack_onnx.graph import Graph
from edgepack_onnx.proto import DOUBLE, FLOAT, INT64, STRING, value_info
from edgepack_onnx.runtimes import Features
from edgepack_onnx.table import Table, Tensor, Vector, joined, whole
from edgepack_onnx.thresholds import feeding_forests
from edgepack_onnx.wire import Message

Value = Table | Vector


@dataclass(slots=True, kw_only=True)
class Emitter:
    """What an op's writer works with.

    Attributes:
        program: what is being written.
        features: what the oldest runtime to load it can do.
        precision: what sums of trees are added up in.
        graph: takes nodes and constants.
        values: each value of the Program by name, as far as written.
        stacks: tensors `(rows, slots × width)` that also exist as `(rows, slots, width)`, under that one's name.
        largest: for scores that came with it, the `(rows,) int64` index of the largest.
        notes: what a reader of the manifest should know.
        codes: the `Lookup`s whose columns a forest compares with thresholds.
    """

    program: Program
    features: Features
    precision: Precision = "float64"
    graph: Graph = field(default_factory=Graph)
    values: dict[str, Value] = field(default_factory=dict)
    stacks: dict[str, tuple[str, int]] = field(default_factory=dict)
    largest: dict[str, Vector] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    codes: frozenset[str] = field(init=False)
    _placed: dict[tuple[object, ...], Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Declares the inputs."""
        self.codes = feeding_forests(self.program)
        interface = self.program.interface
        tensors = {tensor.element == "string": tensor for tensor in column_tensors(interface)}
        counted = {step.input for step in interface.texts}
        seen = {True: 0, False: 0}
        for k, i in enumerate(interface.inputs):
            if i.name in counted:
                continue  # the graph takes its counts
            start = seen[i.kind == "string"]
            seen[i.kind == "string"] += i.width
            self.values[f"i{k}"] = whole(tensors[i.kind == "string"]).select(np.arange(start, start + i.width))

    def table(self, name: str) -> Table:
        """A value as columns; class indices become one column of numbers."""
        value = self.values[name]
        if isinstance(value, Table):
            return value
        column = self.graph.node("Unsqueeze", value.name, self.graph.constant(np.array([1])))
        return whole(Tensor(name=self.graph.node("Cast", column, to=DOUBLE), width=1, float32=True))

    def maker(self, name: str) -> Node | None:
        """The Program's node that defines a value."""
        return self.program.node_of(name)

    def tensor(self, table: Table) -> Tensor:
        """One tensor that holds the table's columns in order, numbers as float64."""
        tensor, columns = self.spread(table)
        if np.array_equal(columns, np.arange(tensor.width)):
            return tensor
        key = (tensor.name, columns.tobytes())
        if key not in self._placed:
            name = self.graph.node("Gather", tensor.name, self.graph.constant(columns), axis=1)
            tokens = tuple(tensor.tokens[c] for c in columns) if tensor.tokens else ()
            self._placed[key] = replace(tensor, name=name, width=len(columns), tokens=tokens)
        return self._placed[key]

    def spread(self, table: Table, *, single: bool = False) -> tuple[Tensor, Integers]:
        """A tensor that has the table's columns somewhere, and where: for steps that can take any order.

        Args:
            single: numbers as float32 rather than float64.
        """
        given = table.tensors
        late = len(given) > 1 and all(tensor.element == "float" for tensor in given)  # one Cast, of all together
        tensors = given if late else [self._cast(tensor, "float" if single else "double") for tensor in given]
        start = dict(zip((t.name for t in given), np.cumsum([0, *(t.width for t in tensors)]), strict=False))
        columns = np.concatenate([part.columns + start[part.tensor.name] for part in table.parts])
        key = tuple(tensor.name for tensor in tensors)
        if len(tensors) == 1:
            return tensors[0], columns
        if key not in self._placed:
            whole_table = joined([whole(tensor) for tensor in tensors])
            self._placed[key] = Tensor(
                name=self.graph.node("Concat", *key, axis=1),
                width=whole_table.width,
                element=tensors[0].element,
                float32=whole_table.float32,
                tokens=whole_table.tokens if tensors[0].element == "string" else (),
            )
        return self._cast(self._placed[key], "float" if single else "double"), columns

    def double(self, table: Table) -> str:
        """The name of a tensor `(rows, width) float64` with the table's columns."""
        return self.tensor(table).name

    def float32(self, table: Table) -> str:
        """The name of a tensor `(rows, width) float32` with the table's columns."""
        tensors = table.tensors
        if len(tensors) == 1 and tensors[0].element == "float":
            columns = np.concatenate([part.columns for part in table.parts])
            if np.array_equal(columns, np.arange(tensors[0].width)):
                return tensors[0].name
            return self.graph.node("Gather", tensors[0].name, self.graph.constant(columns), axis=1)
        return self.graph.node("Cast", self.double(table), to=FLOAT)

    def made(self, name: str, width: int, *, float32: bool = False) -> Table:
        """A new tensor of float64 as a table."""
        return whole(Tensor(name=name, width=width, float32=float32))

    def flags(self, name: str, width: int) -> Table:
        """A tensor of bool as a table of 0.0 and 1.0."""
        return self.made(self.graph.node("Cast", name, to=DOUBLE), width, float32=True)

    def vector(self, name: str) -> Vector:
        """A value as `(rows,)` class indices."""
        value = self.values[name]
        if isinstance(value, Vector):
            return value
        column = self.graph.node("Cast", self.double(value), to=INT64)
        return Vector(self.graph.node("Squeeze", column, self.graph.constant(np.array([1]))))

    def signed(self, name: str, zero: float = 0.0) -> str:
        """`[zero − x, x − zero]` of a one-column value."""
        key = ("signed", name, zero)
        if key not in self._placed:
            x = self.double(self.table(name))
            if zero != 0:
                x = self.graph.node("Sub", x, self.graph.double(zero))
            self._placed[key] = Tensor(name=self.graph.node("Mul", x, self.graph.double(-1.0, 1.0)), width=2)
        return self._placed[key].name

    def _cast(self, tensor: Tensor, element: Literal["float", "double"]) -> Tensor:
        if tensor.element in ("string", element):
            return tensor
        key = (element, tensor.name)
        if key not in self._placed:
            name = self.graph.node("Cast", tensor.name, to=FLOAT if element == "float" else DOUBLE)
            self._placed[key] = replace(tensor, name=name, element=element)
        return self._placed[key]


def input_tensors(interface: Interface) -> list[Tensor]:
    """The graph inputs: `numbers`, `strings`, as far as the model has any, and the counts of every host step."""
    return [*column_tensors(interface), *(count_tensor(step) for step in interface.texts)]


def count_tensor(step: TextStep) -> Tensor:
    """The graph input of a host step; counts are whole numbers, which float32 holds."""
    return Tensor(name=step.name, width=step.width, element="float", float32=True)


def column_tensors(interface: Interface) -> list[Tensor]:
    """The graph inputs that hold the model's inputs themselves, side by side."""
    numbers = [i for i in interface.inputs if i.kind == "number"]
    strings = interface.strings
    element: Literal["float", "double"] = "float" if interface.input_dtype == "float32" else "double"
    tensors = []
    if numbers:
        width = sum(i.width for i in numbers)
        tensors.append(Tensor(name="numbers", width=width, element=element, float32=element == "float"))
    if strings:
        tokens = tuple(i.missing_token for i in strings for _ in range(i.width))
        tensors.append(Tensor(name="strings", width=len(tokens), element="string", tokens=tokens))
    return tensors


def input_info(tensor: Tensor, description: str) -> Message:
    """The ValueInfoProto of a graph input."""
    element = {"float": FLOAT, "double": DOUBLE, "string": STRING}[tensor.element]
    return value_info(tensor.name, element, ("rows", tensor.width), description)
