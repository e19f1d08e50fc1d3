"""Values written in a program, or beside it in the weights file."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.mil.types import Declared, tensor_type, unpacked
from edgepack_coreml.evaluate.mil.weights import Weights
from edgepack_coreml.evaluate.values import Unknown, only

FIELDS = {
    "bool": ("bools",),
    "string": ("strings",),
    "fp32": ("floats",),
    "int32": ("ints",),
    "int64": ("longInts",),
    "int16": ("ints", "bytes"),
    "uint16": ("ints", "bytes"),
}
"""Where a tensor in the program keeps its numbers; all other types are bytes."""


def constant(message: Any, weights: Weights | None) -> Tensor | tuple[int | str, ...]:
    """A `Value` message: a tensor, or a list of class labels."""
    only(message, "docString", "type", "immediateValue", "blobFileValue")
    if message.type.WhichOneof("type") == "listType":
        return _labels(message)
    declared = tensor_type(message.type)
    if message.WhichOneof("value") == "blobFileValue":
        if weights is None:
            raise Unknown("a constant in a weights file, which an .mlmodel file does not have; save an .mlpackage")
        only(message.blobFileValue, "fileName", "offset")
        return Tensor(weights.read(message.blobFileValue.fileName, message.blobFileValue.offset, declared))
    if message.immediateValue.WhichOneof("value") != "tensor":
        raise Unknown(f"a constant {declared} without a tensor")
    return Tensor(_immediate(message.immediateValue.tensor, declared))


def _immediate(tensor: Any, declared: Declared) -> Array:
    field = tensor.WhichOneof("value")
    if field not in FIELDS.get(declared.dtype, ("bytes",)):
        raise Unknown(f"a constant {declared} given as {field}")
    if field == "bytes":
        return unpacked(np.frombuffer(tensor.bytes.values, np.uint8), declared)
    values = np.array(list(getattr(tensor, field).values), declared.numpy)
    if len(values) == 1 and not declared.shape:
        return values.reshape(())
    if values.size != np.prod(declared.shape, dtype=np.int64):
        raise Unknown(f"a constant {declared} of {values.size} values")
    return values.reshape(declared.shape)


def _labels(message: Any) -> tuple[int | str, ...]:
    labels = []
    for value in message.immediateValue.list.values:
        label = constant(value, None)
        if not isinstance(label, Tensor) or label.shape or label.data.dtype.name not in ("object", "int64"):
            raise Unknown("a list of other things than strings or int64 numbers")
        labels.append(label.data.item())
    if len({type(label) for label in labels}) != 1:
        raise Unknown(f"a list {labels}: is empty, or mixes strings and numbers")
    return tuple(labels)
