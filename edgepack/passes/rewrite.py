"""What passes share: a draft of the rewritten Program, and the removal of what no output needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from edgepack.ir.ops import Concat, Op, Select
from edgepack.ir.program import Node, Program
from edgepack.ir.types import Type
from edgepack.passes.trace import Place


@dataclass(slots=True)
class Draft:
    """New nodes in order, with fresh names for what the pass adds."""

    program: Program
    nodes: list[Node] = field(default_factory=list)
    types: dict[str, Type] = field(default_factory=dict)
    made: dict[object, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Starts from the Program's types, so that its values can be referred to."""
        self.types = self.program.types()

    def emit(self, op: Op, *inputs: str, step: str) -> str:
        """The name of a new value."""
        name = f"w{len(self.types)}"
        self.types[name] = op.infer(*(self.types[i] for i in inputs))
        self.nodes.append(Node(name=name, op=op, inputs=inputs, step=step))
        return name

    def gather(self, places: Sequence[Place], *, step: str) -> str:
        """One value holding these columns in order; whole values are taken whole."""
        key = ("gather", *places)
        if key in self.made:
            return self.made[key]
        parts: list[str] = []
        k = 0
        while k < len(places):
            value = places[k].value
            run = [p.column for p in places[k:]][: _same_value(places, k)]
            k += len(run)
            if run == list(range(self.types[value].width)):
                parts.append(value)
            else:
                parts.append(self.emit(Select(columns=np.array(run, np.int64)), value, step=step))
        self.made[key] = parts[0] if len(parts) == 1 else self.emit(Concat(), *parts, step=step)
        return self.made[key]

    def finish(self) -> Program:
        """The rewritten Program, without dead nodes, its values numbered anew."""
        return tidy(replace(self.program, nodes=tuple(self.nodes)))


def _same_value(places: Sequence[Place], start: int) -> int:
    """How many places from `start` on are columns of one value; a value's column 0 begins a new run."""
    end = start + 1
    while end < len(places) and places[end].value == places[start].value and places[end].column != 0:
        end += 1
    return end - start


def tidy(program: Program) -> Program:
    """The Program without nodes that no output needs, its values renamed `v0`, `v1`, … in order."""
    needed = set(program.outputs.values())
    kept: list[Node] = []
    for node in reversed(program.nodes):
        if node.name in needed:
            kept.append(node)
            needed.update(node.inputs)
    kept.reverse()
    names = {node.name: f"v{k}" for k, node in enumerate(kept)}
    return replace(
        program,
        nodes=tuple(replace(n, name=names[n.name], inputs=tuple(names.get(i, i) for i in n.inputs)) for n in kept),
        outputs={output: names.get(name, name) for output, name in program.outputs.items()},
    )
