"""The target itself: what it refuses, what the file says, what a runner is."""

import json
import subprocess
import sys
from typing import Any

import numpy as np
import onnx
import pytest

from edgepack.contract import EmitOptions, Input, Target
from edgepack.errors import UnsupportedError, UsageError
from edgepack.ir.ops import Affine, ArgMax, Concat, Impute, Label, Lookup, Select, Softmax
from edgepack_onnx import target


def classifier(make_program: Any, classes: Any = ("no", "yes")) -> Any:
    inputs = [
        Input(name="age", kind="number"),
        Input(name="city", kind="string", missing_token="∅", accepts_missing=True),
        Input(name="pixels", kind="number", width=3),
    ]
    return make_program(
        inputs,
        [
            ("v0", Lookup(keys=np.array(["Köln"], object), table=np.array([[1.0], [0.0], [2.0]])), ["i1"]),
            ("v1", Concat(), ["i0", "v0", "i2"]),
            ("v2", Select(columns=np.array([1, 4])), ["v1"]),
            ("v3", Softmax(), ["v2"]),
            ("v4", ArgMax(), ["v2"]),
            ("v5", Label(classes=np.array(classes)), ["v4"]),
        ],
        {"label": "v5", "probabilities": "v3"},
        classes=classes,
    )


def columns(rows: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {
        "age": rng.normal(size=(rows, 1)),
        "city": rng.choice(np.array(["Köln", "Rome", None], object), (rows, 1)),
        "pixels": rng.normal(size=(rows, 3)),
    }


def test_it_is_a_target() -> None:
    checked: Target = target
    assert checked.name == "onnx"


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, edgepack_onnx; print({'numpy', 'onnx', 'onnxruntime', 'sklearn'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_the_signature_is_numbers_and_strings_side_by_side(make_program: Any, emitted: Any) -> None:
    graph = emitted(classifier(make_program)).graph
    shapes = {
        v.name: (v.type.tensor_type.elem_type, [d.dim_param or d.dim_value for d in v.type.tensor_type.shape.dim])
        for v in (*graph.input, *graph.output)
    }
    assert shapes == {
        "numbers": (onnx.TensorProto.FLOAT, ["rows", 4]),
        "strings": (onnx.TensorProto.STRING, ["rows", 1]),
        "label": (onnx.TensorProto.STRING, ["rows"]),
        "probabilities": (onnx.TensorProto.DOUBLE, ["rows", 2]),
    }


def test_the_file_says_what_an_app_must_know(make_program: Any, tmp_path: Any) -> None:
    options = EmitOptions(
        name="house-prices",
        metadata={"run_id": "7"},
        descriptions={"age": "years", "label": "whether it sells"},
    )
    artifact = target.emit(classifier(make_program), tmp_path, options)
    model = onnx.load(artifact.path)
    metadata = {p.key: p.value for p in model.metadata_props}
    assert model.graph.name == "house-prices"
    assert model.producer_name == "edgepack"
    assert metadata["run_id"] == "7"
    assert json.loads(metadata["edgepack.inputs"]) == {
        "numbers": [{"name": "age", "width": 1}, {"name": "pixels", "width": 3}],
        "strings": [{"name": "city", "width": 1, "missing_token": "∅"}],
    }
    assert json.loads(metadata["edgepack.classes"]) == ["no", "yes"]
    assert model.graph.input[0].doc_string == "age: years; pixels (3 columns)"
    assert model.graph.output[0].doc_string == "whether it sells"
    assert artifact.target == "onnx"
    assert artifact.format == "ONNX opset 13, ai.onnx.ml 4, IR 7"
    assert artifact.min_runtime == "onnxruntime 1.17"


def test_equal_programs_give_equal_bytes(make_program: Any, tmp_path: Any) -> None:
    path = target.emit(classifier(make_program), tmp_path, EmitOptions()).path
    first = path.read_bytes()
    assert target.emit(classifier(make_program), tmp_path, EmitOptions()).path.read_bytes() == first


@pytest.mark.parametrize("rows", [0, 1, 3, 5000])
def test_a_runner_takes_any_number_of_rows(rows: int, make_program: Any, same: Any) -> None:
    same(classifier(make_program), columns(rows), ulps=4)


def test_a_runner_says_what_it_runs_in(make_program: Any, tmp_path: Any) -> None:
    import onnxruntime

    program = classifier(make_program)
    runner = target.open(target.emit(program, tmp_path, EmitOptions()).path, program.interface)
    name, version, machine = runner.runtime.split()
    assert (name, version) == ("onnxruntime", onnxruntime.__version__)
    assert machine


def test_a_file_that_is_no_model_is_refused_in_one_line(make_program: Any, tmp_path: Any) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(UsageError, match=r"does not load it") as error:
        target.open(path, classifier(make_program).interface)
    assert "\n" not in str(error.value)


class Unheard:
    """An op that no target knows."""

    def infer(self, *types: Any) -> Any:
        return types[0]

    def run(self, *values: Any) -> Any:
        return values[0]


def test_all_problems_are_told_at_once(make_program: Any) -> None:
    inputs = [
        Input(name="s", kind="string", missing_token="a", accepts_missing=True),
        Input(name="x", kind="number"),
    ]
    program = make_program(
        inputs,
        [
            ("v0", Lookup(keys=np.array(["a"], object), table=np.array([[1.0], [0.0], [2.0]])), ["i0"]),
            ("v1", Unheard(), ["i1"]),
            ("v2", Concat(), ["v0", "v1"]),
        ],
        {"value": "v2"},
        value_width=2,
    )
    assert [str(p) for p in target.check(program)] == [
        "Lookup: missing token 'a' is also a value of its own here; choose another missing_token",
        "Unheard: Unheard has no ONNX form; use another target",
    ]


@pytest.mark.parametrize(
    ("accepts_missing", "missing_row", "filled", "problems"),
    [(True, 2.0, False, 1), (False, 2.0, False, 0), (True, 1.0, False, 0), (True, 2.0, True, 0)],
)
def test_a_token_that_is_a_category_is_refused_only_where_it_matters(
    accepts_missing: bool, missing_row: float, filled: bool, problems: int, make_program: Any
) -> None:
    given = Input(name="s", kind="string", missing_token="a", accepts_missing=accepts_missing)
    chain: Any = [("f", Impute(fill=np.array(["b"], object), sentinel=None), ["i0"])] if filled else []
    table = np.array([[1.0], [0.0], [missing_row]])
    chain.append(("v0", Lookup(keys=np.array(["a"], object), table=table), ["f" if filled else "i0"]))
    assert len(target.check(make_program([given], chain, {"value": "v0"}))) == problems


def test_filling_another_sentinel_with_the_token_is_refused(make_program: Any, tmp_path: Any) -> None:
    given = Input(name="s", kind="string", missing_token="?", accepts_missing=True)
    chain = [
        ("v0", Impute(fill=np.array(["b"], object), sentinel="?"), ["i0"]),
        ("v1", Lookup(keys=np.array(["b"], object), table=np.array([[1.0], [0.0], [2.0]])), ["v0"]),
    ]
    program = make_program([given], chain, {"value": "v1"})
    with pytest.raises(UnsupportedError, match="missing token"):
        target.emit(program, tmp_path, EmitOptions())


@pytest.mark.parametrize(
    ("version", "words"), [("1.14", "1.15 and later"), ("one", "write it like 1.20"), ("2", "1.20")]
)
def test_runtimes_that_are_none_or_too_old_are_refused(
    version: str, words: str, make_program: Any, tmp_path: Any
) -> None:
    program = make_program([Input(name="x", kind="number")], [("v0", Affine(), ["i0"])], {"value": "v0"})
    with pytest.raises(UsageError, match=words):
        target.emit(program, tmp_path, EmitOptions(min_runtime=version))


@pytest.mark.parametrize("version", ["1.15", "1.20.1", "1.21", "2.0"])
def test_any_later_runtime_is_written_for(version: str, make_program: Any, tmp_path: Any) -> None:
    artifact = target.emit(classifier(make_program), tmp_path, EmitOptions(min_runtime=version))
    assert artifact.min_runtime == ("onnxruntime 1.15" if version == "1.15" else "onnxruntime 1.17")
