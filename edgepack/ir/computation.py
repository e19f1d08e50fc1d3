"""What an emitted file computes, as a target reads it back: nothing in it comes from the Program that was emitted."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edgepack.contract import Interface
from edgepack.ir.ops import Complement, Concat, Constant, Forest, Linear, Lookup, OneHot, Op, Select, Where
from edgepack.ir.program import Node, Program
from edgepack.ir.types import Floats, TypeMismatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Computation:
    """A file's arithmetic in the IR's words.

    Attributes:
        program: what it computes with the constants that it holds.
        narrow: values that it rounds to float32 rather than float64.
    """

    program: Program
    narrow: frozenset[str] = frozenset()


class Unreadable(Exception):
    """The file computes something that is not read back, and what."""


@dataclass(slots=True, kw_only=True)
class Transcript:
    """The nodes of a file, written down one after another."""

    interface: Interface
    nodes: list[Node] = field(default_factory=list)
    narrow: set[str] = field(default_factory=set)

    def emit(self, op: Op, *inputs: str, narrow: bool = False) -> str:
        """The name of a new node's value."""
        name = f"f{len(self.nodes)}"
        self.nodes.append(Node(name=name, op=op, inputs=inputs))
        if narrow:
            self.narrow.add(name)
        return name

    def op_of(self, name: str) -> tuple[Op | None, tuple[str, ...]]:
        """The op behind a value, and what it takes; None for an input."""
        found = next((node for node in self.nodes if node.name == name), None)
        return (None, ()) if found is None else (found.op, found.inputs)

    def width(self, name: str) -> int:
        """How many columns a value has."""
        widths = {f"i{k}": i.width for k, i in enumerate(self.interface.inputs)}
        if name in widths:
            return widths[name]
        node = next(node for node in self.nodes if node.name == name)
        match node.op:
            case Lookup(table=table):
                return int(table.shape[1])
            case Select(columns=columns):
                return len(columns)
            case Concat():
                return sum(self.width(part) for part in node.inputs)
            case Constant(row=row):
                return len(row)
            case Forest():
                return int(node.op.value.shape[1])
            case Where():
                return max(self.width(part) for part in node.inputs)
            case Linear(coef=coef):
                return len(coef)
            case OneHot(size=size):
                return size
            case Complement():
                return 2
        return self.width(node.inputs[0])

    def joined(self, parts: list[str]) -> str:
        """The parts side by side."""
        return parts[0] if len(parts) == 1 else self.emit(Concat(), *parts)

    def columns(self, name: str) -> list[str]:
        """Each column by itself."""
        width = self.width(name)
        return [name] if width == 1 else [self.emit(Select(columns=np.array([k])), name) for k in range(width)]

    def row_of(self, name: str, table: Floats) -> str:
        """A row of a table by its number, which another value gives; nothing is known beyond the table."""
        gone = np.full((2, table.shape[1]), np.nan)
        keys = np.arange(len(table), dtype=np.float64)
        return self.emit(Lookup(keys=keys, table=np.concatenate([table, gone])), name)

    def finish(self, outputs: dict[str, str]) -> Computation:
        """The computation. Raises `Unreadable` where the nodes do not fit together."""
        try:
            program = Program(interface=self.interface, nodes=tuple(self.nodes), outputs=outputs)
        except TypeMismatch as error:
            raise Unreadable(str(error)) from error
        return Computation(program=program, narrow=frozenset(self.narrow))


def encoded(keys: list[str], values: Floats, default: Floats, missing_token: str) -> Lookup:
    """The Lookup of an encoder of strings, in which a token stands for what is missing.

    Args:
        values: `(keys, width)`.
        default: `(width,)`, for any other string.
    """
    gone = values[keys.index(missing_token)] if missing_token in keys else default
    kept = [k for k, key in enumerate(keys) if key != missing_token]
    table = np.concatenate([values[kept].reshape(len(kept), len(default)), [default, gone]])
    return Lookup(keys=np.array([keys[k] for k in kept], object), table=table)
