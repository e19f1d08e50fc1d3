"""Missing values: NaN among numbers, each column's token among strings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgepack.ir import Node
from edgepack.ir.ops import Impute, Indicate
from edgepack_onnx.emitter import Emitter
from edgepack_onnx.proto import Attribute
from edgepack_onnx.table import Table, Tensor, are_float32, whole
from edgepack_onnx.wire import Message

NEVER = -2  # a code that no string has


def emit_impute(node: Node, op: Impute, e: Emitter) -> Table:
    """`where(missing, fill, x)`."""
    table = e.table(node.inputs[0])
    x = e.tensor(table)
    name = e.graph.node("Where", _missing(x, op.sentinel, e), e.graph.constant(op.fill), x.name)
    if x.element == "string":
        # once they are filled nothing is missing; another sentinel leaves the token what it was
        tokens: tuple[str | None, ...] = (None,) * x.width if op.sentinel is None else x.tokens
        return whole(Tensor(name=name, width=x.width, element="string", tokens=tokens))
    return whole(replace(x, name=name, float32=x.float32 and are_float32(op.fill)))


def emit_indicate(node: Node, op: Indicate, e: Emitter) -> Table:
    """1.0 where missing, else 0.0."""
    x = e.tensor(e.table(node.inputs[0]))
    return e.flags(_missing(x, op.sentinel, e), x.width)


def _missing(x: Tensor, sentinel: float | str | None, e: Emitter) -> str:
    """`(rows, width) bool`: where x equals the sentinel."""
    if x.element != "string":
        if sentinel is None or sentinel != sentinel:
            return e.graph.node("IsNaN", x.name)
        return e.graph.node("Equal", x.name, e.graph.double(float(sentinel)))
    wanted = [token if sentinel is None else str(sentinel) for token in x.tokens]
    words = {word: k for k, word in enumerate(dict.fromkeys(word for word in wanted if word is not None))}
    keys = tuple(words) or ("",)
    attributes: dict[str, Attribute | Message] = {
        "keys_strings": keys,
        "values_int64s": np.arange(len(keys)),
        "default_int64": -1,
    }
    codes = e.graph.ml("LabelEncoder", 2, x.name, attributes)[0]
    numbers = np.array([NEVER if word is None else words[word] for word in wanted])
    return e.graph.node("Equal", codes, e.graph.constant(numbers))
