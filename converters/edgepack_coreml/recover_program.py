"""An ML Program read back; everything that it computes is rounded to float32. Nothing is said of one in float16."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack.ir.computation import Unreadable
from edgepack.ir.ops import (
    Affine,
    ArgMax,
    Clip,
    Complement,
    Constant,
    Elementwise,
    Impute,
    Indicate,
    Linear,
    Lookup,
    Op,
    Select,
    Sigmoid,
    Softmax,
    Step,
    Sum,
    Where,
)
from edgepack.ir.types import Array, Floats
from edgepack_coreml.evaluate.mil.block import Block
from edgepack_coreml.evaluate.mil.block import Step as Operation
from edgepack_coreml.evaluate.mil.program import MAIN, OPSETS
from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.mil.types import tensor_type
from edgepack_coreml.kinds import computes_in_halves
from edgepack_coreml.recovered import Recovered


@dataclass(frozen=True, slots=True)
class Asked:
    """A comparison, which is only used by the next operation: `nan`, `less` or `greater` of a value."""

    what: str
    of: str
    than: Floats | None = None


def read_program(reader: Recovered, stage: Any) -> None:
    """Writes the program's operations down, and names its outputs. Raises `Unreadable` or `Unknown`."""
    if computes_in_halves(stage):
        raise Unreadable("float16")
    function = stage.mlProgram.functions[MAIN]
    given = {i.name: tensor_type(i.type) for i in function.inputs}
    environment = {name: Tensor(np.zeros((0, *kind.shape), kind.numpy), rows=True) for name, kind in given.items()}
    if any(kind.numpy != "float32" or len(kind.shape) != 1 for kind in given.values()):
        raise Unreadable("inputs")
    ios = OPSETS[function.opset][0]
    block = Block(function.block_specializations[function.opset], environment, ios, reader.weights)
    program = _Program(reader, block, {name: reader.values[name] for name in given})
    for operation in block.steps:
        program.read(operation)
    if (head := block.classify) is None:
        for name in (output.name for output in stage.description.output):
            reader.values[name] = program.value(name)
        return
    reader.probabilities = program.value(head.probabilities)
    op, taken = reader.script.op_of(reader.probabilities)
    chosen: Op = Step(threshold=0.5, strict=True) if isinstance(op, Complement) else ArgMax()
    place = reader.script.emit(chosen, *(taken if isinstance(op, Complement) else (reader.probabilities,)))
    reader.labelled(place, head.labels)


class _Program:
    """The block's values; an operation that is not known matters only where its value is used."""

    def __init__(self, reader: Recovered, block: Block, values: dict[str, str]) -> None:
        self.script, self.environment = reader.script, block.environment
        self.values: dict[str, str | Asked] = dict(values)
        self.complements: dict[str, str] = {}

    def read(self, operation: Operation) -> None:
        """Writes an operation down."""
        kind = operation.where.split(" ")[0]
        reader = OPERATIONS.get(kind)
        if reader is None or len(operation.outputs) != 1:
            return
        try:
            made = reader(self, operation.inputs)
            self.values[operation.outputs[0]] = made
            if kind == "sub" and self.is_one(operation.inputs["x"]):
                self.complements[str(made)] = self.value(operation.inputs["y"])
        except Unreadable:
            return

    def value(self, name: Any) -> str:
        """The transcript's name of a value."""
        found = self.values.get(name) if isinstance(name, str) else None
        if not isinstance(found, str):
            raise Unreadable(str(name))
        return found

    def constant(self, name: Any) -> Array:
        """A constant's numbers."""
        tensor = self.environment.get(name) if isinstance(name, str) else None
        if tensor is None or tensor.rows:
            raise Unreadable(str(name))
        return np.asarray(tensor.data)

    def is_constant(self, name: Any) -> bool:
        """Whether a name is a constant's."""
        return isinstance(name, str) and name in self.environment and not self.environment[name].rows

    def is_one(self, name: Any) -> bool:
        """Whether a name is that of the constant 1."""
        return self.is_constant(name) and self.constant(name).ravel().tolist() == [1.0]

    def row(self, name: Any, width: int) -> Floats:
        """A constant as a row of a width."""
        found = self.constant(name)
        if found.size not in (1, width) or found.ndim > 1:
            raise Unreadable(str(name))
        return np.broadcast_to(found.reshape(-1).astype(np.float64), (width,)).copy()

    def emit(self, op: Op, *inputs: str) -> str:
        """An operation in float32."""
        return self.script.emit(op, *inputs, narrow=True)


Inputs = Mapping[str, Any]


def _slice(p: _Program, given: Inputs) -> str:
    x = p.value(given["x"])
    begin, end = p.constant(given["begin"]), p.constant(given["end"])
    if set(given) != {"x", "begin", "end"} or begin.shape != (1,) or end.shape != (1,):
        raise Unreadable("slice_by_index")
    first, last = int(begin[0]), int(end[0])
    if not 0 <= first < last <= p.script.width(x):
        raise Unreadable("slice_by_index")
    return p.script.emit(Select(columns=np.arange(first, last)), x)


def _concat(p: _Program, given: Inputs) -> str:
    if int(p.constant(given["axis"])) not in (0, -1) or bool(p.constant(given["interleave"])):
        raise Unreadable("concat")
    names = given["values"] if isinstance(given["values"], list) else [given["values"]]
    parts = [p.value(name) for name in names]
    if len(parts) == 2 and p.complements.get(parts[0]) == parts[1] and p.script.width(parts[1]) == 1:
        return p.emit(Complement(), parts[1])
    return p.script.joined(parts)


