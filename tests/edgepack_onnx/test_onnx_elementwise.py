"""numpy's functions in float64: how far the composed ones are off."""

from typing import Any

import numpy as np
import pytest

from edgepack.ir.ops import Elementwise
from edgepack.ir.ops.elementwise import FUNCTIONS
from edgepack_onnx import elementwise

EXACT = {"absolute", "ceil", "floor", "negative", "reciprocal", "rint", "sign", "sqrt", "square", "trunc"}
ULPS = {
    "arcsinh": 4,
    "arctan": 3,
    "cbrt": 3,
    "exp": 2,
    "exp2": 1,
    "expm1": 5,
    "log": 1,
    "log10": 3,
    "log1p": 3,
    "log2": 2,
}
"""Measured in ONNX Runtime 1.32; the functions not named here are judged absolutely."""
ABSOLUTE = {"cos": 1e-15, "sin": 5e-16, "tanh": 4e-16}

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 5e-324, -5e-324, 1e-310, 1e-20, -1e-16, 1e-8, -1e-3, np.nan]
FAR = [1e15, -1e15, 1e16, 1e100, -1e100, 1e155, -1e155, 1e200, 1e300, -1e300, np.inf, -np.inf, 36.9, 37.1, -37.5, 710.0]


def test_every_function_of_the_program_is_known() -> None:
    assert set(elementwise.FUNCTIONS) == set(FUNCTIONS) == EXACT | set(ULPS) | set(ABSOLUTE)


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_is_as_near_to_numpy_as_it_says(function: str, one_op: Any, answers: Any, same: Any) -> None:
    rng = np.random.default_rng(0)
    far = [] if function in ABSOLUTE else FAR  # nobody needs the sine of 1e300; tanh has nothing there
    spread = rng.choice([-1, 1], 2000) * 10 ** rng.uniform(-12, 6 if function in ABSOLUTE else 200, 2000)
    x = np.concatenate([SPECIAL, far, rng.normal(size=1000), spread])[:, None]
    if function in ("sin", "cos"):
        x = np.clip(x, -1e4, 1e4)
    program = one_op(Elementwise(function=function), input_dtype="float64")
    if function not in ABSOLUTE:
        return same(program, {"x": x}, ulps=ULPS.get(function, 0))
    given, expected = answers(program, {"x": x})["value"], program.run({"x": x})["value"]
    return np.testing.assert_allclose(given, expected, rtol=0, atol=ABSOLUTE[function])


@pytest.mark.parametrize("function", ["arctan", "log1p", "cbrt"])
def test_composed_functions_run_on_a_table(function: str, one_op: Any, same: Any, rows: Any) -> None:
    same(one_op(Elementwise(function=function), 4), rows(4), ulps=ULPS[function])
