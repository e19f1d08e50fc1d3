"""Operations on each number by itself, or on two that stand in the same place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import erf

from edgepack.ir.types import Array
from edgepack_coreml.evaluate.mil.op import ANY, BOOL, FLOATS, NUMBERS, SMALL, Const, Op
from edgepack_coreml.evaluate.mil.tensor import Tensor, aligned
from edgepack_coreml.evaluate.values import Unknown

CASTS = {"bool": "bool", "fp16": "float16", "fp32": "float32", "int32": "int32"}
SMALL_CASTS = {name: name for name in sorted(SMALL)}
UNDEFINED = np.iinfo(np.int32).min


def unary(function: Callable[[Array], Array], dtypes: frozenset[str] = FLOATS) -> Op:
    """A function of one tensor, in its own type."""

    def run(x: Tensor) -> Tensor:
        return Tensor(np.asarray(function(x.data), x.data.dtype), x.rows)

    return Op(run=run, dtypes=dtypes)


def binary(function: Callable[..., Any], dtypes: frozenset[str] = NUMBERS) -> Op:
    """A function of two tensors that broadcast as numpy's do."""

    def run(x: Tensor, y: Tensor) -> Tensor:
        arrays, rows = aligned(x, y)
        return Tensor(np.asarray(function(*arrays)), rows)

    return Op(run=run, dtypes=dtypes)


def whole(function: Callable[..., Any]) -> Callable[[Array, Array], Array]:
    """A division that refuses whole numbers divided by zero, which MIL does not define."""

    def divide(x: Array, y: Array) -> Array:
        if y.dtype.kind == "i" and np.any(y == 0):
            raise Unknown("divides a whole number by zero")
        return np.asarray(function(x, y))

    return divide


def power(x: Array, y: Array) -> Array:
    """`x ^ y`; whole numbers to a negative power are not defined."""
    if y.dtype.kind == "i" and np.any(y < 0):
        raise Unknown("a whole number to a negative power")
    return np.asarray(np.power(x, y))


def widely(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A function that no single precision library has: in doubles, rounded once."""
    return lambda x: function(x.astype(np.float64))


def cast(x: Tensor, dtype: str, ios: int) -> Tensor:
    """Towards zero from numbers to whole ones; true is what is not 0.

    NaN and numbers that the whole type does not have are not defined: they become −2³¹, which no `gather` accepts.
    """
    names = {**CASTS, **SMALL_CASTS} if ios >= 17 else CASTS
    if dtype not in names:
        raise Unknown(f"casts to {dtype!r}; knows {', '.join(names)}")
    kind = np.dtype(names[dtype])
    if kind.kind not in "iu" or x.data.dtype.kind == "b":
        return Tensor(x.data.astype(kind), x.rows)
    limits = np.iinfo(kind)
    wide = np.trunc(x.data.astype(np.float64))
    known = (wide >= limits.min) & (wide <= limits.max)
    if kind != np.int32 and not known.all():
        raise Unknown(f"casts a number to {dtype} that it does not have")
    return Tensor(np.where(known, wide, UNDEFINED).astype(kind), x.rows)


def select(cond: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """`a` where the condition holds, else `b`."""
    (condition, yes, no), rows = aligned(cond, a, b)
    return Tensor(np.where(condition, yes, no), rows)


def clip(x: Tensor, alpha: Const, beta: Const, ios: int) -> Tensor:
    """Between two numbers; NaN stays."""
    if ios >= 17 and not alpha.data < beta.data:
        raise Unknown(f"clips between {alpha.data} and {beta.data}; from iOS 17 on the first is smaller")
    return Tensor(np.minimum(np.maximum(x.data, alpha.data), beta.data), x.rows)


def threshold(x: Tensor, alpha: Const) -> Tensor:
    """Not below a number."""
    return Tensor(np.maximum(x.data, alpha.data), x.rows)


def nudged(function: Callable[[Array], Array], default: float) -> Op:
    """A function of `x + epsilon`, the sum in `x`'s type."""

    def run(x: Tensor, epsilon: Const | None = None) -> Tensor:
        nudge = x.data.dtype.type(default if epsilon is None else epsilon.data)
        return Tensor(np.asarray(function(x.data + nudge), x.data.dtype), x.rows)

    return Op(run=run, dtypes=FLOATS)


def identity(x: Tensor) -> Tensor:
    """Itself."""
    return x


COMPARISONS = {
    "equal": np.equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "not_equal": np.not_equal,
}
SIMPLE: Mapping[str, Callable[[Array], Array]] = {
    "acos": np.arccos, "asin": np.arcsin, "atan": np.arctan, "atanh": np.arctanh, "ceil": np.ceil, "cos": np.cos,
    "cosh": np.cosh, "erf": widely(erf), "exp": np.exp, "floor": np.floor, "round": np.rint, "sin": np.sin,
    "sinh": np.sinh, "sqrt": np.sqrt, "tan": np.tan, "tanh": np.tanh,
}  # fmt: skip

OPS: Mapping[str, Op] = {
    **{name: unary(function) for name, function in SIMPLE.items()},
    **{name: binary(function) for name, function in COMPARISONS.items()},
    "abs": unary(np.abs, NUMBERS),
    "add": binary(np.add),
    "cast": Op(run=cast, dtypes=ANY, more={17: SMALL}),
    "clip": Op(run=clip, dtypes=FLOATS),
    "exp2": unary(np.exp2),
    "floor_div": binary(whole(np.floor_divide)),
    "identity": Op(run=identity, dtypes=ANY | SMALL),
    "inverse": nudged(np.reciprocal, 1e-4),
    "log": nudged(np.log, 1e-45),
    "logical_and": binary(np.logical_and, BOOL),
    "logical_not": unary(np.logical_not, BOOL),
    "logical_or": binary(np.logical_or, BOOL),
    "logical_xor": binary(np.logical_xor, BOOL),
    "maximum": binary(np.maximum),
    "minimum": binary(np.minimum),
    "mod": binary(whole(np.mod)),
    "mul": binary(np.multiply),
    "pow": binary(power),
    "real_div": binary(np.divide, FLOATS),
    "rsqrt": nudged(lambda x: 1 / np.sqrt(x), 1e-12),
    "select": Op(run=select, dtypes=ANY, apart={"cond": BOOL}),
    "sign": unary(np.sign, NUMBERS),
    "square": unary(np.square, NUMBERS),
    "sub": binary(np.subtract),
    "threshold": Op(run=threshold, dtypes=NUMBERS),
}
