"""A file read back: its sums, lookups and functions, in the IR's words.

Only what linear models, perceptrons and the steps before them are written with is known; of a graph that holds anything
else nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from edgepack.contract import Interface
from edgepack.ir.computation import Computation, Transcript, Unreadable, encoded
from edgepack.ir.ops import (
    Affine,
    ArgMax,
    Clip,
    Complement,
    Elementwise,
    Impute,
    Indicate,
    Label,
    Linear,
    Lookup,
    Select,
    Sigmoid,
    Softmax,
    Step,
    Sum,
)
from edgepack.ir.types import Floats
from edgepack_onnx.labels import are_positions, artifact_labels
from edgepack_onnx.proto import DOUBLE, FLOAT, INT32, INT64, STRING
from edgepack_onnx.read import attributes_of, loaded

SIGNS = np.array([-1.0, 1.0])


def read_sums(path: Path, interface: Interface) -> Computation | None:
    """What a file computes, from the file alone; None where it holds more than sums, lookups and known functions.

    Raises:
        UsageError: the file is no ONNX model.
    """
    model = loaded(path)
    if model.functions or interface.texts:
        return None
    try:
        return _Reader(model.graph, interface).computation()
    except Unreadable:
        return None


class _Reader:
    """The graph's tensors, each a value of the transcript, a constant, or two scores of opposite sign."""

    def __init__(self, graph: Any, interface: Interface) -> None:
        """Names the graph's inputs."""
        from onnx import numpy_helper

        self.graph, self.interface = graph, interface
        self.script = Transcript(interface=interface)
        self.constants = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        self.values: dict[str, str] = {}
        self.narrow: set[str] = set()
        self.signed: dict[str, str] = {}
        for given in graph.input:
            element = given.type.tensor_type.elem_type
            kind = {"numbers": "number", "strings": "string"}.get(given.name)
            allowed = (FLOAT if interface.input_dtype == "float32" else DOUBLE) if kind == "number" else STRING
            if kind is None or element != allowed:
                raise Unreadable(f"input {given.name}")
            names = [f"i{k}" for k, i in enumerate(interface.inputs) if i.kind == kind]
            self.values[given.name] = self.script.joined(names)
            if element == FLOAT:
                self.narrow.add(given.name)

    def computation(self) -> Computation:
        """From the inputs to the outputs."""
        for node in self.graph.node:
            self._read(node)
        outputs = {}
        for output in self.interface.outputs:
            if output not in self.values:
                raise Unreadable(output)
            outputs[output] = self._labelled(self.values[output]) if output == "label" else self.values[output]
        return self.script.finish(outputs)

    def _labelled(self, name: str) -> str:
        op, _ = self.script.op_of(name)
        if isinstance(op, Label):
            return name
        if not are_positions(artifact_labels(self.interface.classes or ())):
            raise Unreadable("label")
        return self.script.emit(Label(classes=np.array(self.interface.classes)), name)

    def _read(self, node: Any) -> None:
        reader = READERS.get((node.domain, node.op_type))
        if reader is None or len(node.output) != 1:
            raise Unreadable(node.op_type)
        made = reader(self, node, attributes_of(node))
        if made is not None:
            self.values[node.output[0]] = made

    def value(self, name: str) -> str:
        """The transcript's name of a tensor."""
        if name not in self.values:
            raise Unreadable(name)
        return self.values[name]

    def row(self, name: str, width: int) -> Floats:
        """A constant, as a row of a width."""
        found = self.constants.get(name)
        if found is None or found.dtype.kind not in "fi" or found.size not in (1, width) or found.ndim > 2:
            raise Unreadable(name)
        return np.broadcast_to(found.reshape(-1).astype(np.float64), (width,)).copy()

    def behind(self, name: str) -> tuple[Any, str]:
        """The op behind a value and the first thing that it takes."""
        op, taken = self.script.op_of(name)
        return op, taken[0] if taken else ""

    def emit(self, node: Any, op: Any, *inputs: str) -> str:
        """A node that computes; in float32 where anything that it takes is so."""
        narrow = any(name in self.narrow for name in node.input) or any(
            name in self.constants and self.constants[name].dtype == np.float32 for name in node.input
        )
        if narrow:
            self.narrow.add(node.output[0])
        return self.script.emit(op, *inputs, narrow=narrow)

    def two(self, node: Any) -> tuple[str, str]:
        """What a node of two inputs takes."""
        if len(node.input) != 2:
            raise Unreadable(node.op_type)
        return node.input[0], node.input[1]


