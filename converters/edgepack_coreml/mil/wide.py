"""Numbers as sums of two float32 numbers, where one has too few digits for the answers: some 36 bits instead of 24.

Every product is one of two pieces of 12 bits, and so exact, whether or not a processor fuses it with the sum behind it.
Source: T. J. Dekker, A floating-point technique for extending the available precision, 1971; D. E. Knuth's two-sum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from edgepack.ir import ops
from edgepack.ir.packing import Scaled, packed
from edgepack.ir.types import Floats
from edgepack_coreml.mil import piecewise, tables
from edgepack_coreml.mil.graph import Graph, Var
from edgepack_coreml.mil.numbers import is_missing
from edgepack_coreml.mil.rounding import halves, rounded_down, single

SPLITTER = 4097.0
"""`2¹² + 1`: times a number, it carries the upper half of its digits beyond the lower."""
PIECE = 4096.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wide:
    """A vector as `high + low`, where `high` is what float32 makes of the sum; `low` is None where it is 0."""

    high: Var
    low: Var | None = None

    @property
    def width(self) -> int:
        """How many numbers."""
        return int(self.high.shape[0])


def affine(g: Graph, op: ops.Affine, x: Wide) -> Wide:
    """`(x − center) · factor / divisor + offset`."""
    if op.center is not None:
        x = _plus(g, x, _constant(-op.center))
    if op.factor is not None or op.divisor is not None:
        ones = np.ones(x.width)
        slope = (ones if op.factor is None else op.factor) / (ones if op.divisor is None else op.divisor)
        x = _scaled(g, x, slope)
    return x if op.offset is None else _plus(g, x, _constant(op.offset))


def binary(g: Graph, op: ops.Binary, x: Wide, y: Wide) -> Wide:
    """Sums, differences and products; all other functions are those of float32."""
    match op.function:
        case "add":
            return _plus(g, x, y)
        case "subtract":
            return _plus(g, x, _negative(g, y))
        case "multiply":
            return _product(g, x, y)
        case _:
            return Wide(high=tables.binary(g, op, x.high, y.high))


def linear(g: Graph, op: ops.Linear, x: Wide) -> Wide:
    """Weighted sums: the products of the upper pieces are added with what each sum loses, all others are small.

    Weights that are whole numbers times a number per row are summed as whole numbers, which have no lower piece.
    """
    form = packed(op.coef)
    whole = form if isinstance(form, Scaled) and form.axis == 0 else None
    weights = op.coef if whole is None else whole.codes.astype(np.float64)
    none = np.zeros(len(weights))
    (first, second), upper = _split(g, x.high), _twelve_bits(weights)
    table = g.const(val=upper)
    total, lost = _summed(g, g.mul(x=g.row(first), y=table))
    small = second if x.low is None else g.add(x=second, y=x.low)
    lost = g.add(x=lost, y=g.linear(x=small, weight=table, bias=none))
    if np.any(lower := weights - upper):
        lost = g.add(x=lost, y=g.linear(x=x.high, weight=lower, bias=none))
    y = Wide(high=total, low=lost)
    return _plus(g, y if whole is None else _scaled(g, y, whole.scale.astype(np.float64)), _constant(op.intercept))


def total(g: Graph, op: ops.Sum, x: Wide, *others: Wide) -> Wide:
    """Tables added, left to right."""
    for other in others:
        x = _plus(g, x, other)
    return x


def concat(g: Graph, op: ops.Concat, *tables_: Wide) -> Wide:
    """Tables side by side."""
    if len(tables_) == 1:
        return tables_[0]
    high = g.concat(values=[x.high for x in tables_], axis=0)
    if all(x.low is None for x in tables_):
        return Wide(high=high)
    return Wide(high=high, low=g.concat(values=[_low(g, x) for x in tables_], axis=0))


def select(g: Graph, op: ops.Select, x: Wide) -> Wide:
    """Some columns."""
    return Wide(high=g.taken(x.high, op.columns), low=None if x.low is None else g.taken(x.low, op.columns))


def constant(g: Graph, op: ops.Constant) -> Wide:
    """A row, whatever the input."""
    high, low = halves(op.row)
    return Wide(high=g.const(val=high), low=g.const(val=low) if np.any(low) else None)


def impute(g: Graph, op: ops.Impute, x: Wide) -> Wide:
    """The fill where the sentinel is."""
    return _chosen(g, is_missing(g, x.high, op.sentinel), _constant(op.fill.astype(np.float64)), x)


def where(g: Graph, op: ops.Where, condition: Wide, a: Wide, b: Wide) -> Wide:
    """A choice, number by number."""
    width = max(x.width for x in (condition, a, b))
    flags = g.not_equal(x=g.wide(condition.high, width), y=0.0)
    return _chosen(g, flags, *(_tiled(g, x, width) for x in (a, b)))


def polynomials(g: Graph, op: ops.Piecewise, x: Wide) -> Wide:
    """As in float32, the interval by the upper part alone: where two of them meet, both give the same."""
    row = piecewise.intervals(g, op, x.high)
    t = _plus(g, x, _gathered(g, -np.concatenate(op.origin), row))
    t = Wide(high=g.column(t.high), low=None if t.low is None else g.column(t.low))
    coef = np.concatenate(op.coef)
    y = _gathered(g, coef[:, :, -1], row)
    for power in range(coef.shape[2] - 2, -1, -1):
        y = _plus(g, _product(g, y, t), _gathered(g, coef[:, :, power], row))
    high, low = (None if part is None else piecewise.flat(g, op, x.high, part) for part in (y.high, y.low))
    return Wide(high=high, low=low)


def sigmoid(g: Graph, op: ops.Sigmoid, x: Wide) -> Wide:
    """`p + p · (1 − p) · low` for `p` of the upper part."""
    p = g.sigmoid(x=x.high)
    if x.low is None:
        return Wide(high=p)
    return Wide(high=g.add(x=p, y=g.mul(x=g.mul(x=p, y=g.sub(x=1.0, y=p)), y=x.low)))


def softmax(g: Graph, op: ops.Softmax, x: Wide) -> Wide:
    """Of what the scores lie below the largest."""
    return Wide(high=g.softmax(x=_below_largest(g, x), axis=-1))


def argmax(g: Graph, op: ops.ArgMax, x: Wide) -> Wide:
    """The place of the largest."""
    return Wide(high=g.number(g.reduce_argmax(x=_below_largest(g, x), axis=0, keep_dims=True)))


def step(g: Graph, op: ops.Step, x: Wide) -> Wide:
    """0 up to a threshold, 1 beyond, from their difference."""
    apart = _plus(g, x, _constant(np.array([-op.threshold]))).high
    return Wide(high=g.number((g.greater if op.strict else g.greater_equal)(x=apart, y=rounded_down(np.zeros(1)))))


WRITERS: Mapping[type, Callable[..., Wide]] = {
    ops.Affine: affine,
    ops.ArgMax: argmax,
    ops.Binary: binary,
    ops.Concat: concat,
    ops.Constant: constant,
    ops.Impute: impute,
    ops.Linear: linear,
    ops.Piecewise: polynomials,
    ops.Select: select,
    ops.Sigmoid: sigmoid,
    ops.Softmax: softmax,
    ops.Step: step,
    ops.Sum: total,
    ops.Where: where,
}
"""For other ops the upper parts alone go on, as float32 has them."""


def _pieces(numbers: Floats) -> tuple[Floats, Floats, Floats]:
    """Two numbers of 12 bits and a float32 that add up to each number, but for a part in 2⁴⁸."""
    upper = _twelve_bits(numbers)
    lower = _twelve_bits(numbers - upper)
    return upper, lower, single(numbers - upper - lower).astype(np.float64)


def _twelve_bits(numbers: Floats) -> Floats:
    mantissa, exponent = np.frexp(numbers)
    return np.asarray(np.ldexp(np.rint(mantissa * PIECE), exponent - 12))


def _split(g: Graph, x: Var) -> tuple[Var, Var]:
    """Two numbers of 12 bits that add up to each float32."""
    carried = g.mul(x=x, y=SPLITTER)
    upper = g.sub(x=carried, y=g.sub(x=carried, y=x))
    return upper, g.sub(x=x, y=upper)


def _scaled(g: Graph, x: Wide, slope: Floats) -> Wide:
    (first, second), (upper, lower, rest) = _split(g, x.high), _pieces(slope)
    small = g.add(x=g.mul(x=first, y=lower), y=g.mul(x=second, y=upper))
    for part, factor in ((second, lower), (x.high, rest), (x.low, slope)):
        if part is not None:
            small = g.add(x=small, y=g.mul(x=part, y=factor))
    return _added(g, g.mul(x=first, y=upper), small)


def _product(g: Graph, x: Wide, y: Wide) -> Wide:
    (a, b), (c, d) = _split(g, x.high), _split(g, y.high)
    small = g.add(x=g.mul(x=a, y=d), y=g.mul(x=b, y=c))
    for part, factor in ((b, d), (x.low, y.high), (x.high, y.low)):
        if part is not None and factor is not None:
            small = g.add(x=small, y=g.mul(x=part, y=factor))
    return _added(g, g.mul(x=a, y=c), small)


def _two_sum(g: Graph, a: Var, b: Var) -> tuple[Var, Var]:
    """The sum in float32, and what it lost, exactly."""
    found = g.add(x=a, y=b)
    of_b = g.sub(x=found, y=a)
    return found, g.add(x=g.sub(x=a, y=g.sub(x=found, y=of_b)), y=g.sub(x=b, y=of_b))


def _added(g: Graph, a: Var, b: Var) -> Wide:
    high, low = _two_sum(g, a, b)
    return Wide(high=high, low=low)


def _plus(g: Graph, x: Wide, y: Wide) -> Wide:
    high, low = _two_sum(g, x.high, y.high)
    for part in (x.low, y.low):
        low = low if part is None else g.add(x=low, y=part)
    return _added(g, high, low)


def _summed(g: Graph, runs: Var) -> tuple[Var, Var]:
    """The sums of a matrix' rows, half of the columns added to the other half at a time, and what all of them lost."""
    losses = []
    while (width := int(runs.shape[1])) > 1:
        half = width // 2
        left, right = (_columns(g, runs, start, start + half) for start in (0, half))
        found, lost = _two_sum(g, left, right)
        losses.append(g.reduce_sum(x=lost, axes=[1], keep_dims=False))
        odd = [_columns(g, runs, 2 * half, width)] if width % 2 else []
        runs = g.concat(values=[found, *odd], axis=1) if odd else found
    total = g.squeeze(x=runs, axes=[1])
    lost = losses[0] if losses else g.sub(x=total, y=total)
    for other in losses[1:]:
        lost = g.add(x=lost, y=other)
    return total, lost


