"""Constants that are stored small and unpacked in the graph are the very same numbers in ONNX Runtime."""

from __future__ import annotations

from itertools import product

import numpy as np
import onnx
import pytest
from onnxruntime import InferenceSession

from edgepack.ir.packing import scaled
from edgepack_onnx.graph import IR_VERSIONS, OPSET, Graph
from edgepack_onnx.proto import DOUBLE, value_info
from edgepack_onnx.wire import Message

R = np.random.default_rng(3)
TABLES = {
    "float16": R.normal(size=(40, 9)).astype(np.float16).astype(np.float64),
    "float16 with NaN and infinities": np.array([np.nan, np.inf, -np.inf, -0.0, 6e-8] * 20),
    "rows of int8": scaled(R.normal(size=(9, 64)) * np.logspace(-5, 5, 9)[:, None], 0).numbers,
    "columns of int8": scaled(R.normal(size=(64, 9)) * np.logspace(-5, 5, 9), 1).numbers,
    "float32": R.normal(size=(33, 7)).astype(np.float32).astype(np.float64),
    **{
        f"{colours} colours, {'×'.join(map(str, shape))}": R.choice(R.normal(size=colours), shape)
        for colours, shape in product([2, 3, 16, 17, 256], [(77,), (64, 3), (5, 5, 5)])
    },
}


@pytest.mark.parametrize("name", TABLES)
def test_a_packed_constant_is_the_same_and_smaller(name: str) -> None:
    table = TABLES[name]
    plain, packed = model(table, packs=False), model(table, packs=True)
    (answer,) = InferenceSession(packed).run(None, {"x": np.zeros(1)})
    assert answer.dtype == np.float64
    assert answer.shape == table.shape
    assert answer.tobytes() == (table + 0.0).tobytes()
    assert len(packed) <= len(plain)
    onnx.checker.check_model(packed)


@pytest.mark.parametrize("table", [R.normal(size=(30, 30)), np.zeros(9), np.arange(900)])
def test_other_constants_stay(table: np.ndarray) -> None:
    graph = Graph(packs=True)
    assert graph.constant(table) in graph.initializers
    assert not graph.nodes


def model(table: np.ndarray, *, packs: bool) -> bytes:
    """`x + table`, as a file."""
    graph = Graph(packs=packs)
    result = graph.node("Add", "x", graph.constant(table))
    outputs = {"y": value_info("y", DOUBLE, table.shape)}
    message = Message().integer(1, IR_VERSIONS[OPSET]).text(2, "edgepack")
    message.message(7, graph.finish("packed", [value_info("x", DOUBLE, (1,))], outputs, {"y": result}))
    return bytes(message.message(8, Message().text(1, "").integer(2, OPSET)))
