"""An ML Program: one function, run over rows in batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgepack_coreml.evaluate.mil.block import Block, Classify, Environment
from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.mil.types import tensor_type
from edgepack_coreml.evaluate.mil.weights import Weights
from edgepack_coreml.evaluate.values import (
    Dictionaries,
    Evaluate,
    Shape,
    Unknown,
    Value,
    Values,
    only,
    shape_of,
)

MAIN = "main"
OPSETS = {"CoreML5": (15, 6), "CoreML6": (16, 7), "CoreML7": (17, 8), "CoreML8": (18, 9)}
"""For each opset its iOS, and the specification version that it came with."""
BYTES_AT_ONCE = 1 << 26
ROWS_AT_ONCE = 1 << 14


def ml_program(model: Any, weights: Weights | None) -> Evaluate:
    """A model of kind `mlProgram`: its function `main`, whose values have the description's names, types and shapes."""
    only(model.mlProgram, "version", "functions", "docString", "attributes")
    if list(model.mlProgram.functions) != [MAIN] or model.mlProgram.version != 1:
        raise Unknown(f"mlProgram: version {model.mlProgram.version}, functions {list(model.mlProgram.functions)}")
    function = model.mlProgram.functions[MAIN]
    only(function, "inputs", "opset", "block_specializations", "attributes")
    if function.opset not in OPSETS or list(function.block_specializations) != [function.opset]:
        raise Unknown(f"mlProgram: opset {function.opset!r}; knows {', '.join(OPSETS)}, one block for it")
    ios, version = OPSETS[function.opset]
    if model.specificationVersion < version:
        raise Unknown(f"mlProgram: opset {function.opset} needs specification version {version}")
    given = {i.name: tensor_type(i.type) for i in function.inputs}
    inputs: Environment = {
        name: Tensor(np.zeros((0, *kind.shape), kind.numpy), rows=True) for name, kind in given.items()
    }
    message = function.block_specializations[function.opset]
    if not inputs:
        raise Unknown("mlProgram: has no inputs")
    block = Block(message, inputs, ios, weights)
    _agree(model.description.input, {name: _shape(tensor) for name, tensor in inputs.items()}, "input")
    _agree(model.description.output, _outputs(model.description, message.outputs, block), "output")
    return _Run(block, [f.name for f in model.description.output]).evaluate


class _Run:
    """Batches of rows through the steps, values forgotten after their last use."""

    def __init__(self, block: Block, outputs: list[str]) -> None:
        self._block, self._outputs = block, outputs
        tensors = [block.classify.probabilities] if block.classify else outputs
        last = dict.fromkeys(tensors, len(block.steps))
        self._gone: list[list[str]] = [[] for _ in block.steps]
        for k, step in reversed(list(enumerate(block.steps))):
            for name in {*step.names(), *step.outputs}:
                if last.setdefault(name, k) == k and block.environment[name].rows:
                    self._gone[k].append(name)
        self._rows = int(np.clip(BYTES_AT_ONCE // self._row_bytes(), 1, ROWS_AT_ONCE))

    def _row_bytes(self) -> int:
        """The most bytes of a row that live at once."""
        size = {n: int(np.prod(t.shape)) * t.data.itemsize for n, t in self._block.environment.items() if t.rows}
        made = {name for step in self._block.steps for name in step.outputs}
        live, most = set(size) - made, 1
        for step, gone in zip(self._block.steps, self._gone, strict=True):
            live.update(name for name in step.outputs if name in size)
            most = max(most, sum(size[name] for name in live))
            live.difference_update(gone)
        return most

    def evaluate(self, values: Values) -> dict[str, Value]:
        """The description's outputs."""
        arrays = {name: value for name, value in values.items() if not isinstance(value, Dictionaries)}
        starts = range(0, min(len(value) for value in arrays.values()), self._rows) or (0,)
        parts = [self._batch({n: Tensor(v[s : s + self._rows], True) for n, v in arrays.items()}) for s in starts]
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        if (head := self._block.classify) is None:
            return {name: whole[name] for name in self._outputs}
        return _answers(head, whole[head.probabilities])

    def _batch(self, given: Mapping[str, Tensor]) -> dict[str, Any]:
        environment = {name: t for name, t in self._block.environment.items() if not t.rows}
        environment.update(given)
        rows = next(iter(given.values())).lead
        for step, gone in zip(self._block.steps, self._gone, strict=True):
            environment.update(zip(step.outputs, step.run(environment), strict=True))
            for name in gone:
                environment.pop(name, None)
        head = self._block.classify
        wanted = {name: environment[name] for name in ([head.probabilities] if head else self._outputs)}
        return {n: t.data if t.rows else np.broadcast_to(t.data, rows + t.shape) for n, t in wanted.items()}


def _answers(head: Classify, probabilities: Any) -> dict[str, Value]:
    """The first of the largest (inferred), and the dictionary."""
    numbers = probabilities.reshape(len(probabilities), len(head.labels))
    kind: Any = object if isinstance(head.labels[0], str) else np.int64
    return {
        head.label: np.array(head.labels, kind)[numbers.argmax(axis=1)],
        head.dictionary: Dictionaries(labels=head.labels, numbers=numbers.astype(np.float64)),
    }


def _shape(tensor: Tensor) -> Shape:
    return Shape(kind="array", dims=tensor.shape, dtype=str(tensor.data.dtype))


def _outputs(description: Any, names: Any, block: Block) -> dict[str, Shape]:
    head = block.classify
    if head is None:
        if description.predictedFeatureName or description.predictedProbabilitiesName:
            raise Unknown("mlProgram: the description names a prediction, but the program has no classify")
        missing = [name for name in names if name not in block.environment]
        if missing:
            raise Unknown(f"mlProgram: output {missing[0]!r} is given by no operation")
        return {name: _shape(block.environment[name]) for name in names}
    named = [description.predictedFeatureName, description.predictedProbabilitiesName]
    if named != [head.label, head.dictionary] or list(names) != named:
        raise Unknown(f"mlProgram: predictions {named}, outputs {list(names)}, of classify {head.label!r}")
    kind = "string" if isinstance(head.labels[0], str) else "int64"
    return {head.label: Shape(kind=kind), head.dictionary: Shape(kind=f"{kind} keys")}


def _agree(features: Any, found: Mapping[str, Shape], what: str) -> None:
    declared = {f.name: shape_of(f) for f in features}
    if declared != found:
        said = ", ".join(f"{name} {shape}" for name, shape in declared.items())
        is_ = ", ".join(f"{name} {shape}" for name, shape in found.items())
        raise Unknown(f"mlProgram: {what}s are declared {said}, but the program's are {is_}")
