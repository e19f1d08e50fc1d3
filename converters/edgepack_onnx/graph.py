"""A small builder of ONNX graphs: nodes and constants in, one ModelProto out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from edgepack.ir.types import Array
from edgepack_onnx.packing import unpacked
from edgepack_onnx.proto import Attribute, attribute, tensor
from edgepack_onnx.wire import Message

ML = "ai.onnx.ml"

OPSET = 13
"""The lowest default opset in which every op used here has its double kernel and its inputs in today's places."""

IR_VERSIONS: Mapping[int, int] = MappingProxyType({13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10})
"""The IR version that came with each default opset; opsets of ai.onnx.ml need none of their own."""

FUSED_BY_NAME = frozenset({"Gather", "Slice"})
"""Ops whose nodes need names: ONNX Runtime 1.20 and 1.21 fuse several into one named after the first, and refuse a
model in which two such have the same name. Names of other nodes would be bytes for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A NodeProto to be. `reads` names what it needs: its inputs and what its subgraphs take from outside."""

    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[Message, ...]
    reads: frozenset[str]


@dataclass(slots=True)
class Graph:
    """Collects nodes in order; what no output needs is left out of the model.

    Attributes:
        prefix: what names begin with: those of a graph inside a node must differ from those around it.
        packs: whether constants are stored in the smallest form that gives them back exactly, and unpacked by nodes
            (which ONNX Runtime runs once, when it loads the model).
    """

    prefix: str = ""
    packs: bool = False
    nodes: list[GraphNode] = field(default_factory=list)
    initializers: dict[str, Message] = field(default_factory=dict)
    opsets: dict[str, int] = field(default_factory=lambda: {"": OPSET})
    _constants: dict[tuple[str, tuple[int, ...], bytes], str] = field(default_factory=dict)

    def node(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """The output of a new node of the default domain."""
        return self.add(op, inputs, [attribute(name, value) for name, value in attributes.items()])[0]

    def ml(
        self, op: str, version: int, x: str, attributes: Mapping[str, Attribute | Message], outputs: int = 1
    ) -> list[str]:
        """The outputs of a new ai.onnx.ml node, as its opset `version` defines it. All its ops here take one input."""
        self.require(ML, version)
        messages = [v if isinstance(v, Message) else attribute(name, v) for name, v in attributes.items()]
        return self.add(op, [x], messages, domain=ML, outputs=outputs)

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        attributes: Iterable[Message],
        *,
        domain: str = "",
        outputs: int | Sequence[str] = 1,
        reads: Iterable[str] = (),
    ) -> list[str]:
        """The outputs of a new node, freshly named unless they are given."""
        named = (
            [f"{self.prefix}t{len(self.nodes)}_{k}" for k in range(outputs)]
            if isinstance(outputs, int)
            else list(outputs)
        )
        node = GraphNode(
            op=op,
            domain=domain,
            inputs=tuple(inputs),
            outputs=tuple(named),
            attributes=tuple(attributes),
            reads=frozenset(inputs) | frozenset(reads),
        )
        self.nodes.append(node)
        return named

    def constant(self, array: Array) -> str:
        """The name of a constant; equal ones are stored once."""
        data = "\0".join(array.ravel()).encode() if array.dtype == object else array.tobytes()
        key = (array.dtype.str, array.shape, data)
        if key not in self._constants:
            self._constants[key] = self._packed(array) or self.stored(array)
        return self._constants[key]

    def _packed(self, array: Array) -> str | None:
        return unpacked(array, self) if self.packs and array.dtype == np.float64 else None

    def stored(self, array: Array) -> str:
        """The name of a constant that is stored as it is."""
        name = f"{self.prefix}c{len(self.initializers)}"
        self.initializers[name] = tensor(name, array)
        return name

    def double(self, *values: float) -> str:
        """A constant `(values,) float64`."""
        return self.constant(np.array(values, np.float64))

    def require(self, domain: str, version: int) -> None:
        """Raises a domain's opset to at least `version`."""
        self.opsets[domain] = max(version, self.opsets.get(domain, 0))

    def finish(
        self, name: str, inputs: Sequence[Message], outputs: Mapping[str, Message], named: Mapping[str, str]
    ) -> Message:
        """The GraphProto.

        Args:
            name: the graph's name.
            inputs: value infos.
            outputs: value infos by output name.
            named: the tensor behind each output name.
        """
        renamed = self._claim(named)
        live = self._live(frozenset(named) | frozenset(named.values()))
        graph = Message()
        for node in live:
            message = Message().text(1, *(renamed.get(i, i) for i in node.inputs))
            message.text(2, *(renamed.get(o, o) for o in node.outputs))
            if node.op in FUSED_BY_NAME:
                message.text(3, node.outputs[0])
            message.text(4, node.op)
            message.message(5, *node.attributes)
            graph.message(1, message.text(7, node.domain) if node.domain else message)
        reads = frozenset[str]().union(*(node.reads for node in live))
        graph.text(2, name).message(5, *(message for key, message in self.initializers.items() if key in reads))
        return graph.message(11, *inputs).message(12, *outputs.values())

    def _claim(self, named: Mapping[str, str]) -> dict[str, str]:
        """New names for the tensors that become outputs; an Identity where a tensor cannot be renamed."""
        made = {output for node in self.nodes for output in node.outputs}
        captured = {name for node in self.nodes for name in node.reads.difference(node.inputs)}
        renamed: dict[str, str] = {}
        for output, tensor_name in named.items():
            if tensor_name in made - captured - renamed.keys():
                renamed[tensor_name] = output
            else:
                self.add("Identity", [tensor_name], [], outputs=[output])
        return renamed

    def _live(self, wanted: frozenset[str]) -> list[GraphNode]:
        """The nodes that the wanted tensors need, in order."""
        needed, live = set(wanted), []
        for node in reversed(self.nodes):
            if not needed.isdisjoint(node.outputs):
                needed |= node.reads
                live.append(node)
        return live[::-1]
