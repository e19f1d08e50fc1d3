"""Activations: functions of each number with constants, and softmax."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import erf

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.mil.elementwise import unary
from edgepack_coreml.evaluate.mil.op import FLOATS, Const, Op
from edgepack_coreml.evaluate.mil.tensor import Tensor
from edgepack_coreml.evaluate.values import Unknown


def single(function: Callable[..., Array]) -> Callable[..., Array]:
    """Half precision computes in single and rounds once."""
    return lambda x, *constants: function(np.asarray(x, np.float32), *(np.float32(c) for c in constants))


def one(function: Callable[..., Array]) -> Op:
    """A function with the constant `alpha`."""
    f = single(function)

    def run(x: Tensor, alpha: Const) -> Tensor:
        return Tensor(f(x.data, alpha.data).astype(x.data.dtype), x.rows)

    return Op(run=run, dtypes=FLOATS)


def two(function: Callable[..., Array]) -> Op:
    """A function with the constants `alpha` and `beta`."""
    f = single(function)

    def run(x: Tensor, alpha: Const, beta: Const) -> Tensor:
        return Tensor(f(x.data, alpha.data, beta.data).astype(x.data.dtype), x.rows)

    return Op(run=run, dtypes=FLOATS)


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(−x))`; exp overflows to ∞, which gives 0."""
    return np.asarray(1 / (1 + np.exp(-x)))


def softplus(x: Array) -> Array:
    """`log(1 + exp(x))` without overflow."""
    return np.asarray(np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0))


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """`exp(x − max) / Σ exp(x − max)` along an axis."""
    along = x.axis(axis)
    e = np.exp(x.data.astype(np.float32) - x.data.max(axis=along, keepdims=True).astype(np.float32))
    return Tensor((e / e.sum(axis=along, keepdims=True)).astype(x.data.dtype), x.rows)


def gelu(x: Tensor, mode: str = "EXACT") -> Tensor:
    """`x · Φ(x)`, or one of its two approximations."""
    if mode not in GELU:
        raise Unknown(f"mode {mode!r}; knows {', '.join(GELU)}")
    return Tensor(single(GELU[mode])(x.data).astype(x.data.dtype), x.rows)


GELU: Mapping[str, Callable[[Any], Array]] = {
    "EXACT": lambda x: 0.5 * x * (1 + erf(x / np.float32(np.sqrt(2)))),
    "SIGMOID_APPROXIMATION": lambda x: x * sigmoid(np.float32(1.702) * x),
    "TANH_APPROXIMATION": lambda x: 0.5 * x * (1 + np.tanh(np.float32(np.sqrt(2 / np.pi)) * (x + 0.044715 * x**3))),
}
OPS: Mapping[str, Op] = {
    "clamped_relu": two(lambda x, a, b: np.minimum(np.where(x >= 0, x, a * x), b)),
    "elu": one(lambda x, a: np.where(x > 0, x, a * np.expm1(x))),
    "gelu": Op(run=gelu, dtypes=FLOATS),
    "leaky_relu": one(lambda x, a: np.where(x >= 0, x, a * x)),
    "linear_activation": two(lambda x, a, b: a * x + b),
    "relu": unary(lambda x: np.maximum(x, 0)),
    "relu6": unary(lambda x: np.minimum(np.maximum(x, 0), 6)),
    "scaled_tanh": two(lambda x, a, b: a * np.tanh(b * x)),
    "sigmoid": unary(single(sigmoid)),
    "sigmoid_hard": two(lambda x, a, b: np.minimum(np.maximum(a * x + b, 0), 1)),
    "silu": unary(single(lambda x: x * sigmoid(x))),
    "softmax": Op(run=softmax, dtypes=FLOATS),
    "softplus": unary(single(softplus)),
    "softsign": unary(single(lambda x: x / (1 + np.abs(x)))),
    "thresholded_relu": one(lambda x, a: np.where(x >= a, x, 0)),
}
