"""Functions of one number that numpy and SciPy know, composed of ops where no op says them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy import special

from edgepack.ir.ops import Clip, Impute, Sigmoid
from edgepack.ir.ops.elementwise import FUNCTIONS
from edgepack.lower import taught
from edgepack.lower.builder import Builder, Refused
from edgepack.lower.formula import affine, binary, elementwise, where
from edgepack.lower.normal import erf, erfc, ndtr, ndtri

Function = Callable[[str, Builder], str]


def meaning_of(function: Any, arguments: Mapping[str, Any] | None = None) -> Function:
    """What says a Python function of a value. Raises `Refused` for an unknown one, and for arguments not known here."""
    arguments = dict(arguments or {})
    name = name_of(function)
    if isinstance(function, partial) and not function.args:
        function, arguments = function.func, {**function.keywords, **arguments}
    if function is np.clip and arguments.keys() <= {"a_min", "a_max", "min", "max"}:
        return _clip(arguments)
    if function is np.nan_to_num and arguments.keys() <= {"nan"}:
        return partial(nan_to_num, **arguments)
    if function is np.round and arguments == {"decimals": 0}:
        arguments = {}
    known = next((lowering for of, lowering in COMPOSED.items() if of is function), None)
    if known is None and (said := taught.function(name_of(function), arguments)):
        return said
    if known is None:
        raise Refused(f"function {name}; use one of {_known_names()}, or teach edgepack (docs/extending.md)")
    if arguments:
        raise Refused(f"{name_of(function)} with the arguments {arguments!r}; use the function without arguments")
    return known


def name_of(function: Any) -> str:
    """A function's own name, with its module."""
    if isinstance(function, partial):
        return f"functools.partial of {name_of(function.func)}"
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", repr(function))
    return f"{module}.{name}" if module else name


def _clip(arguments: Mapping[str, Any]) -> Function:
    given = [arguments.get(f"a_{end}", arguments.get(end)) for end in ("min", "max")]
    if not all(v is None or np.ndim(v) == 0 for v in given):
        raise Refused("numpy.clip to arrays; clip to two numbers")
    low, high = (end if v is None else float(v) for v, end in zip(given, (-math.inf, math.inf), strict=True))

    def clip(x: str, b: Builder) -> str:
        width = b.types[x].width
        return b.emit(Clip(low=np.full(width, low), high=np.full(width, high)), x)

    return clip


def _known_names() -> str:
    names = {of.__name__ for of in COMPOSED} | {"clip"}
    return "numpy's and scipy.special's " + ", ".join(sorted(names))


def logit(p: str, b: Builder) -> str:
    """`log(p / (1 − p))`, by `log1p` near ½."""
    far = elementwise("log", binary("divide", p, affine(p, b, factor=-1.0, offset=1.0), b), b)
    s = affine(affine(p, b, offset=-0.5), b, factor=2.0)
    near = binary("subtract", elementwise("log1p", s, b), elementwise("log1p", elementwise("negative", s, b), b), b)
    is_near = binary("greater", elementwise("absolute", s, b), 0.35, b)
    return where(is_near, far, near, b)


def log_expit(x: str, b: Builder) -> str:
    """`log(expit(x))`: `min(x, 0) − log1p(exp(−|x|))`."""
    tail = elementwise("exp", elementwise("negative", elementwise("absolute", x, b), b), b)
    return binary("subtract", binary("minimum", x, 0.0, b), elementwise("log1p", tail, b), b)


def sinh(x: str, b: Builder) -> str:
    """`(u + u / (u + 1)) / 2` of the magnitude, with `u = expm1(|x|)`."""
    u = elementwise("expm1", elementwise("absolute", x, b), b)
    shrunk = binary("divide", u, affine(u, b, offset=1.0), b)
    shrunk = where(binary("equal", u, math.inf, b), 1.0, shrunk, b)
    half = affine(binary("add", u, shrunk, b), b, factor=0.5)
    return binary("multiply", elementwise("sign", x, b), half, b)


def cosh(x: str, b: Builder) -> str:
    """`(eˣ + e⁻ˣ) / 2`."""
    both = binary("add", elementwise("exp", x, b), elementwise("exp", elementwise("negative", x, b), b), b)
    return affine(both, b, factor=0.5)


def arctanh(x: str, b: Builder) -> str:
    """`log1p(2x / (1 − x)) / 2`, of the magnitude."""
    size = elementwise("absolute", x, b)
    ratio = binary("divide", affine(size, b, factor=2.0), affine(size, b, factor=-1.0, offset=1.0), b)
    half = affine(elementwise("log1p", ratio, b), b, factor=0.5)
    return binary("multiply", elementwise("sign", x, b), half, b)


def nan_to_num(x: str, b: Builder, nan: float = 0.0) -> str:
    """NaN replaced, ±inf by the largest numbers."""
    width, largest = b.types[x].width, np.finfo(np.float64).max
    filled = b.emit(Impute(fill=np.full(width, float(nan)), sentinel=math.nan), x)
    return b.emit(Clip(low=np.full(width, -largest), high=np.full(width, largest)), filled)


def _factor(number: float) -> Function:
    return lambda x, b: affine(x, b, factor=number)


def _named(name: str) -> Function:
    return lambda x, b: elementwise(name, x, b)


COMPOSED: Mapping[Any, Function] = MappingProxyType(
    {
        np.arctanh: arctanh,
        np.cosh: cosh,
        np.deg2rad: _factor(math.pi / 180),
        np.degrees: _factor(180 / math.pi),
        np.fabs: _named("absolute"),
        np.nan_to_num: nan_to_num,
        np.positive: lambda x, _: x,
        np.rad2deg: _factor(180 / math.pi),
        np.radians: _factor(math.pi / 180),
        np.round: _named("rint"),
        np.sinh: sinh,
        special.cbrt: _named("cbrt"),
        special.erf: erf,
        special.erfc: erfc,
        special.exp2: _named("exp2"),
        special.expit: lambda x, b: b.emit(Sigmoid(), x),
        special.expm1: _named("expm1"),
        special.log1p: _named("log1p"),
        special.log_expit: log_expit,
        special.logit: logit,
        special.ndtr: ndtr,
        special.ndtri: ndtri,
        **{function: _named(name) for name, function in FUNCTIONS.items()},
    }
)
"""By the function itself: what says the same of a value."""
