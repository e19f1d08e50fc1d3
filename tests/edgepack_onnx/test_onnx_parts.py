from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from sklearn.ensemble import RandomForestClassifier

from edgepack.compiler import compile_estimator
from edgepack.contract import EmitOptions
from edgepack_onnx.parts import parts, sections
from edgepack_onnx.target import OnnxTarget


def test_parts_are_bytes_of_the_file_itself(tmp_path: Path) -> None:
    r = np.random.default_rng(0)
    x = r.normal(size=(100, 4))
    model = RandomForestClassifier(30, random_state=0).fit(x, x[:, 0] + r.normal(size=100) > 0)
    path = OnnxTarget().emit(compile_estimator(model, x), tmp_path, EmitOptions()).path
    found = parts(path)
    assert 0.8 * path.stat().st_size < sum(found.values()) <= path.stat().st_size
    ops = {f"{node.op_type} operators" for node in onnx.load(path).graph.node}
    assert set(found) - {"constants"} == ops
    assert max(found, key=lambda name: found[name]).startswith("TreeEnsemble")
    by_section = {name: len(content) for name, content in sections(path).items()}
    assert by_section["trees"] == found["TreeEnsemble operators"]
    assert by_section["weights"] == found["constants"]
    assert by_section["tables"] == 0
    assert 0.98 * path.stat().st_size < sum(by_section.values()) <= path.stat().st_size


def test_parts_agree_with_onnx_where_onnx_wrote_the_file(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Relu", ["x"], ["y"])
    value = onnx.helper.make_tensor_value_info("x", 1, [1]), onnx.helper.make_tensor_value_info("y", 1, [1])
    tensor = onnx.numpy_helper.from_array(np.zeros(300, np.float32), "c")
    graph = onnx.helper.make_graph([node, node], "g", [value[0]], [value[1]], [tensor])
    onnx.save(onnx.helper.make_model(graph), tmp_path / "m.onnx")
    assert parts(tmp_path / "m.onnx") == {"Relu operators": 2 * node.ByteSize(), "constants": tensor.ByteSize()}
