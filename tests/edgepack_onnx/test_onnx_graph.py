"""The graph builder."""

from typing import Any

import numpy as np
import onnx

from edgepack_onnx.graph import Graph
from edgepack_onnx.proto import DOUBLE, value_info


def finished(graph: Graph, named: dict[str, str]) -> Any:
    """The GraphProto, with every output a `(rows,)` double."""
    outputs = {name: value_info(name, DOUBLE, ("rows",)) for name in named}
    inputs = [value_info("x", DOUBLE, ("rows",))]
    return onnx.GraphProto.FromString(bytes(graph.finish("g", inputs, outputs, named)))


def test_outputs_rename_the_tensors_they_are() -> None:
    graph = Graph()
    made = graph.node("Neg", graph.node("Abs", "x"))
    written = finished(graph, {"value": made})
    assert [n.op_type for n in written.node] == ["Abs", "Neg"]
    assert list(written.node[1].output) == ["value"]


def test_what_no_output_needs_is_left_out() -> None:
    graph = Graph()
    graph.node("Add", "x", graph.double(7.0))
    made = graph.node("Mul", "x", graph.double(2.0))
    written = finished(graph, {"value": made})
    assert [n.op_type for n in written.node] == ["Mul"]
    assert len(written.initializer) == 1


def test_an_input_or_a_tensor_taken_twice_passes_through_an_identity() -> None:
    graph = Graph()
    made = graph.node("Abs", "x")
    written = finished(graph, {"a": made, "b": made, "c": "x"})
    assert [n.op_type for n in written.node] == ["Abs", "Identity", "Identity"]
    assert {tuple(n.output) for n in written.node} == {("a",), ("b",), ("c",)}
    assert list(written.node[1].input) == ["a"]


def test_equal_constants_are_stored_once_and_different_ones_apart() -> None:
    graph = Graph()
    assert graph.double(1.0) == graph.constant(np.array([1.0]))
    assert graph.double(0.0) != graph.double(-0.0)
    assert graph.constant(np.array([1])) != graph.constant(np.array([[1]]))
    assert graph.constant(np.array(["a", "b"], object)) != graph.constant(np.array(["ab"], object))


def test_nodes_that_old_runtimes_fuse_under_their_names_have_names_of_their_own() -> None:
    """ONNX Runtime 1.20 and 1.21 refuse two fusions of nameless nodes: "two nodes with same node name"."""
    graph = Graph()
    for axis in (0, 1):
        doubled = graph.node("Mul", "x", graph.double(2.0 + axis))
        parts = [graph.node("Gather", doubled, graph.constant(np.array([k])), axis=axis) for k in range(2)]
        total = graph.node("Add", *parts)
    made = graph.node("Slice", total, *[graph.constant(np.array([k])) for k in range(2)])
    names = [n.name for n in finished(graph, {"value": made}).node if n.op_type in ("Gather", "Slice")]
    assert len(set(names)) == 3 and all(names)


def test_the_highest_opset_asked_for_stays() -> None:
    graph = Graph()
    graph.require("ai.onnx.ml", 5)
    graph.require("ai.onnx.ml", 2)
    assert graph.opsets["ai.onnx.ml"] == 5