def _columns(g: Graph, x: Var, begin: int, end: int) -> Var:
    return g.slice_by_index(x=x, begin=[0, begin], end=[int(x.shape[0]), end])


def _below_largest(g: Graph, x: Wide) -> Var:
    apart = g.sub(x=x.high, y=g.reduce_max(x=x.high, axes=[0], keep_dims=True))
    return apart if x.low is None else g.add(x=apart, y=x.low)


def _chosen(g: Graph, flags: Var, a: Wide, b: Wide) -> Wide:
    high = g.select(cond=flags, a=a.high, b=b.high)
    if a.low is None and b.low is None:
        return Wide(high=high)
    return Wide(high=high, low=g.select(cond=flags, a=_low(g, a), b=_low(g, b)))


def _tiled(g: Graph, x: Wide, width: int) -> Wide:
    return Wide(high=g.wide(x.high, width), low=None if x.low is None else g.wide(x.low, width))


def _negative(g: Graph, x: Wide) -> Wide:
    return Wide(high=g.sub(x=0.0, y=x.high), low=None if x.low is None else g.sub(x=0.0, y=x.low))


def _constant(numbers: Floats) -> Wide:
    high, low = halves(numbers)
    return Wide(high=high, low=low if np.any(low) else None)


def _gathered(g: Graph, numbers: Floats, row: Var) -> Wide:
    """Rows of a table of constants."""
    high, low = (g.gather(x=part, indices=row, axis=0) if np.any(part) else None for part in halves(numbers))
    return Wide(high=g.gather(x=numbers, indices=row, axis=0) if high is None else high, low=low)


def _low(g: Graph, x: Wide) -> Var:
    return np.zeros(x.width) if x.low is None else x.low