def _cast(r: _Reader, node: Any, found: dict[str, Any]) -> str | None:
    to, source = found.pop("to", None), node.input[0]
    if found or to not in (DOUBLE, FLOAT, INT64, INT32):
        raise Unreadable("Cast")
    if to in (INT64, INT32):  # only numbers that are whole go there
        op, _ = r.script.op_of(r.value(source))
        if not isinstance(op, Lookup | Step | ArgMax | Select) or not _is_whole(op):
            raise Unreadable("Cast")
        return r.value(source)
    if to == FLOAT and source not in r.narrow:
        r.narrow.add(node.output[0])
        return r.script.emit(Affine(offset=np.zeros(r.script.width(r.value(source)))), r.value(source), narrow=True)
    if to == FLOAT:
        r.narrow.add(node.output[0])
    return r.value(source)


def _is_whole(op: Any) -> bool:
    return not isinstance(op, Lookup) or bool(np.all(op.table[:-2] == np.floor(op.table[:-2])))


def _same(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    if node.input[0] in r.narrow:
        r.narrow.add(node.output[0])
    return r.value(node.input[0])


def _reshape(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    source, shape = r.two(node)
    wanted = r.constants.get(shape)
    if found or wanted is None or wanted.tolist() not in ([-1, r.script.width(r.value(source))], [-1]):
        raise Unreadable("Reshape")
    return _same(r, node, found)


def _squeeze(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    if found or len(node.input) != 2 or r.constants[node.input[1]].tolist() != [1]:
        raise Unreadable("Squeeze")
    return _same(r, node, found)


def _is_nan(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    return r.script.emit(Indicate(sentinel=float("nan")), r.value(node.input[0]))


def _where(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    condition, chosen, other = node.input
    x = r.value(other)
    asked = r.script.op_of(r.value(condition))
    if not isinstance(asked[0], Indicate) or asked[1] != (x,):
        raise Unreadable("Where")
    if other in r.narrow:
        r.narrow.add(node.output[0])
    return r.script.emit(Impute(fill=r.row(chosen, r.script.width(x)), sentinel=float("nan")), x)


def _gemm(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    transposed = found.pop("transB", 0)
    weights = r.constants.get(node.input[1])
    if found or weights is None or weights.ndim != 2:
        raise Unreadable("Gemm")
    coef = (weights if transposed else weights.T).astype(np.float64)
    intercept = r.row(node.input[2], len(coef)) if len(node.input) > 2 else np.zeros(len(coef))
    return r.emit(node, Linear(coef=coef, intercept=intercept), r.value(node.input[0]))


def _matmul(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    x, name = r.two(node)
    weights = r.constants.get(name)
    if found or weights is None or weights.ndim != 2:
        raise Unreadable("MatMul")
    coef = weights.T.astype(np.float64)
    return r.emit(node, Linear(coef=coef, intercept=np.zeros(len(coef))), r.value(x))


def _arithmetic(field: str) -> Callable[[_Reader, Any, dict[str, Any]], str | None]:
    """The reader of an operator of a tensor and a constant, or of two tensors to add."""

    def read(r: _Reader, node: Any, found: dict[str, Any]) -> str | None:
        a, b = r.two(node)
        if a in r.constants and field in ("offset", "factor"):
            a, b = b, a
        x = r.value(a)
        if b not in r.constants:
            if field != "offset" or r.script.width(x) != r.script.width(r.value(b)):
                raise Unreadable(node.op_type)
            return r.emit(node, Sum(), x, r.value(b))
        if field == "factor" and np.array_equal(r.constants[b].ravel(), SIGNS) and r.script.width(x) == 1:
            r.signed[node.output[0]] = x
            return None
        return r.emit(node, Affine(**{field: r.row(b, r.script.width(x))}), x)

    return read


def _sum(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    parts = [r.value(name) for name in node.input]
    if len({r.script.width(part) for part in parts}) != 1:
        raise Unreadable("Sum")
    return r.emit(node, Sum(), *parts)


def _clip(low: bool) -> Callable[[_Reader, Any, dict[str, Any]], str]:
    """The reader of `Max` or `Min` with a constant; one on top of the other is one Clip."""

    def read(r: _Reader, node: Any, found: dict[str, Any]) -> str:
        a, b = r.two(node)
        x = r.value(a)
        end = r.row(b, r.script.width(x))
        below, source = r.script.op_of(x)
        if not low and isinstance(below, Clip) and np.all(below.high == np.inf):
            return r.emit(node, Clip(low=below.low, high=end), *source)
        free = np.full(len(end), np.inf)
        return r.emit(node, Clip(low=end, high=free) if low else Clip(low=-free, high=end), x)

    return read


def _relu(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    x = r.value(node.input[0])
    width = r.script.width(x)
    return r.emit(node, Clip(low=np.zeros(width), high=np.full(width, np.inf)), x)


def _function(name: str) -> Callable[[_Reader, Any, dict[str, Any]], str]:
    return lambda r, node, found: r.emit(node, Elementwise(function=name), r.value(node.input[0]))


def _sigmoid(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    source = node.input[0]
    if source in r.signed:
        return r.emit(node, Complement(), r.emit(node, Sigmoid(), r.signed[source]))
    return r.emit(node, Sigmoid(), r.value(source))


def _reciprocal(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    """`1 / (exp(−x) + 1)` is known, and nothing else."""
    added, power = r.behind(r.value(node.input[0]))
    raised, minus = r.behind(power)
    negated, x = r.behind(minus)
    match added, raised, negated:
        case Affine(offset=offset), Elementwise(function="exp"), Elementwise(function="negative"):
            if offset is not None and np.all(offset == 1):
                return r.emit(node, Sigmoid(), x)
    raise Unreadable("Reciprocal")


def _softmax(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    if found != {"axis": 1}:
        raise Unreadable("Softmax")
    return r.emit(node, Softmax(), r.value(node.input[0]))


def _argmax(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    last = found.pop("select_last_index", 0)
    if found != {"axis": 1, "keepdims": 0}:
        raise Unreadable("ArgMax")
    source = node.input[0]
    if source in r.signed:
        return r.script.emit(Step(threshold=0.0, strict=not last), r.signed[source])
    if last:
        raise Unreadable("ArgMax")
    return r.script.emit(ArgMax(), r.value(source))


def _concat(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    if found != {"axis": 1}:
        raise Unreadable("Concat")
    if any(name in r.narrow for name in node.input):
        r.narrow.add(node.output[0])
    return r.script.joined([r.value(name) for name in node.input])


def _gather(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    a, b = r.two(node)
    axis = found.get("axis", 0)
    table, columns = r.constants.get(a), r.constants.get(b)
    if axis == 1 and columns is not None and columns.ndim == 1 and columns.min(initial=0) >= 0:
        if a in r.narrow:
            r.narrow.add(node.output[0])
        return r.script.emit(Select(columns=columns.astype(np.int64)), r.value(a))
    if axis == 0 and table is not None and table.ndim == 1:
        labels = [v.decode() if isinstance(v, bytes) else v for v in table.tolist()]
        if labels != artifact_labels(r.interface.classes or ()).tolist():
            raise Unreadable("Gather")
        return r.script.emit(Label(classes=np.array(r.interface.classes)), r.value(b))
    if axis == 0 and table is not None and table.ndim == 2 and table.dtype.kind == "f":
        if table.dtype == np.float32:
            r.narrow.add(node.output[0])
        rows = table.astype(np.float64)
        return r.script.joined([r.script.row_of(column, rows) for column in r.script.columns(r.value(b))])
    raise Unreadable("Gather")


def _gather_elements(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    a, b = r.two(node)
    table = r.constants.get(a)
    columns = r.script.columns(r.value(b))
    if found.get("axis", 0) != 0 or table is None or table.ndim != 2 or table.shape[1] != len(columns):
        raise Unreadable("GatherElements")
    if table.dtype == np.float32:
        r.narrow.add(node.output[0])
    rows = table.astype(np.float64)
    return r.script.joined([r.script.row_of(column, rows[:, [k]]) for k, column in enumerate(columns)])


def _label_encoder(r: _Reader, node: Any, found: dict[str, Any]) -> str:
    keys = found.pop("keys_strings", None)
    keys = found.pop("keys_tensor", None) if keys is None else keys
    values = next((found.pop(k) for k in ("values_int64s", "values_tensor", "values_floats") if k in found), None)
    default = next((found.pop(k) for k in ("default_int64", "default_tensor", "default_float") if k in found), None)
    if keys is None or values is None or default is None or found or len(values) != len(keys):
        raise Unreadable("LabelEncoder")
    if np.asarray(values).dtype == np.float32:
        r.narrow.add(node.output[0])
    table, other = np.asarray(values, np.float64)[:, None], np.ravel(default).astype(np.float64)[:1]
    source = r.value(node.input[0])
    return r.script.joined(
        [r.script.emit(_lookup(r, column, keys, table, other), column) for column in r.script.columns(source)]
    )


def _lookup(r: _Reader, column: str, keys: Any, table: Floats, other: Floats) -> Lookup:
    if len(set(keys)) != len(keys):
        raise Unreadable("LabelEncoder")
    if isinstance(keys, np.ndarray) and keys.dtype.kind == "f":
        gone = np.isnan(keys)
        missing = table[gone] if gone.any() else other[None]
        return Lookup(
            keys=keys[~gone].astype(np.float64), table=np.concatenate([table[~gone], other[None], missing[:1]])
        )
    tokens = {i.missing_token for i in r.interface.strings}
    if len(tokens) != 1:
        raise Unreadable("LabelEncoder")
    return encoded([str(key) for key in keys], table, other, tokens.pop())


Readers = dict[tuple[str, str], Callable[[_Reader, Any, dict[str, Any]], str | None]]
READERS: Readers = {
    ("", "Cast"): _cast,
    ("", "Identity"): _same,
    ("", "Reshape"): _reshape,
    ("", "Squeeze"): _squeeze,
    ("", "IsNaN"): _is_nan,
    ("", "Where"): _where,
    ("", "Gemm"): _gemm,
    ("", "MatMul"): _matmul,
    ("", "Add"): _arithmetic("offset"),
    ("", "Sub"): _arithmetic("center"),
    ("", "Mul"): _arithmetic("factor"),
    ("", "Div"): _arithmetic("divisor"),
    ("", "Sum"): _sum,
    ("", "Max"): _clip(True),
    ("", "Min"): _clip(False),
    ("", "Relu"): _relu,
    ("", "Tanh"): _function("tanh"),
    ("", "Exp"): _function("exp"),
    ("", "Neg"): _function("negative"),
    ("", "Sigmoid"): _sigmoid,
    ("", "Reciprocal"): _reciprocal,
    ("", "Softmax"): _softmax,
    ("", "ArgMax"): _argmax,
    ("", "Concat"): _concat,
    ("", "Gather"): _gather,
    ("", "GatherElements"): _gather_elements,
    ("ai.onnx.ml", "LabelEncoder"): _label_encoder,
}
"""By domain and operator, what writes a node down."""
