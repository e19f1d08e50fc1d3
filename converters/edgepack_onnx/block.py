"""An embedded ONNX model, inlined."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from edgepack.ir import Node
from edgepack.ir.ops import OnnxBlock
from edgepack_onnx.emitter import Emitter
from edgepack_onnx.graph import ML, OPSET
from edgepack_onnx.proto import DOUBLE, FLOAT
from edgepack_onnx.table import Table
from edgepack_onnx.wire import Message

OLD_TREES = ("TreeEnsembleClassifier", "TreeEnsembleRegressor")
ONLY_EXTENDED = ("LabelEncoder", *OLD_TREES)
"""Ops whose later versions, as far as they exist in the graph's opset, only added types and attributes."""


def emit_block(node: Node, op: OnnxBlock, e: Emitter) -> Table:
    """The chosen output of the embedded model, which computes in its own type, mostly float32."""
    model = _parsed(op)
    (given,) = _inputs(model)
    table = e.table(node.inputs[0])
    x = e.double(table) if given.type.tensor_type.elem_type == DOUBLE else e.float32(table)
    for imported in model.opset_import:
        e.graph.require(imported.domain, imported.version)
    own = {given.name: x, "": ""}
    captured: list[str] = []

    def renamed(name: str) -> str:
        return own.setdefault(name, f"{node.name}_{name}")

    for initializer in model.graph.initializer:
        initializer.name = renamed(initializer.name)
        e.graph.initializers[initializer.name] = _as_message(initializer)
    for inner in model.graph.node:
        captured.clear()
        _rename(inner, renamed, captured)
        attributes = [_as_message(a) for a in inner.attribute]
        reads = [name for name in captured if name]
        e.graph.add(inner.op_type, inner.input, attributes, domain=inner.domain, outputs=inner.output, reads=reads)
    e.notes.append(
        "the ONNX model as it was logged" if op.is_own else f"{type(op.estimator).__name__} via skl2onnx, in float32"
    )
    return e.made(_as_float64(model, op, renamed(op.output), e), op.width)


def has_old_trees(op: object) -> bool:
    """Whether a block holds tree ops that ai.onnx.ml 5 no longer has."""
    return isinstance(op, OnnxBlock) and any(node.op_type in OLD_TREES for node in _parsed(op).graph.node)


def block_problems(op: OnnxBlock) -> Iterator[str]:
    """Why a block cannot be inlined."""
    import onnx

    model = _parsed(op)
    inputs = _inputs(model)
    if len(inputs) != 1 or inputs[0].type.tensor_type.elem_type not in (FLOAT, DOUBLE):
        yield f"the embedded model takes {', '.join(i.name for i in inputs)}, not one table of numbers"
    if op.method == "predict" and hasattr(op.estimator, "classes_"):
        yield f"output {op.output} is a label, not a number"
    if model.functions:
        yield f"the embedded model has functions of its own ({model.functions[0].name})"
    versions = {imported.domain: imported.version for imported in model.opset_import}
    lowest = {"": OPSET, ML: 4 if has_old_trees(op) else 5}
    for node in model.graph.node:
        version = versions.get(node.domain, 1)
        raised = max(version, lowest.get(node.domain, 1))
        if node.domain not in lowest or raised == version or node.op_type in ONLY_EXTENDED:
            continue
        before, after = (onnx.defs.get_schema(node.op_type, v, node.domain).since_version for v in (version, raised))
        if before != after:
            yield f"{node.op_type} of opset {version} means something else in opset {raised}"


def _parsed(op: OnnxBlock) -> Any:
    import onnx  # slow to import, and only blocks need it

    return onnx.load_from_string(op.model)


def _inputs(model: Any) -> list[Any]:
    constants = {initializer.name for initializer in model.graph.initializer}
    return [i for i in model.graph.input if i.name not in constants]


def _rename(node: Any, renamed: Callable[[str], str], captured: list[str]) -> None:
    """Renames a node's values, those of its subgraphs included, and notes every name that the subgraphs mention."""
    node.input[:] = [renamed(name) for name in node.input]
    node.output[:] = [renamed(name) for name in node.output]
    graphs = [a.g for a in node.attribute if a.HasField("g")] + [g for a in node.attribute for g in a.graphs]
    for graph in graphs:
        for value in (*graph.input, *graph.output, *graph.initializer, *graph.value_info):
            value.name = renamed(value.name)
        for inner in graph.node:
            _rename(inner, renamed, captured)
            captured.extend(inner.input)
        captured.extend(output.name for output in graph.output)


def _as_message(proto: Any) -> Message:
    data = proto.SerializeToString()
    return Message(buffers=[data], size=len(data))


def _as_float64(model: Any, op: OnnxBlock, name: str, e: Emitter) -> str:
    """The output as `(rows, width) float64`."""
    (output,) = (o for o in model.graph.output if o.name == op.output)
    kind = output.type.tensor_type
    if kind.elem_type != DOUBLE:
        name = e.graph.node("Cast", name, to=DOUBLE)
    if len(kind.shape.dim) != 2:
        name = e.graph.node("Reshape", name, e.graph.constant(np.array([-1, op.width])))
    return name
