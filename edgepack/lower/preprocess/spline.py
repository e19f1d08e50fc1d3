"""B-splines as polynomials per interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from edgepack.ir.ops import Affine, Constant, Indicate, Piecewise, Select
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import binary, where

Curve = tuple[Floats, Floats, Floats]


def spline_transformer(est: Any, table: Table, b: Builder) -> Table:
    """Every basis function of every column: its Taylor polynomial at the start of each interval between knots."""
    if _fills_from_the_batch(est):
        raise Refused(
            "missing numbers, which scikit-learn fills from the other rows with sparse_output=True and "
            f"extrapolation={est.extrapolation!r}; set sparse_output=False"
        )
    given = b.doubles(table)
    x = _within_period(given, est, b) if est.extrapolation == "periodic" else given
    edges, origin, coef = (tuple(part) for part in zip(*_curves(est), strict=True))
    values = b.emit(Piecewise(edges=edges, right=True, origin=origin, coef=coef), x)
    splines = coef[0].shape[1]
    if est.handle_missing == "zeros":
        is_missing = b.emit(Indicate(sentinel=math.nan), given)
        values = where(b.emit(Select(columns=np.repeat(np.arange(len(table)), splines)), is_missing), 0.0, values, b)
    if not est.include_bias:
        kept = [j for j in range(b.types[values].width) if (j + 1) % splines]
        values = b.emit(Select(columns=np.array(kept, np.int64)), values)
    return b.table(values, sparse=est.sparse_output)


def _fills_from_the_batch(est: Any) -> bool:
    """Whether missing numbers of all columns but the first keep what they were replaced with, the batch's smallest."""
    if not (est.sparse_output and est.handle_missing == "zeros") or est.extrapolation in ("constant", "linear"):
        return False
    return est.n_features_in_ > 1


def _within_period(x: str, est: Any, b: Builder) -> str:
    """`first + (x − first) % period`, with the remainder's sign as Python has it; 0 where the period is 0."""
    first = np.array([s.t[s.k] for s in est.bsplines_])
    period = np.array([s.t[s.t.size - s.k - 1] for s in est.bsplines_]) - first
    row = b.emit(Constant(row=period), x)
    rest = binary("fmod", b.emit(Affine(center=first), x), row, b)
    rest = where(binary("greater", b.emit(Constant(row=np.zeros(1)), x), rest, b), binary("add", rest, row, b), rest, b)
    inside = b.emit(Affine(offset=first), rest)
    return where(row, inside, 0.0, b) if np.any(period == 0) else inside


def _curves(est: Any) -> Iterator[Curve]:
    """Each column's edges, origins and coefficients."""
    degree = est.degree
    for spline in est.bsplines_:
        if est.extrapolation in ("continue", "periodic"):
            yield _from_below(spline, *_pieces(spline, spline.t[spline.k], spline.t[-spline.k - 1], est.degree))
            continue
        first, last = spline.t[degree], spline.t[-degree - 1]
        edges, origin, coef = _pieces(spline, first, last, max(est.degree, 1))
        beyond = np.full((2, *coef.shape[1:]), np.nan)
        if est.extrapolation == "constant":
            beyond = _flat(spline, first, last, beyond.shape)
        elif est.extrapolation == "linear":
            if degree <= 1:  # as in scikit-learn, whose next columns then end one knot further inside
                degree += 1
            beyond = _straight(spline, first, last, beyond.shape, degree)
        yield (
            np.array([first, *edges, np.nextafter(last, np.inf)]),
            np.array([first, *origin, last]),
            np.concatenate([beyond[:1], coef, beyond[1:]]),
        )


def _pieces(spline: Any, first: float, last: float, degree: int) -> Curve:
    """The polynomials between the knots from `first` to `last`: those at the ends go on."""
    inner = spline.t[spline.k + 1 : spline.t.size - spline.k - 1]
    inner = inner[(inner > first) & (inner <= last)]
    starts = np.array([first, *inner])
    derivatives = [spline(starts, nu=d) / math.factorial(d) for d in range(spline.k + 1)]
    coef = np.stack([*derivatives, *[np.zeros_like(derivatives[0])] * (degree - spline.k)], axis=2)
    return inner, starts, coef


def _from_below(spline: Any, edges: Floats, origin: Floats, coef: Floats) -> Curve:
    """With a piece below the first knot, where that is one of several: scikit-learn goes on from between those."""
    first = origin[0]
    if spline.t[spline.k + 1] > first:
        return edges, origin, coef
    start = np.nextafter([first], -np.inf)
    below = np.stack([spline(start, nu=d) / math.factorial(d) for d in range(coef.shape[2])], axis=2)
    return np.array([first, *edges]), np.array([first, *origin]), np.concatenate([below, coef])


def _flat(spline: Any, first: float, last: float, shape: tuple[int, ...]) -> Floats:
    """Constants below the first knot and above the last."""
    beyond = np.zeros(shape)
    beyond[0, : spline.k, 0] = spline(first)[: spline.k]
    beyond[1, -spline.k :, 0] = spline(last)[-spline.k :]
    return beyond


def _straight(spline: Any, first: float, last: float, shape: tuple[int, ...], count: int) -> Floats:
    """Tangents below the first knot and above the last, of the `count` splines at either end."""
    beyond = np.zeros(shape)
    for power in (0, 1):
        beyond[0, :count, power] = spline(first, nu=power)[:count]
        beyond[1, -count:, power] = spline(last, nu=power)[-count:]
    return beyond
