"""numpy's functions of one number in float64, composed where ONNX Runtime has no float64 kernel or a coarse one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from edgepack_onnx.graph import Graph
from edgepack_onnx.proto import DOUBLE, FLOAT

LOG_2, LOG_10 = math.log(2.0), math.log(10.0)


def _op(name: str) -> Callable[[Graph, str], str]:
    """A function that is an op."""
    return lambda g, x: g.node(name, x)


def _absolute_as(g: Graph, x: str, magnitude: str) -> str:
    """The magnitude with the sign of x."""
    return g.node("Mul", g.node("Sign", x), magnitude)


def _log1p(g: Graph, x: str) -> str:
    """`log(u) · (x / (u − 1))` with `u = 1 + x`: the rounding of u cancels (Goldberg 1991, theorem 4)."""
    one = g.double(1.0)
    u = g.node("Add", x, one)
    v = g.node("Sub", u, one)
    corrected = g.node("Mul", g.node("Log", u), g.node("Div", x, v))
    small = g.node("Where", g.node("Equal", v, g.double(0.0)), x, corrected)
    return g.node("Where", g.node("Equal", x, g.double(math.inf)), x, small)


def _expm1(g: Graph, x: str) -> str:
    """`(u − 1) · (x / log(u))` with `u = exp(x)`, by the same cancellation; `u − 1` itself where that is exact."""
    one = g.double(1.0)
    u = g.node("Exp", x)
    v = g.node("Sub", u, one)
    corrected = g.node("Mul", v, g.node("Div", x, g.node("Log", u)))
    small = g.node("Where", g.node("Equal", v, g.double(0.0)), x, corrected)
    return g.node("Where", g.node("Greater", g.node("Abs", x), g.double(38.0)), v, small)


def _cbrt(g: Graph, x: str) -> str:
    """`|x| ^ ⅓` and a Newton step, since ⅓ is not a float64; 0, ±1 and ±∞ are their own roots."""
    root = g.node("Pow", g.node("Abs", x), g.double(1.0 / 3.0))
    signed = _absolute_as(g, x, root)
    error = g.node("Sub", g.node("Div", x, g.node("Mul", signed, signed)), signed)
    better = g.node("Add", signed, g.node("Div", error, g.double(3.0)))
    return g.node("Where", g.node("Equal", x, signed), x, better)


def _asinh(g: Graph, x: str) -> str:
    """`log1p(a + a² / (1 + √(a² + 1)))` of the magnitude a; `log(a) + log 2` where a² overflows."""
    one, a = g.double(1.0), g.node("Abs", x)
    square = g.node("Mul", a, a)
    root = g.node("Add", one, g.node("Sqrt", g.node("Add", square, one)))
    usual = _log1p(g, g.node("Add", a, g.node("Div", square, root)))
    huge = g.node("Add", g.node("Log", a), g.double(LOG_2))
    return _absolute_as(g, x, g.node("Where", g.node("Greater", a, g.double(1e150)), huge, usual))


def _atan(g: Graph, x: str) -> str:
    """The float32 arctangent y of a = min(|x|, 1/|x|), plus (a − tan y) / (1 + a·tan y), where y is 1e-7 off."""
    one, magnitude = g.double(1.0), g.node("Abs", x)
    inverted = g.node("Greater", magnitude, one)
    a = g.node("Where", inverted, g.node("Reciprocal", magnitude), magnitude)
    y = g.node("Cast", g.node("Atan", g.node("Cast", a, to=FLOAT)), to=DOUBLE)
    tangent = g.node("Div", g.node("Sin", y), _cos(g, y))
    residue = g.node("Div", g.node("Sub", a, tangent), g.node("Add", one, g.node("Mul", a, tangent)))
    angle = g.node("Add", y, residue)
    return _absolute_as(g, x, g.node("Where", inverted, g.node("Sub", g.double(math.pi / 2), angle), angle))


def _cos(g: Graph, x: str) -> str:
    """`1 − 2 sin²(x / 2)`: Cos has a float64 kernel only in recent runtimes. Right to 1e-15, absolutely."""
    half = g.node("Sin", g.node("Mul", x, g.double(0.5)))
    return g.node("Sub", g.double(1.0), g.node("Mul", g.node("Mul", half, half), g.double(2.0)))


def _trunc(g: Graph, x: str) -> str:
    return _absolute_as(g, x, g.node("Floor", g.node("Abs", x)))


FUNCTIONS: Mapping[str, Callable[[Graph, str], str]] = MappingProxyType(
    {
        "absolute": _op("Abs"),
        "arcsinh": _asinh,
        "arctan": _atan,
        "cbrt": _cbrt,
        "ceil": _op("Ceil"),
        "cos": _cos,
        "exp": _op("Exp"),
        "exp2": lambda g, x: g.node("Pow", g.double(2.0), x),
        "expm1": _expm1,
        "floor": _op("Floor"),
        "log": _op("Log"),
        "log10": lambda g, x: g.node("Div", g.node("Log", x), g.double(LOG_10)),
        "log1p": _log1p,
        "log2": lambda g, x: g.node("Div", g.node("Log", x), g.double(LOG_2)),
        "negative": _op("Neg"),
        "reciprocal": _op("Reciprocal"),
        "rint": _op("Round"),
        "sign": _op("Sign"),
        "sin": _op("Sin"),
        "sqrt": _op("Sqrt"),
        "square": lambda g, x: g.node("Mul", x, x),
        "tanh": _op("Tanh"),
        "trunc": _trunc,
    }
)
"""How each function of `edgepack.ir.ops.elementwise.FUNCTIONS` is written."""
