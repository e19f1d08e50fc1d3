"""MLflow's onnx flavour: the model passes through to the ONNX target."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from edgepack.compiler import Compiled, compile_model
from edgepack.contract import EmitOptions, Verdict
from edgepack.errors import SourceError, UnsupportedError
from edgepack.export import cases_for, check
from edgepack.parity import prove_files, run_parity
from edgepack.source import load, resolve
from edgepack.source.onnx_file import OnnxModel
from edgepack.survey import survey
from edgepack.targets import find_target

mlflow = pytest.importorskip("mlflow")

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(40, 3)).astype(np.float32)
WEIGHTS = RNG.normal(size=(3, 400)).astype(np.float32)  # more than MLflow leaves inside the file
HEAD = RNG.normal(size=(400, 2)).astype(np.float32)


def network(*, dtype: int = TensorProto.FLOAT, width: int | None = 2, label: bool = False) -> Any:
    """A small network; with a label, the place of its larger output."""
    weights = [("w", WEIGHTS), ("h", HEAD)]
    numbers = np.float64 if dtype == TensorProto.DOUBLE else np.float32
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["b"])]
    nodes.append(helper.make_node("MatMul", ["b", "h"], ["scores"]))
    outputs = [helper.make_tensor_value_info("scores", dtype, ["rows", width])]
    if label:
        nodes.append(helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0))
        outputs.insert(0, helper.make_tensor_value_info("label", TensorProto.INT64, ["rows"]))
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", dtype, ["rows", 3])],
        outputs,
        [numpy_helper.from_array(value.astype(numbers), name) for name, value in weights],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def saved(model: Any, folder: Path) -> str:
    mlflow.onnx.save_model(model, str(folder / "m"), input_example=ROWS[:5], pip_requirements=[])
    return str(folder / "m")


def judged(compiled: Compiled, into: Path) -> Verdict:
    target = find_target("onnx")
    artifact = target.emit(compiled.program, into, EmitOptions())
    runners = {"onnx": target.open(artifact.path, compiled.program.interface)}
    verdicts = run_parity(compiled.server, runners, cases_for(compiled, rows=300), program=compiled.lowered)
    (verdict,) = prove_files(verdicts, compiled.lowered, compiled.server, {"onnx": (target, artifact.path)})
    assert artifact.notes == ("the ONNX model as it was logged",)
    return verdict


@pytest.mark.parametrize(
    ("how", "output", "width"),
    [
        ({}, None, 2),
        ({"dtype": TensorProto.DOUBLE}, None, 2),
        ({"label": True}, None, 1),
        ({"label": True}, "predict_proba", 2),
    ],
)
def test_it_answers_as_it_was_logged(tmp_path: Path, how: dict[str, Any], output: Any, width: int) -> None:
    compiled = compile_model(saved(network(**how), tmp_path), tmp_path, output=output)
    assert compiled.program.interface.value_width == width
    assert judged(compiled, tmp_path).status == "measured"
    session = onnxruntime.InferenceSession(network(**how).SerializeToString(), providers=["CPUExecutionProvider"])
    given = ROWS.astype(np.float64 if "dtype" in how else np.float32)
    wanted = session.run(["label" if how.get("label") and output is None else "scores"], {"x": given})[0]
    np.testing.assert_array_equal(compiled.program.run({"X": ROWS.astype(np.float64)})["value"], wanted)


def test_tensors_in_a_file_of_their_own_are_part_of_the_lineage(tmp_path: Path) -> None:
    path = Path(saved(network(), tmp_path))
    (beside,) = (file for file in path.iterdir() if file.name not in ("model.onnx",) and file.stat().st_size > 4_000)
    source = resolve(str(path), tmp_path)
    assert beside.name in source.lineage["artifacts"]["files"]
    content = bytearray(beside.read_bytes())
    content[10] ^= 1
    beside.write_bytes(bytes(content))
    with pytest.raises(SourceError, match="changed since its digest was taken"):
        load(source)


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/hostname", "nothing.bin"])
def test_no_file_outside_the_model_is_read(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(5_000))
    path = Path(saved(network(), tmp_path))
    model = onnx.load(path / "model.onnx", load_external_data=False)
    (entry,) = (e for e in model.graph.initializer[0].external_data if e.key == "location")
    entry.value = location
    (path / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(SourceError, match="which the model does not hold"):
        load(resolve(str(path), tmp_path))


def test_core_ml_refuses_it_by_name(tmp_path: Path) -> None:
    compiled = compile_model(saved(network(), tmp_path), tmp_path)
    with pytest.raises(UnsupportedError, match="coreml: OnnxModel: OnnxModel is known as an ONNX graph only"):
        check(compiled, [find_target("coreml")])


def test_a_check_calls_it_supported(tmp_path: Path) -> None:
    targets = [find_target("onnx"), find_target("coreml")]
    (step,) = survey(saved(network(), tmp_path), targets).steps
    assert step.status == {"onnx": "supported", "coreml": "unsupported"}


def test_a_changed_weight_is_found(tmp_path: Path) -> None:
    compiled = compile_model(saved(network(), tmp_path), tmp_path)
    other = onnx.load_model_from_string(compiled.estimator.model)
    other.graph.initializer[1].CopyFrom(numpy_helper.from_array(HEAD * np.float32(1.0001), "h"))
    server = OnnxModel(other.SerializeToString(), 3, {"predict": ("scores", 2)}, "float32")
    assert judged(replace(compiled, estimator=server), tmp_path).status == "failed"


def two_inputs() -> Any:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", 1]) for name in ("a", "b", "c")]
    graph = helper.make_graph([helper.make_node("Add", ["a", "b"], ["c"])], "sum", values[:2], values[2:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (two_inputs(), r"takes a, b; give it one input \(rows, columns\) of float32 or float64"),
        (network(width=None), "gives scores, no tensor of numbers of a fixed width"),
    ],
)
def test_what_is_no_table_in_and_numbers_out_is_refused(tmp_path: Path, model: Any, reason: str) -> None:
    mlflow.onnx.save_model(model, str(tmp_path / "m"), pip_requirements=[])
    with pytest.raises(SourceError, match=reason):
        load(resolve(str(tmp_path / "m"), tmp_path))


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    path = Path(saved(network(), tmp_path))
    (path / "model.onnx").write_bytes(b"nothing of the kind")
    with pytest.raises(SourceError, match="cannot be read") as caught:
        load(resolve(str(path), tmp_path))
    assert "\n" not in str(caught.value)
