"""A program's operations: constants worked out once, the rest listed for rows to run through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgepack_coreml.evaluate.mil.constants import constant
from edgepack_coreml.evaluate.mil.op import Given, Op
from edgepack_coreml.evaluate.mil.table import CONSTEXPR, OPERATIONS
from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.mil.types import Declared, tensor_type
from edgepack_coreml.evaluate.mil.weights import Weights
from edgepack_coreml.evaluate.values import Unknown, only

CONST, CLASSIFY = "const", "classify"
Reference = str | list[str]
Environment = dict[str, Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation, its constants filled in."""

    op: Op
    where: str
    ios: int
    inputs: Mapping[str, Reference]
    outputs: tuple[str, ...]

    def names(self) -> list[str]:
        """All inputs."""
        return [name for given in self.inputs.values() for name in (given if isinstance(given, list) else [given])]

    def run(self, environment: Environment) -> tuple[Tensor, ...]:
        """The results. Raises `Unknown` for what the operation does not know, naming it."""
        given: Given = {
            name: [environment[n] for n in names] if isinstance(names, list) else environment[names]
            for name, names in self.inputs.items()
        }
        with at(self.where), np.errstate(all="ignore"):
            result = self.op.run(**self.op.bound(given, self.ios))
        return result if isinstance(result, tuple) else (result,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Classify:
    """The last operation of a classifier."""

    label: str
    dictionary: str
    probabilities: str
    labels: tuple[int | str, ...]


class Block:
    """The operations of the one block of a function.

    Attributes:
        environment: constants, and every other value as it is for no rows at all: its type and shape.
        steps: what depends on rows, in order.
        classify: the last operation, if it is a classifier's.
    """

    def __init__(self, message: Any, inputs: Environment, ios: int, weights: Weights | None) -> None:
        """Reads a `Block` message. Raises `Unknown`, with the operation's name, for what it does not know."""
        only(message, "outputs", "operations", "attributes")
        self.environment = dict(inputs)
        self.steps: list[Step] = []
        self.classify: Classify | None = None
        self._ios, self._weights = ios, weights
        for operation in message.operations:
            outputs = ", ".join(o.name for o in operation.outputs)
            with at(f"{operation.type} {outputs!r}"):
                only(operation, "type", "inputs", "outputs", "attributes")
                self._read(operation, f"{operation.type} {outputs!r}")

    def _read(self, operation: Any, where: str) -> None:
        if operation.type == CLASSIFY:
            self.classify = self._classify(operation)
            return
        if operation.type == CONST:
            self._attributes(operation, "val")
            if operation.inputs:
                raise Unknown("a constant with inputs")
            value = constant(operation.attributes["val"], self._weights) if "val" in operation.attributes else None
            if not isinstance(value, Tensor):
                raise Unknown("a constant without a tensor")
            self._define(operation, (value,))
            return
        if operation.type not in OPERATIONS:
            raise Unknown(f"operation {operation.type!r} is not known to the reference evaluator")
        inputs = {name: self._references(name, argument, where) for name, argument in operation.inputs.items()}
        if operation.type.startswith(CONSTEXPR):
            for name in self._attributes(operation, *operation.attributes):
                inputs[name] = self._hidden(f"{where}.{name}", operation.attributes[name])
        else:
            self._attributes(operation)
        step = Step(
            op=OPERATIONS[operation.type],
            where=where,
            ios=self._ios,
            inputs=inputs,
            outputs=tuple(o.name for o in operation.outputs),
        )
        results = step.run(self.environment)
        self._define(operation, results)
        if any(result.rows for result in results):
            self.steps.append(step)

    def _references(self, name: str, argument: Any, where: str) -> Reference:
        names = []
        for k, binding in enumerate(argument.arguments):
            if binding.WhichOneof("binding") == "value":
                names.append(self._hidden(f"{where}.{name}[{k}]", binding.value))
            elif binding.name in self.environment:
                names.append(binding.name)
            else:
                raise Unknown(f"input {name!r} is {binding.name!r}, which no operation before it gives")
        return names[0] if len(names) == 1 else names

    def _hidden(self, name: str, value: Any) -> str:
        """A constant that has no name of its own."""
        tensor = constant(value, self._weights)
        if not isinstance(tensor, Tensor):
            raise Unknown(f"{name}: a list; knows tensors")
        self.environment[name] = tensor
        return name

    def _attributes(self, operation: Any, *known: str) -> list[str]:
        """Attributes other than the name. Raises `Unknown` for one that is not known."""
        names = [name for name in operation.attributes if name != "name"]
        if unknown := set(names) - set(known):
            raise Unknown(f"attribute {min(unknown)!r} is not known")
        return names

    def _define(self, operation: Any, results: tuple[Tensor, ...]) -> None:
        if len(results) != len(operation.outputs):
            raise Unknown(f"{len(operation.outputs)} outputs; it has {len(results)}")
        for output, result in zip(operation.outputs, results, strict=True):
            declared = tensor_type(output.type)
            found = Declared(dtype=str(result.data.dtype), shape=result.shape)
            if declared.numpy != found.dtype or declared.shape != found.shape:
                raise Unknown(f"output {output.name!r} is declared {declared}, but is {found}")
            if output.name in self.environment:
                raise Unknown(f"output {output.name!r} is the name of another value")
            self.environment[output.name] = result

    def _classify(self, operation: Any) -> Classify:
        self._attributes(operation)
        if set(operation.inputs) != {"probabilities", "classes"} or len(operation.outputs) != 2:
            raise Unknown(f"inputs {sorted(operation.inputs)}, {len(operation.outputs)} outputs")
        probabilities = self._references("probabilities", operation.inputs["probabilities"], CLASSIFY)
        (classes,) = operation.inputs["classes"].arguments
        labels = constant(classes.value, self._weights) if classes.WhichOneof("binding") == "value" else None
        if isinstance(probabilities, list) or not isinstance(labels, tuple) or len(set(labels)) != len(labels):
            raise Unknown("knows one tensor of probabilities and a list of distinct labels")
        given = self.environment[probabilities]
        if given.data.dtype != np.float32 or int(np.prod(given.shape)) != len(labels) or len(labels) < 2:
            raise Unknown(f"{len(labels)} labels for {given.data.dtype} probabilities of shape {list(given.shape)}")
        label, dictionary = operation.outputs
        kind = "string" if isinstance(labels[0], str) else "int64"
        if tensor_type(label.type) != Declared(dtype=kind, shape=()):
            raise Unknown(f"output {label.name!r} is not declared {kind}")
        if dictionary.type.WhichOneof("type") != "dictionaryType":
            raise Unknown(f"output {dictionary.name!r} is not declared a dictionary")
        return Classify(label=label.name, dictionary=dictionary.name, probabilities=probabilities, labels=labels)


@contextmanager
def at(where: str) -> Iterator[None]:
    """Says where in the program something is not known."""
    try:
        yield
    except Unknown as error:
        if str(error).startswith(where):
            raise
        raise Unknown(f"{where}: {error}") from error
