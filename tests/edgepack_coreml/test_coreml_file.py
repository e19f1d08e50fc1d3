"""The written file: names, descriptions, metadata, and what coremltools makes of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.contract import EmitOptions, Input
from edgepack.ir.ops import Affine, Complement, Concat, Impute, Label, Linear, Lookup, Sigmoid, Step
from edgepack_coreml import target
from edgepack_coreml.proto import messages
from edgepack_coreml.save import file_name

Make = Callable[..., Any]
NAN = float("nan")


def read(path: Path) -> Any:
    return messages().Model.FromString(path.read_bytes())


@pytest.fixture
def mixed(program: Make) -> Any:
    """Two numbers and a string, by logistic regression."""
    lookup = Lookup(keys=np.array(["oslo", "rome"], object), table=np.array([[0.0], [1.0], [-1.0], [-1.0]]))
    chain = [
        ("n", Concat(), ["i0", "i2"]),
        ("f", Impute(fill=np.array([1.0, 2.0]), sentinel=NAN), ["n"]),
        ("a", Affine(center=np.ones(2), divisor=np.array([3.0, 7.0])), ["f"]),
        ("c", lookup, ["i1"]),
        ("x", Concat(), ["a", "c"]),
        ("s", Linear(coef=np.ones((1, 3)), intercept=np.zeros(1)), ["x"]),
        ("q", Sigmoid(), ["s"]),
        ("p", Complement(), ["q"]),
        ("k", Step(threshold=0.0, strict=True), ["s"]),
        ("l", Label(classes=np.array(["no", "yes"])), ["k"]),
    ]
    inputs = [
        Input(name="age", kind="number", accepts_missing=True),
        Input(name="city of birth", kind="string", categories=("oslo", "rome"), accepts_missing=True),
        Input(name="fare (USD)", kind="number"),
    ]
    return program(inputs, chain, {"label": "l", "probabilities": "p"}, classes=("no", "yes"))


def test_what_xcode_shows(mixed: Any, tmp_path: Path) -> None:
    options = EmitOptions(
        name="house-prices",
        metadata={"author": "A", "license": "MIT", "version": "3", "description": "Prices", "run": "r1"},
        descriptions={"age": "years", "label": "the answer"},
    )
    artifact = target.emit(mixed, tmp_path, options)
    assert artifact.path == tmp_path / "HousePrices.mlmodel"
    assert (artifact.target, artifact.min_runtime) == ("coreml", "iOS 11")
    assert artifact.format == "Core ML pipelineClassifier, specification 1"
    description = read(artifact.path).description
    assert [f.name for f in description.input] == ["age", "city of birth", "fare (USD)"]
    assert [f.name for f in description.output] == ["classLabel", "classProbability"]
    assert [f.type.WhichOneof("Type") for f in description.input] == ["doubleType", "stringType", "doubleType"]
    metadata = description.metadata
    shown = (metadata.author, metadata.license, metadata.versionString, metadata.shortDescription)
    assert shown == ("A", "MIT", "3", "Prices")
    assert metadata.userDefined["run"] == "r1" and "author" not in metadata.userDefined
    sentences = {f.name: f.shortDescription for f in [*description.input, *description.output]}
    assert sentences["age"] == "A number, float32; NaN when missing; years"
    assert sentences["classLabel"] == "The most likely class; the answer"
    assert all(sentences.values()) and "'<NA>' when missing" in sentences["city of birth"]
    inputs = json.loads(metadata.userDefined["edgepack.inputs"])
    assert [i["name"] for i in inputs] == ["age", "city of birth", "fare (USD)"]
    assert inputs[1]["missing_token"] == "<NA>" and inputs[1]["categories"] == ["oslo", "rome"]
    assert json.loads(metadata.userDefined["edgepack.classes"]) == ["no", "yes"]


def test_coremltools_loads_and_saves_the_same_model(mixed: Any, tmp_path: Path) -> None:
    """In a process of its own, for coremltools prints and takes seconds to import."""
    path = target.emit(mixed, tmp_path, EmitOptions()).path
    code = (
        "import sys; from edgepack_coreml.proto import messages; own = messages()\n"
        "import coremltools as ct; spec = ct.utils.load_spec(sys.argv[1]); assert type(spec) is own.Model\n"
        "ct.utils.save_spec(spec, sys.argv[2]); ct.models.MLModel(spec, skip_model_load=True)\n"
        "print(spec.WhichOneof('Type'))"
    )
    again = tmp_path / "again.mlmodel"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), str(again)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == "pipelineClassifier"
    assert read(again) == read(path)


def test_the_same_program_gives_the_same_bytes(mixed: Any, tmp_path: Path) -> None:
    options = EmitOptions(metadata={str(k): str(k) for k in range(20)})
    first = target.emit(mixed, tmp_path, options).path.read_bytes()
    assert target.emit(mixed, tmp_path, options).path.read_bytes() == first


def test_names_that_the_outputs_would_like_stay_the_inputs(agree: Make, program: Make) -> None:
    inputs = [Input(name=name, kind="number") for name in ("value", "numbers", "numbers_imputed")]
    chain = [
        ("n", Concat(), ["i0", "i1", "i2"]),
        ("f", Impute(fill=np.arange(3.0), sentinel=NAN), ["n"]),
        ("y", Linear(coef=np.arange(3.0)[None] + 1, intercept=np.zeros(1)), ["f"]),
    ]
    agree(program(inputs, chain, {"value": "y"}), tolerance=1e-14)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("house-prices", "HousePrices"),
        ("wine", "Wine"),
        ("already CamelCase", "AlreadyCamelCase"),
        ("größe_2", "Größe2"),
        ("3rd try", "Model3rdTry"),
        ("../..", "Model"),
    ],
)
def test_file_names(name: str, file: str) -> None:
    assert file_name(name) == file


def test_importing_the_target_imports_nothing_heavy() -> None:
    code = (
        "import sys, edgepack_coreml; assert edgepack_coreml.target.name == 'coreml'\n"
        "heavy = {'numpy', 'coremltools', 'google.protobuf', 'scipy', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_writing_needs_no_coremltools_import_and_says_so_without_the_extra() -> None:
    code = (
        "import sys; from edgepack_coreml import proto; proto.messages(); assert 'coremltools' not in sys.modules\n"
        "del sys.modules[proto.STAND_IN]; sys.path[:] = []; sys.path_importer_cache.clear()\n"
        "from edgepack.errors import UsageError\n"
        "try: proto.messages()\n"
        "except UsageError as error: assert 'edgepack[coreml]' in str(error)\n"
        "else: raise SystemExit('no error')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
