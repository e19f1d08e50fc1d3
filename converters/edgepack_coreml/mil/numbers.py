"""Writers of ops that treat every number by itself."""

from __future__ import annotations

import math

import numpy as np

from edgepack.ir.ops import Affine, Clip, Elementwise, Impute, Indicate, Power, Single
from edgepack_coreml.mil.graph import Graph, Var
from edgepack_coreml.mil.rounding import halves, only_float32

LARGEST_SHIFT = 1e30
"""Up to which size of a number at which a line is 0 the line is written by it."""


def affine(g: Graph, op: Affine, x: Var) -> Var:
    """`(x − zero) · slope`, so that nothing cancels near the zero; a column without a slope adds its offset.

    A falling line is written `(−x + zero) · |slope|`: at its zero it is 0 as on the server, and never −0.
    """
    ones, zeros = np.ones(x.shape[0]), np.zeros(x.shape[0])
    center, offset = (zeros if part is None else part for part in (op.center, op.offset))
    with np.errstate(all="ignore"):
        slope = (ones if op.factor is None else op.factor) / (ones if op.divisor is None else op.divisor)
        zero = center - offset / slope
    has = np.abs(zero) < LARGEST_SHIFT
    sign = np.where(has & (slope < 0) & (offset != 0), -1.0, 1.0)
    x = g.mul(x=x, y=sign) if np.any(sign < 0) else x
    x = g.less_constant(x, sign * np.where(has, zero, center))
    if op.divisor is not None and op.factor is None:
        x = g.real_div(x=x, y=op.divisor * sign)
    elif op.factor is not None:
        x = g.mul(x=x, y=slope * sign)
    rest = np.where(has, 0.0, offset)
    return g.add(x=x, y=rest) if np.any(rest) else x


def clip(g: Graph, op: Clip, x: Var) -> Var:
    """By comparisons, which leave NaN as it is on every processor."""
    if np.any(op.high < np.inf):
        x = g.select(cond=g.greater(x=x, y=op.high), a=op.high, b=x)
    if np.any(op.low > -np.inf):
        x = g.select(cond=g.less(x=x, y=op.low), a=op.low, b=x)
    return x


def impute(g: Graph, op: Impute, x: Var) -> Var:
    """The fill where the sentinel is."""
    return g.select(cond=is_missing(g, x, op.sentinel), a=op.fill.astype(np.float64), b=x)


def indicate(g: Graph, op: Indicate, x: Var) -> Var:
    """1 where the sentinel is."""
    return g.number(is_missing(g, x, op.sentinel))


def is_missing(g: Graph, x: Var, sentinel: float | str | None) -> Var:
    """Where numbers are NaN, or another sentinel."""
    if sentinel is None or math.isnan(float(sentinel)):
        return g.not_equal(x=x, y=x)
    return g.equal(x=x, y=only_float32(np.full(1, float(sentinel))))


def power(g: Graph, op: Power, x: Var) -> Var:
    """`x ^ high`, and where the exponent has a second part, times `1 + low · ln x`."""
    high, low = halves(op.exponent)
    y = g.pow(x=x, y=high)
    if not np.any(low):
        return y
    inside = g.logical_and(x=g.greater(x=x, y=0.0), y=g.less(x=x, y=math.inf))
    logarithm = g.log(x=g.select(cond=inside, a=x, b=np.ones(1)), epsilon=0.0)
    return g.mul(x=y, y=g.add(x=g.mul(x=logarithm, y=low), y=1.0))


def elementwise(g: Graph, op: Elementwise, x: Var) -> Var:
    """numpy's functions, most of which MIL has."""
    one = np.ones(1)
    match op.function:
        case "absolute":
            return g.abs(x=x)
        case "arctan":
            return g.atan(x=x)
        case "ceil" | "cos" | "exp" | "exp2" | "floor" | "sign" | "sin" | "sqrt" | "square" | "tanh" as same:
            return getattr(g, same)(x=x)
        case "rint":
            return g.round(x=x)
        case "negative":
            return g.sub(x=0.0, y=x)
        case "reciprocal":
            return g.real_div(x=one, y=x)
        case "trunc":
            return g.select(cond=g.less(x=x, y=0.0), a=g.ceil(x=x), b=g.floor(x=x))
        case "log":
            return g.log(x=x, epsilon=0.0)
        case "log2":
            return g.mul(x=g.log(x=x, epsilon=0.0), y=1 / math.log(2.0))
        case "log10":
            return g.mul(x=g.log(x=x, epsilon=0.0), y=1 / math.log(10.0))
        case "log1p":
            return log1p(g, x)
        case "expm1":
            return g.mul(x=g.tanh(x=g.mul(x=x, y=0.5)), y=g.add(x=g.exp(x=x), y=1.0))
        case "arcsinh":
            return _arcsinh(g, x)
        case "cbrt":
            return _cbrt(g, x)
    raise NotImplementedError(op.function)


def single(g: Graph, op: Single, x: Var) -> Var:
    """The numbers, which are float32 already; of two parts, the upper one."""
    return x


def log1p(g: Graph, x: Var) -> Var:
    """`ln(u) · x / (u − 1)` for u = 1 + x: what u has lost of x is lost in its logarithm, too."""
    u = g.add(x=x, y=1.0)
    excess = g.sub(x=u, y=1.0)
    plain = g.logical_or(x=g.equal(x=excess, y=0.0), y=g.equal(x=u, y=math.inf))
    divided = g.real_div(x=x, y=g.select(cond=plain, a=np.ones(1), b=excess))
    logarithm = g.log(x=u, epsilon=0.0)
    return g.select(
        cond=g.equal(x=excess, y=0.0), a=x, b=g.select(cond=plain, a=logarithm, b=g.mul(x=logarithm, y=divided))
    )


def _arcsinh(g: Graph, x: Var) -> Var:
    """`±ln(1 + |x| + x² / (1 + √(x² + 1)))`; far out `±(ln |x| + ln 2)`."""
    size = g.abs(x=x)
    large = g.greater(x=size, y=1e9)
    inner = g.select(cond=large, a=np.ones(1), b=size)
    square = g.square(x=inner)
    ratio = g.real_div(x=square, y=g.add(x=g.sqrt(x=g.add(x=square, y=1.0)), y=1.0))
    far = g.add(x=g.log(x=g.select(cond=large, a=size, b=np.ones(1)), epsilon=0.0), y=math.log(2.0))
    return g.mul(x=g.sign(x=x), y=g.select(cond=large, a=far, b=log1p(g, g.add(x=inner, y=ratio))))


def _cbrt(g: Graph, x: Var) -> Var:
    """`|x|^⅓` and one step of Newton's, `y − (y − a / y²) / 3`; 0 and ∞ stay."""
    size = g.abs(x=x)
    plain = g.logical_or(x=g.equal(x=size, y=0.0), y=g.equal(x=size, y=math.inf))
    a = g.select(cond=plain, a=np.ones(1), b=size)
    y = g.pow(x=a, y=1 / 3)
    step = g.sub(x=y, y=g.real_div(x=g.real_div(x=a, y=y), y=y))
    root = g.sub(x=y, y=g.mul(x=step, y=1 / 3))
    return g.select(cond=plain, a=x, b=g.mul(x=g.sign(x=x), y=root))
