"""Functions of numbers: exponentials in double arithmetic, logarithms in a float32 layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgepack.contract import EmitOptions, Input
from edgepack.errors import EdgepackError
from edgepack.ir.ops import Concat, Elementwise, Linear, Lookup
from edgepack_coreml import target
from edgepack_coreml.evaluate import load
from edgepack_coreml.plan import plan
from edgepack_coreml.proto import messages

Make = Callable[..., Any]
X = Input(name="x", kind="number")
NAN = float("nan")


def rows(*numbers: float) -> dict[str, Any]:
    return {"x": np.array(numbers, np.float32).astype(np.float64)[:, None]}


@pytest.mark.parametrize("name", ["exp", "expm1", "exp2"])
def test_exponentials_hold_from_nothing_to_infinity(program: Make, save: Make, name: str) -> None:
    p = program([X], [("y", Elementwise(function=name), ["i0"])], {"value": "y"}, input_dtype="float64")
    dense = np.concatenate([np.linspace(-400, 709, 3001), np.linspace(-1, 1, 201), 250 + np.linspace(-1e-9, 1e-9, 21)])
    special = np.array([0.0, -0.0, 1e-300, np.inf, -np.inf, NAN, 1e300, -1e300, 800.0, -800.0, 1100.0, -1100.0])
    given = {"x": np.concatenate([dense, special])[:, None]}
    wanted = p.run(given)["value"]
    answers = target.open(save(p), p.interface).run(given)["value"]
    np.testing.assert_allclose(answers, wanted, rtol=3e-13, atol=1e-13)


def test_tanh(agree: Make, program: Make) -> None:
    p = program([X], [("y", Elementwise(function="tanh"), ["i0"])], {"value": "y"})
    agree(p, rows(0, 1e-20, 0.1, -3, 20, -400, 1e30, -np.inf, NAN), tolerance=3e-16)


def test_an_exponential_of_a_sum(agree: Make, program: Make) -> None:
    """What a regressor of log prices ends with."""
    chain = [
        ("s", Linear(coef=np.array([[0.5, -2.0]]), intercept=np.array([3.0])), ["i0"]),
        ("y", Elementwise(function="expm1"), ["s"]),
    ]
    x = np.random.default_rng(0).normal(size=(300, 2)) * 5
    p = program([Input(name="X", kind="number", width=2)], chain, {"value": "y"})
    stages = agree(p, {"X": x}, tolerance=3e-13)
    assert "neuralNetwork" not in stages


TOLERANCES = {"log": 1e-13, "log1p": 1e-13, "log2": 1e-13, "log10": 1e-13, "sqrt": 5e-7, "absolute": 5e-7}


@pytest.mark.parametrize("name", TOLERANCES)
def test_roots_are_float32_and_logarithms_corrected_to_double(agree: Make, program: Make, name: str) -> None:
    chain = [
        ("x", Concat(), ["i0", "i1"]),
        ("v", Elementwise(function=name), ["x"]),
        ("y", Linear(coef=np.array([[1.0, 3.0]]), intercept=np.array([0.5])), ["v"]),
    ]
    p = program([X, Input(name="z", kind="number")], chain, {"value": "y"})
    x = np.array([1.0, 0.5, 100.0, 1e-10, 12345.678, 1e30, np.inf, 0.0, -1.0, NAN])[:, None]
    with np.errstate(all="ignore"):
        assert "neuralNetwork" in agree(p, {"x": x, "z": np.ones_like(x)}, tolerance=TOLERANCES[name])


def test_functions_of_codes_need_no_stage(agree: Make, program: Make) -> None:
    lookup = Lookup(keys=np.array(["a", "b"], object), table=np.array([[1.0], [2.0], [0.0], [NAN]]))
    chain = [
        ("c", lookup, ["i0"]),
        ("v", Elementwise(function="log1p"), ["c"]),
        ("w", Elementwise(function="cbrt"), ["v"]),
        ("n", Elementwise(function="negative"), ["w"]),
        ("y", Linear(coef=np.ones((1, 1)), intercept=np.zeros(1)), ["n"]),
    ]
    p = program([Input(name="city", kind="string")], chain, {"value": "y"})
    assert agree(p, tolerance=1e-15) == ["categoricalMapping", "treeEnsembleRegressor", "glmRegressor"]


def test_the_note_says_what_is_float32(program: Make, tmp_path: Any) -> None:
    p = program([X], [("y", Elementwise(function="log1p"), ["i0"])], {"value": "y"})
    assert ".cpuOnly" in target.emit(p, tmp_path, EmitOptions()).notes[1]


@pytest.mark.parametrize("name", ["cos", "floor", "cbrt", "reciprocal", "arcsinh"])
def test_other_functions_are_refused_by_name(program: Make, name: str) -> None:
    (problem,) = plan(program([X], [("y", Elementwise(function=name), ["i0"])], {"value": "y"})).problems
    assert problem.reason == f"{name} has no Core ML stage"


def function(unary: Any) -> None:
    unary.type = 4


def epsilon(unary: Any) -> None:
    unary.epsilon = 0.1


def shift(unary: Any) -> None:
    unary.shift = 1.25


@pytest.mark.parametrize("change", [function, epsilon, shift], ids=lambda f: f.__name__)
def test_a_changed_layer_is_refused_or_noticed(program: Make, save: Make, change: Any) -> None:
    p = program([X], [("y", Elementwise(function="log1p"), ["i0"])], {"value": "y"})
    path, given = save(p), rows(1.0, 2.0)
    model = messages().Model.FromString(path.read_bytes())
    stages = model.pipelineRegressor.pipeline.models
    change(next(m for m in stages if m.WhichOneof("Type") == "neuralNetwork").neuralNetwork.layers[0].unary)
    path.write_bytes(model.SerializeToString())
    if change is not shift:
        with pytest.raises(EdgepackError, match=r"neuralNetwork|UnaryFunctionLayerParams"):
            load(path)
    else:
        answers = target.open(path, p.interface).run(given)["value"]
        assert not np.allclose(answers, p.run(given)["value"], rtol=1e-5)
