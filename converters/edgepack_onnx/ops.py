"""How each op of a Program is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from edgepack.ir import Node
from edgepack.ir import ops as ir
from edgepack.ir.types import Floats, Type
from edgepack_onnx.arithmetic import (
    emit_binary,
    emit_constant,
    emit_distances,
    emit_nearest,
    emit_power,
    emit_reduce,
    emit_weighted_median,
    emit_where,
)
from edgepack_onnx.block import emit_block
from edgepack_onnx.coupling import emit_coupling
from edgepack_onnx.elementwise import FUNCTIONS
from edgepack_onnx.emitter import Emitter, Value, count_tensor
from edgepack_onnx.forest import emit_forest
from edgepack_onnx.labels import are_positions, artifact_labels
from edgepack_onnx.lookups import emit_lookups
from edgepack_onnx.missing import emit_impute, emit_indicate
from edgepack_onnx.piecewise import emit_bucket, emit_piecewise
from edgepack_onnx.table import Table, Tensor, Vector, are_float32, joined, whole


def _select(node: Node, op: ir.Select, e: Emitter) -> Value:
    return e.table(node.inputs[0]).select(op.columns)


def _concat(node: Node, op: ir.Concat, e: Emitter) -> Value:
    return joined([e.table(name) for name in node.inputs])


def _affine(node: Node, op: ir.Affine, e: Emitter) -> Value:
    x = e.double(e.table(node.inputs[0]))
    steps = (("Sub", op.center), ("Div", op.divisor), ("Mul", op.factor), ("Add", op.offset))
    for name, array in steps:
        if array is not None:
            x = e.graph.node(name, x, e.graph.constant(_per_column(array)))
    return e.made(x, e.table(node.inputs[0]).width)


def _per_column(array: Floats) -> Floats:
    """One number instead of a row of equal ones."""
    return array[:1] if len(array) and (array == array[0]).all() else array


def _clip(node: Node, op: ir.Clip, e: Emitter) -> Value:
    """In float32 where the numbers are that and the bounds are, too."""
    table = e.table(node.inputs[0])
    single = all(tensor.element == "float" for tensor in table.tensors) and are_float32(np.stack([op.low, op.high]))
    x = e.float32(table) if single else e.double(table)
    for name, bound, nothing in (("Max", op.low, -np.inf), ("Min", op.high, np.inf)):  # both keep NaN
        if (bound != nothing).any():
            x = e.graph.node(name, x, e.graph.constant(_per_column(bound).astype(np.float32 if single else np.float64)))
    return whole(Tensor(name=x, width=len(op.low), element="float" if single else "double", float32=single))


def _elementwise(node: Node, op: ir.Elementwise, e: Emitter) -> Value:
    table = e.table(node.inputs[0])
    return e.made(FUNCTIONS[op.function](e.graph, e.double(table)), table.width)


def _single(node: Node, op: ir.Single, e: Emitter) -> Value:
    table = e.table(node.inputs[0])
    return whole(Tensor(name=e.float32(table), width=table.width, element="float", float32=True))


def _lookup(node: Node, op: ir.Lookup, e: Emitter) -> Value:
    emit_lookups([node], e)
    return e.values[node.name]


def _one_hot(node: Node, op: ir.OneHot, e: Emitter) -> Value:
    indices = e.graph.constant(np.arange(op.size, dtype=np.float64))
    equal = e.graph.node("Equal", e.double(e.table(node.inputs[0])), indices)
    return e.flags(equal, op.size)


def _linear(node: Node, op: ir.Linear, e: Emitter) -> Value:
    x = e.double(e.table(node.inputs[0]))
    intercept = [e.graph.constant(op.intercept)] if op.intercept.any() else []
    result = e.graph.node("Gemm", x, e.graph.constant(np.ascontiguousarray(op.coef)), *intercept, transB=1)
    return e.made(result, len(op.coef))


def _integer_linear(node: Node, op: ir.IntegerLinear, e: Emitter) -> Value:
    """QuantizeLinear and DequantizeLinear around a Gemm, which ONNX Runtime makes one QGemm of."""
    g = e.graph
    step, zero = g.constant(np.array(op.step, np.float32)), g.constant(np.array(op.zero, np.uint8))
    codes = g.node("QuantizeLinear", e.float32(e.table(node.inputs[0])), step, zero)
    x = g.node("DequantizeLinear", codes, step, zero)
    none = g.constant(np.zeros(len(op.scale), np.int8))
    weights = g.node("DequantizeLinear", g.constant(op.weights), g.constant(op.scale), none, axis=0)
    bias = g.node("DequantizeLinear", g.constant(op.bias.astype(np.int32)), g.constant(op.unit), axis=0)
    result = g.node("Gemm", x, weights, bias, transB=1)
    return whole(Tensor(name=result, width=len(op.scale), element="float", float32=True))


def _sum(node: Node, op: ir.Sum, e: Emitter) -> Value:
    tables = {name: e.table(name) for name in node.inputs}  # of what is still to be added
    terms = []
    for tensor, (stack, slots) in e.stacks.items():
        left = [name for name in node.inputs if name in tables]
        inside = [name for name in left if [t.name for t in tables[name].tensors] == [tensor]]
        # addends that are all slots of one lookup, each of them once, are one sum over its slots
        if inside and slots > 1 and _covers(inside, slots, tables):
            slot_axis = e.graph.constant(np.array([1]))
            terms.append(e.graph.node("ReduceSum", stack, slot_axis, keepdims=int(stack == tensor)))
            tables = {name: table for name, table in tables.items() if name not in inside}
    terms = [*(e.double(tables[name]) for name in node.inputs if name in tables), *terms]
    total = terms[0] if len(terms) == 1 else e.graph.node("Add" if len(terms) == 2 else "Sum", *terms)
    return e.made(total, e.table(node.inputs[0]).width)


def _covers(names: Sequence[str], slots: int, tables: Mapping[str, Table]) -> bool:
    """Whether these values are all columns of their common tensor, in `slots` equal runs."""
    columns = [part.columns for name in names for part in tables[name].parts]
    width = len(columns[0])
    runs = len(columns) == slots and all(np.array_equal(run, run[0] + np.arange(width)) for run in columns)
    return runs and {int(run[0]) for run in columns} == set(range(0, slots * width, width))


def _sigmoid(node: Node, op: ir.Sigmoid, e: Emitter) -> Value:
    # 1 / (1 + exp(−x)): ONNX Runtime's Sigmoid is right to 1e-16 absolutely, but not relatively, as Normalize needs it
    table = e.table(node.inputs[0])
    power = e.graph.node("Exp", e.graph.node("Neg", e.double(table)))
    return e.made(e.graph.node("Reciprocal", e.graph.node("Add", power, e.graph.double(1.0))), table.width)


def _softmax(node: Node, op: ir.Softmax, e: Emitter) -> Value:
    table = e.table(node.inputs[0])
    return e.made(e.graph.node("Softmax", e.double(table), axis=1), table.width)


def _normalize(node: Node, op: ir.Normalize, e: Emitter) -> Value:
    table = e.table(node.inputs[0])
    x = e.double(table)
    total = e.graph.node("ReduceSum", x, e.graph.constant(np.array([1])), keepdims=1)
    nothing = e.graph.node("Equal", total, e.graph.double(0.0))  # a row of zeros stays one
    divisor = e.graph.node("Where", nothing, e.graph.double(1.0), total)
    return e.made(e.graph.node("Div", x, divisor), table.width)


def _complement(node: Node, op: ir.Complement, e: Emitter) -> Value:
    made_by = e.program.node_of(node.inputs[0])
    if made_by is not None and isinstance(made_by.op, ir.Sigmoid):
        # 1 − expit(x) is expit(−x): one Sigmoid for both, of a tensor that the label needs as well
        return e.made(e.graph.node("Sigmoid", e.signed(made_by.inputs[0])), 2)
    return e.made(e.graph.node("Add", e.signed(node.inputs[0]), e.graph.double(1.0, 0.0)), 2)


def _step(node: Node, op: ir.Step, e: Emitter) -> Value:
    # [−d, d] has its largest in column 1 where d > 0; a tie is d = 0, which only a strict step leaves in column 0
    scores = e.signed(node.inputs[0], op.threshold)
    return Vector(e.graph.node("ArgMax", scores, axis=1, keepdims=0, select_last_index=int(not op.strict)))


def _arg_max(node: Node, op: ir.ArgMax, e: Emitter) -> Value:
    if node.inputs[0] in e.largest:
        return e.largest[node.inputs[0]]
    return Vector(e.graph.node("ArgMax", e.double(e.table(node.inputs[0])), axis=1, keepdims=0))


def _count(node: Node, op: ir.Count, e: Emitter) -> Value:
    return whole(count_tensor(op.step))


def _label(node: Node, op: ir.Label, e: Emitter) -> Value:
    labels = artifact_labels(op.classes.tolist())
    index = e.vector(node.inputs[0])
    return (
        index if are_positions(labels) else Vector(e.graph.node("Gather", e.graph.constant(labels), index.name, axis=0))
    )


Writer = Callable[[Node, Any, Emitter], Value]

WRITERS: Mapping[type, Writer] = MappingProxyType(
    {
        ir.Affine: _affine,
        ir.ArgMax: _arg_max,
        ir.Binary: emit_binary,
        ir.Bucket: emit_bucket,
        ir.Clip: _clip,
        ir.Complement: _complement,
        ir.Concat: _concat,
        ir.Constant: emit_constant,
        ir.Count: _count,
        ir.Coupling: emit_coupling,
        ir.Distances: emit_distances,
        ir.Elementwise: _elementwise,
        ir.Forest: emit_forest,
        ir.Impute: emit_impute,
        ir.Indicate: emit_indicate,
        ir.IntegerLinear: _integer_linear,
        ir.Label: _label,
        ir.Linear: _linear,
        ir.Lookup: _lookup,
        ir.Nearest: emit_nearest,
        ir.Normalize: _normalize,
        ir.OneHot: _one_hot,
        ir.OnnxBlock: emit_block,
        ir.Piecewise: emit_piecewise,
        ir.Power: emit_power,
        ir.Reduce: emit_reduce,
        ir.Select: _select,
        ir.Sigmoid: _sigmoid,
        ir.Single: _single,
        ir.Softmax: _softmax,
        ir.Step: _step,
        ir.Sum: _sum,
        ir.WeightedMedian: emit_weighted_median,
        ir.Where: emit_where,
    }
)
"""The writer of each op that this target knows."""


def emit_program(e: Emitter) -> None:
    """Writes all nodes: first what only moves or fills columns of inputs, then the lookups on those, then the rest."""
    nodes = e.program.nodes
    types = e.program.types()
    for node in nodes:
        if _is_early(node.op, types[node.name]) and all(name in e.values for name in node.inputs):
            e.values[node.name] = WRITERS[type(node.op)](node, node.op, e)
    emit_lookups([n for n in nodes if isinstance(n.op, ir.Lookup) and n.inputs[0] in e.values], e)
    for node in nodes:
        if node.name not in e.values:
            e.values[node.name] = WRITERS[type(node.op)](node, node.op, e)


def _is_early(op: ir.Op, result: Type) -> bool:
    return isinstance(op, ir.Select | ir.Concat) or (isinstance(op, ir.Impute) and result.kind == "string")
