"""The kernels of `sklearn.gaussian_process.kernels` between a row and fitted points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.gaussian_process import kernels

from edgepack.ir.ops import Affine, Binary, Distances, Linear, Power, Reduce, Sum
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder, Refused
from edgepack.lower.formula import affine, elementwise
from edgepack.lower.kernels import decay, kernel
from edgepack.lower.project.products import product


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """`Σ factor · value + constant`: kept apart, so that factors and sums join the weights that follow.

    Attributes:
        terms: values of one width, each with its factor.
    """

    terms: tuple[tuple[float, str], ...] = ()
    constant: float = 0.0

    def plus(self, other: Combination) -> Combination:
        """The sum."""
        return Combination(terms=self.terms + other.terms, constant=self.constant + other.constant)

    def times(self, factor: float) -> Combination:
        """A multiple."""
        return Combination(terms=tuple((f * factor, v) for f, v in self.terms), constant=self.constant * factor)

    def value(self, b: Builder) -> str:
        """One value; there must be a term."""
        parts = [value if factor == 1 else affine(value, b, factor=factor) for factor, value in self.terms]
        total = parts[0] if len(parts) == 1 else b.emit(Sum(), *parts)
        return affine(total, b, offset=self.constant) if self.constant else total

    def product(self, weights: Floats, b: Builder) -> str:
        """`combination @ weights.T`, for weights of `(outputs, points)`; there must be a term."""
        parts = [product(value, weights * factor, b) for factor, value in self.terms]
        total = parts[0] if len(parts) == 1 else b.emit(Sum(), *parts)
        return b.emit(Affine(offset=self.constant * weights.sum(axis=1)), total) if self.constant else total


def covariance(k: Any, points: Floats, x: str, b: Builder) -> Combination:
    """`kernel(rows, points)`; noise is none between a row and a point."""
    match k:
        case kernels.Sum():
            return covariance(k.k1, points, x, b).plus(covariance(k.k2, points, x, b))
        case kernels.Product():
            return _times(covariance(k.k1, points, x, b), covariance(k.k2, points, x, b), b)
        case kernels.Exponentiation():
            return _power(covariance(k.kernel, points, x, b), float(k.exponent), b)
        case kernels.ConstantKernel():
            return Combination(constant=float(k.constant_value))
        case kernels.WhiteKernel():
            return Combination()
    return Combination(terms=((1.0, _plain(k, points, x, b)),))


def variance(k: Any, x: str, b: Builder) -> Combination:
    """`kernel.diag(rows)`, one column."""
    match k:
        case kernels.Sum():
            return variance(k.k1, x, b).plus(variance(k.k2, x, b))
        case kernels.Product():
            return _times(variance(k.k1, x, b), variance(k.k2, x, b), b)
        case kernels.Exponentiation():
            return _power(variance(k.kernel, x, b), float(k.exponent), b)
        case kernels.ConstantKernel():
            return Combination(constant=float(k.constant_value))
        case kernels.WhiteKernel():
            return Combination(constant=float(k.noise_level))
        case kernels.DotProduct():
            size = b.emit(Reduce(function="sum"), elementwise("square", x, b))
            return Combination(terms=((1.0, size),), constant=float(k.sigma_0**2))
    if isinstance(k, kernels.NormalizedKernelMixin):
        return Combination(constant=1.0)
    raise _unknown(k)


def _plain(k: Any, points: Floats, x: str, b: Builder) -> str:
    """A kernel that is no combination of others, one column per point."""
    match k:
        case kernels.Matern():
            return _matern(float(k.nu), _distances("euclidean", points, x, b, k.length_scale), b)
        case kernels.RBF():
            return decay(_distances("sqeuclidean", points, x, b, k.length_scale), 0.5, b)
        case kernels.RationalQuadratic():
            scale = 2 * k.alpha * k.length_scale**2
            base = affine(_distances("sqeuclidean", points, x, b), b, factor=1 / scale, offset=1.0)
            return b.emit(Power(exponent=np.full(len(points), -float(k.alpha))), base)
        case kernels.ExpSineSquared():
            angle = affine(_distances("euclidean", points, x, b), b, factor=math.pi / k.periodicity)
            wave = affine(elementwise("sin", angle, b), b, factor=1 / k.length_scale)
            return decay(elementwise("square", wave, b), 2.0, b)
        case kernels.DotProduct():
            return b.emit(Linear(coef=points, intercept=np.full(len(points), float(k.sigma_0**2))), x)
        case kernels.PairwiseKernel():
            params = {"gamma": k.gamma, **(k.pairwise_kernels_kwargs or {})}
            return b.doubles(kernel(k.metric, points, params, b.table(x), b))
    raise _unknown(k)


def _matern(nu: float, distances: str, b: Builder) -> str:
    if nu == 0.5:
        return decay(distances, 1.0, b)
    if nu == math.inf:
        return decay(elementwise("square", distances, b), 0.5, b)
    if nu not in (1.5, 2.5):
        raise Refused(f"Matern of nu={nu:g} takes a Bessel function; use nu=0.5, 1.5, 2.5 or inf")
    scaled = affine(distances, b, factor=math.sqrt(2 * nu))
    factor = affine(scaled, b, offset=1.0)
    if nu == 2.5:
        square = elementwise("square", scaled, b)
        factor = b.emit(Sum(), factor, affine(square, b, factor=1 / 3))
    return b.emit(Binary(function="multiply"), factor, decay(scaled, 1.0, b))


def _distances(metric: str, points: Floats, x: str, b: Builder, scale: Any = None) -> str:
    if scale is not None:
        divisor = np.broadcast_to(np.asarray(scale, np.float64), points.shape[1]).copy()
        x, points = b.emit(Affine(divisor=divisor), x), points / divisor
    return b.emit(Distances(points=np.ascontiguousarray(points), metric=metric), x)


def _times(left: Combination, right: Combination, b: Builder) -> Combination:
    if not left.terms:
        return right.times(left.constant)
    if not right.terms:
        return left.times(right.constant)
    return Combination(terms=((1.0, b.emit(Binary(function="multiply"), left.value(b), right.value(b))),))


def _power(base: Combination, exponent: float, b: Builder) -> Combination:
    if not base.terms:
        return Combination(constant=base.constant**exponent)
    value = base.value(b)
    return Combination(terms=((1.0, b.emit(Power(exponent=np.full(b.types[value].width, exponent)), value)),))


def _unknown(k: Any) -> Refused:
    return Refused(f"kernel {type(k).__name__}; use kernels of scikit-learn, their sums, products and powers")
