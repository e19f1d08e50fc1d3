"""Tiny Programs, written as Core ML models, and run beside themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.contract import EmitOptions, Input, Interface
from edgepack.ir import Node, Program
from edgepack.ir.ops import Op
from edgepack_coreml import target
from edgepack_coreml.proto import messages

ADVERSARIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 1e-45, -1e-45, 1e30, -1e30, 3.4028234663852886e38, float("nan")]
STRINGS = ["a", "b", "c", "é", "e\u0301", "日本", "", " ", "A", "nan", "None", None]

Chain = Sequence[tuple[str, Op, Sequence[str]]]


def make_program(
    inputs: Sequence[Input],
    chain: Chain,
    outputs: Mapping[str, str],
    classes: Sequence[Any] | None = None,
    input_dtype: Any = "float32",
) -> Program:
    """A Program of `(name, op, inputs)`; the step of each node is the op's own name."""
    nodes = tuple(Node(name=n, op=op, inputs=tuple(i), step=type(op).__name__) for n, op, i in chain)
    types = [node.op for node in nodes]
    interface = Interface(
        inputs=tuple(inputs),
        input_dtype=input_dtype,
        outputs=tuple(outputs),
        classes=None if classes is None else tuple(classes),
    )
    assert types
    program = Program(interface=interface, nodes=nodes, outputs=dict(outputs))
    if "value" not in outputs:
        return program
    width = program.types()[outputs["value"]].width
    return replace(program, interface=replace(interface, value_width=width))


def make_columns(program: Program, rows: int = 200, extra: Sequence[float] = ()) -> dict[str, Any]:
    """Random and adversarial rows; `extra` numbers come with their float32 neighbours."""
    rng = np.random.default_rng(7)
    near = np.array(extra, np.float32)
    with np.errstate(over="ignore"):
        beside = [near, np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))]
    special = np.concatenate([ADVERSARIAL, *(b.astype(np.float64) for b in beside), np.asarray(extra)])
    columns: dict[str, Any] = {}
    for i in program.interface.inputs:
        if i.kind == "string":
            columns[i.name] = rng.choice(np.array([*STRINGS, *(i.categories or ())], object), (rows, i.width))
        else:
            x = rng.normal(size=(rows, i.width)) * 2
            pick = rng.random(x.shape) < 0.5
            x[pick] = rng.choice(special, int(pick.sum()))
            columns[i.name] = x
    return columns


def saved(program: Program, into: Path, **options: Any) -> Any:
    """The path of the written model, after Apple's rules have been checked."""
    assert target.check(program) == []
    path = target.emit(program, into, EmitOptions(**options)).path
    validate(messages().Model.FromString(path.read_bytes()))
    assert target.lint(path, program.interface) == []
    return path