def _not_equal(p: _Program, given: Inputs) -> Asked:
    if given["x"] != given["y"]:
        raise Unreadable("not_equal")
    return Asked("nan", p.value(given["x"]))


def _compared(what: str) -> Callable[[_Program, Inputs], Asked]:
    def read(p: _Program, given: Inputs) -> Asked:
        x = p.value(given["x"])
        return Asked(what, x, p.row(given["y"], p.script.width(x)))

    return read


def _select(p: _Program, given: Inputs) -> str:
    asked, x = p.values.get(given["cond"]), p.value(given["b"])
    if not isinstance(asked, Asked):
        raise Unreadable("select")
    row = p.row(given["a"], p.script.width(x))
    if asked.what == "nan" and asked.of != x:
        chosen = p.script.emit(Constant(row=row), x)
        return p.script.emit(Where(), p.script.emit(Indicate(sentinel=float("nan")), asked.of), chosen, x)
    if asked.of != x:
        raise Unreadable("select")
    free = np.full(len(row), np.inf)
    match asked.what:
        case "nan":
            return p.script.emit(Impute(fill=row, sentinel=float("nan")), x)
        case "less" if asked.than is not None and np.array_equal(row, asked.than):
            op, taken = p.script.op_of(x)
            if isinstance(op, Clip) and np.all(op.low == -np.inf) and np.all(op.high >= row):
                return p.emit(Clip(low=row, high=op.high), *taken)
            return p.emit(Clip(low=row, high=free), x)
        case "greater" if asked.than is not None and np.array_equal(row, asked.than):
            return p.emit(Clip(low=-free, high=row), x)
    raise Unreadable("select")


def _cast(p: _Program, given: Inputs) -> str:
    asked = p.values.get(given["x"])
    if isinstance(asked, Asked) and asked.what == "nan":
        return p.script.emit(Indicate(sentinel=float("nan")), asked.of)
    return p.value(given["x"])


def _equal(p: _Program, given: Inputs) -> str:
    """A column for each of some numbers: 1 where it is that."""
    keys = p.constant(given["y"]).reshape(-1).astype(np.float64)
    if len(set(keys.tolist())) != len(keys) or np.isnan(keys).any():
        raise Unreadable("equal")
    return p.script.emit(Lookup(keys=keys, table=np.eye(len(keys) + 2, len(keys))), p.value(given["x"]))


def _sum(p: _Program, given: Inputs) -> str:
    x = p.value(given["x"])
    if p.constant(given["axes"]).tolist() != [0] or not bool(p.constant(given["keep_dims"])):
        raise Unreadable("reduce_sum")
    return p.emit(Linear(coef=np.ones((1, p.script.width(x))), intercept=np.zeros(1)), x)


def _gather(p: _Program, given: Inputs) -> str:
    table, at = p.constant(given["x"]), p.value(given["indices"])
    if int(p.constant(given["axis"])) != 0 or table.ndim != 2 or p.script.width(at) != 1:
        raise Unreadable("gather")
    return p.script.row_of(at, table.astype(np.float64))


def _reshape(p: _Program, given: Inputs) -> str:
    x = p.value(given["x"])
    if p.constant(given["shape"]).tolist() != [p.script.width(x)]:
        raise Unreadable("reshape")
    return x


def _linear(p: _Program, given: Inputs) -> str:
    coef = p.constant(given["weight"]).astype(np.float64)
    intercept = p.row(given["bias"], len(coef)) if "bias" in given else np.zeros(len(coef))
    return p.emit(Linear(coef=coef, intercept=intercept), p.value(given["x"]))


def _arithmetic(field: str) -> Callable[[_Program, Inputs], str]:
    def read(p: _Program, given: Inputs) -> str:
        a, b = given["x"], given["y"]
        if field == "center" and p.is_constant(a):
            inner = p.value(b)
            width = p.script.width(inner)
            return p.emit(Affine(factor=np.full(width, -1.0), offset=p.row(a, width)), inner)
        if field in ("offset", "factor") and p.is_constant(a):
            a, b = b, a
        x = p.value(a)
        if p.is_constant(b):
            return p.emit(Affine(**{field: p.row(b, p.script.width(x))}), x)
        other = p.value(b)
        if field != "offset" or p.script.width(x) != p.script.width(other):
            raise Unreadable(field)
        return p.emit(Sum(), x, other)

    return read


def _relu(p: _Program, given: Inputs) -> str:
    x = p.value(given["x"])
    width = p.script.width(x)
    return p.emit(Clip(low=np.zeros(width), high=np.full(width, np.inf)), x)


def _of_one(op: Op) -> Callable[[_Program, Inputs], str]:
    return lambda p, given: p.emit(op, p.value(given["x"]))


OPERATIONS: Mapping[str, Callable[[_Program, Inputs], str | Asked]] = {
    "add": _arithmetic("offset"),
    "cast": _cast,
    "concat": _concat,
    "equal": _equal,
    "gather": _gather,
    "greater": _compared("greater"),
    "identity": _cast,
    "less": _compared("less"),
    "linear": _linear,
    "mul": _arithmetic("factor"),
    "not_equal": _not_equal,
    "real_div": _arithmetic("divisor"),
    "reduce_sum": _sum,
    "relu": _relu,
    "reshape": _reshape,
    "select": _select,
    "sigmoid": _of_one(Sigmoid()),
    "slice_by_index": _slice,
    "softmax": _of_one(Softmax()),
    "sub": _arithmetic("center"),
    "tanh": _of_one(Elementwise(function="tanh")),
}
"""By operation, what writes it down."""
