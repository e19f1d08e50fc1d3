"""Scalers in front of quantized weights: they take the weights' sizes, and float32 where nobody notices."""

from __future__ import annotations

import warnings
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from edgepack.contract import EmitOptions
from edgepack.ir import Program
from edgepack.ir.ops import Affine, Linear
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack.quantize import quantize
from edgepack.quantize.balance import balanced, followed, singles
from edgepack_onnx import target

R = np.random.default_rng(8)
PARAMETERS = ("center", "divisor", "factor", "offset")
ANY = [names for k in product([0, 1], repeat=4) if (names := [n for n, on in zip(PARAMETERS, k, strict=True) if on])]


@pytest.mark.parametrize("names", ANY, ids="+".join)
def test_a_scale_after_a_scaler_is_one_op_of_the_same_bits(names: list[str]) -> None:
    scaler = Affine(**{name: R.lognormal(0, 3, 6) for name in names})
    pair = balanced(Linear(coef=R.normal(size=(4, 6)) * np.logspace(-4, 4, 6), intercept=np.zeros(4)))
    assert pair is not None
    both = followed(scaler, pair[0])
    assert both is not None
    x = R.normal(size=(200, 6)) * 100
    np.testing.assert_array_equal(both.run(x), pair[0].run(scaler.run(x)))


@pytest.mark.parametrize("scaler", [Affine(divisor=np.full(1, 1e-300)), Affine(factor=np.full(1, 1e300))])
def test_a_scale_beyond_exponents_stays_an_op(scaler: Affine) -> None:
    assert followed(scaler, Affine(factor=np.full(1, 2.0**1000))) is None
    assert followed(scaler, Affine(factor=np.full(1, 4.0))) is not None


def test_a_mean_that_is_large_beside_its_deviation_stays_in_float64() -> None:
    center, divisor = np.array([1.1, 1.7e9 + 0.3]), np.array([0.3, 7.7])
    near, far = singles(Affine(center=center[:1], divisor=divisor[:1])), singles(Affine(center=center, divisor=divisor))
    assert near.center is not None
    assert near.center[0] == np.float32(1.1)
    assert far.center is center
    assert far.divisor is not None
    np.testing.assert_array_equal(far.divisor, divisor.astype(np.float32))


@pytest.mark.parametrize(("scaler", "method"), product([StandardScaler(), MinMaxScaler()], ["int8", "int4"]))
def test_no_second_scaler_appears(scaler: Any, method: Any) -> None:
    program = _network(scaler, (16,), np.logspace(-3, 3, 10))
    before, after = (sum(isinstance(node.op, Affine) for node in p.nodes) for p in (program, _by(program, method)))
    assert before == after == 1


def test_an_int8_network_has_at_most_27_hundredths_of_the_bytes_of_its_weights_in_float32(tmp_path: Path) -> None:
    program = _network(StandardScaler(), (256, 128), np.ones(64))
    numbers = sum(node.op.coef.size + node.op.intercept.size for node in program.nodes if isinstance(node.op, Linear))
    artifact = target.emit(_by(program, "int8"), tmp_path, EmitOptions(packs=True, precision="float32"))
    assert numbers == 50_432 + 394
    assert artifact.path.stat().st_size <= 0.27 * 4 * numbers


def _network(scaler: Any, layers: tuple[int, ...], sizes: Any) -> Program:
    x = (R.normal(size=(400, len(sizes))) * sizes).astype(np.float32).astype(np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = make_pipeline(scaler, MLPClassifier(layers, max_iter=3, random_state=0)).fit(x, np.arange(400) % 10)
    return optimize(lower(fitted, x[:5]), without=frozenset({"fold-linear"}))


def _by(program: Program, method: Any) -> Program:
    return quantize(program, method).program