def validate(model: Any) -> None:
    """The rules of Core ML's own validator (mlmodel/src/Validation) that classic stages must keep."""
    kind = model.WhichOneof("Type")
    description = model.description
    assert model.specificationVersion == 1
    names = [f.name for f in [*description.input, *description.output]]
    assert all(names)
    types = {f.name: f.type.SerializeToString() for f in [*description.input, *description.output]}
    kinds_in = {f.type.WhichOneof("Type") for f in description.input}
    kinds_out = [f.type.WhichOneof("Type") for f in description.output]
    for f in description.input:
        if f.type.WhichOneof("Type") == "multiArrayType":
            assert len(f.type.multiArrayType.shape) == 1
    numbers = {"doubleType", "int64Type", "multiArrayType"}
    if kind in ("pipeline", "pipelineClassifier", "pipelineRegressor"):
        pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
        known = {f.name: f.type.SerializeToString() for f in description.input}
        made: set[str] = set()
        for stage in pipeline.models:
            validate(stage)
            for f in stage.description.input:
                assert known[f.name] == f.type.SerializeToString(), f.name
            for f in stage.description.output:
                assert f.name not in known, f"{f.name} is made twice"
                known[f.name] = f.type.SerializeToString()
                made.add(f.name)
        assert pipeline.models
        for f in description.output:
            assert f.name in made and known[f.name] == types[f.name]
        if kind == "pipelineRegressor":
            assert kinds_out == ["doubleType"]
    elif kind in ("glmRegressor", "supportVectorRegressor", "treeEnsembleRegressor"):
        assert kinds_in <= numbers and kinds_out == ["doubleType"]
        assert description.predictedFeatureName == description.output[0].name
    elif kind in ("glmClassifier", "treeEnsembleClassifier"):
        assert kinds_in <= numbers
        labels = getattr(model, kind).WhichOneof("ClassLabels")
        key = "stringType" if labels == "stringClassLabels" else "int64Type"
        assert kinds_out[0] == key and description.predictedFeatureName == description.output[0].name
        if len(kinds_out) == 2:
            dictionary = description.output[1].type.dictionaryType.WhichOneof("KeyType")
            assert dictionary == key.replace("Type", "KeyType")
            assert description.predictedProbabilitiesName == description.output[1].name
    elif kind == "scaler":
        assert len(description.input) == 1 and len({*types.values()}) == 1
    elif kind == "imputer":
        assert len(description.input) == 1 and len({*types.values()}) == 1
        assert model.imputer.WhichOneof("ImputedValue") and model.imputer.WhichOneof("ReplaceValue")
    elif kind == "oneHotEncoder":
        assert kinds_in <= {"stringType", "int64Type"} and kinds_out == ["multiArrayType"]
        encoder = model.oneHotEncoder
        categories = getattr(encoder, encoder.WhichOneof("CategoryType")).vector
        assert list(description.output[0].type.multiArrayType.shape) == [len(categories)]
    elif kind == "categoricalMapping":
        assert kinds_in == {"stringType"} and kinds_out == ["int64Type"]
    elif kind == "featureVectorizer":
        assert kinds_in <= numbers and kinds_out == ["multiArrayType"]
        widths = [c.inputDimensions for c in model.featureVectorizer.inputList]
        assert min(widths) > 0 and list(description.output[0].type.multiArrayType.shape) == [sum(widths)]
    elif kind == "arrayFeatureExtractor":
        assert kinds_in == {"multiArrayType"}
        assert kinds_out == ["multiArrayType"] or len(model.arrayFeatureExtractor.extractIndex) == 1
    elif kind == "normalizer":
        assert kinds_in == {"multiArrayType"} and kinds_out == ["multiArrayType"] and len({*types.values()}) == 1
    elif kind == "neuralNetwork":
        assert kinds_in == {"multiArrayType"} and kinds_out == ["multiArrayType"]
        assert model.neuralNetwork.layers[0].input == [description.input[0].name]
        assert model.neuralNetwork.layers[0].output == [description.output[0].name]
    else:
        raise AssertionError(f"unexpected stage {kind}")


@pytest.fixture
def program() -> Callable[..., Program]:
    """`make_program`."""
    return make_program


@pytest.fixture
def columns() -> Callable[..., dict[str, Any]]:
    """`make_columns`."""
    return make_columns


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    """Writes a Program as a model; the path."""
    return lambda program, **options: saved(program, tmp_path, **options)


@pytest.fixture
def agree(tmp_path: Path) -> Callable[..., list[str]]:
    """Runs a Program and its model over the same rows; fails where they differ by more than `tolerance`.

    Gives the kinds of the model's stages.
    """

    def agreed(
        program: Program, given: Mapping[str, Any] | None = None, tolerance: float = 0.0, extra: Sequence[float] = ()
    ) -> list[str]:
        path = saved(program, tmp_path)
        rows = make_columns(program, extra=extra) if given is None else given
        wanted = program.run(rows)
        answers = target.open(path, program.interface).run(rows)
        assert set(answers) == set(wanted)
        for name, expected in wanted.items():
            assert answers[name].shape == expected.shape, name
            if name == "label":
                np.testing.assert_array_equal(answers[name], expected)
            else:
                np.testing.assert_allclose(answers[name], expected, rtol=tolerance, atol=tolerance, err_msg=name)
        model = messages().Model.FromString(path.read_bytes())
        kind = model.WhichOneof("Type")
        if not kind.startswith("pipeline"):
            return [kind]
        pipeline = model.pipeline if kind == "pipeline" else getattr(model, kind).pipeline
        return [stage.WhichOneof("Type") for stage in pipeline.models]

    return agreed
