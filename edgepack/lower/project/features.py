"""Random and explicit features that stand in for a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import kernel_approximation

from edgepack.ir.ops import Affine, Concat
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary, constant, elementwise, where
from edgepack.lower.project.products import product


def rbf_sampler(est: Any, table: Table, b: Builder) -> Table:
    """`√(2 / n) × cos(x @ W + offset)`."""
    angles = product(b.doubles(table), est.random_weights_.T, b, offset=est.random_offset_)
    return b.table(affine(elementwise("cos", angles, b), b, factor=(2.0 / est.n_components) ** 0.5))


def skewed_chi2_sampler(est: Any, table: Table, b: Builder) -> Table:
    """`√2 / √n × cos(log(x + skew) @ W + offset)`; the server refuses numbers at or below −skew."""
    logs = elementwise("log", affine(b.doubles(table), b, offset=float(est.skewedness)), b)
    angles = product(logs, est.random_weights_.T, b, offset=est.random_offset_)
    return b.table(affine(elementwise("cos", angles, b), b, factor=np.sqrt(2.0) / np.sqrt(est.n_components)))


def additive_chi2_sampler(est: Any, table: Table, b: Builder) -> Table:
    """The sampled χ² kernel: `√(x L)`, then pairs `√(2 x L / cosh(π j L)) × (cos, sin)(j L log x)`; 0 stays 0."""
    x = b.doubles(table)
    interval = _interval(est)
    is_zero = binary("equal", x, 0.0, b)
    logs = affine(elementwise("log", x, b), b, factor=interval)
    doubled = affine(affine(x, b, factor=2.0), b, factor=interval)
    parts = [elementwise("sqrt", affine(x, b, factor=interval), b)]
    for j in range(1, est.sample_steps):
        damping = np.full(len(table), np.cosh(np.pi * j * interval))
        size = elementwise("sqrt", b.emit(Affine(divisor=damping), doubled), b)
        for wave in ("cos", "sin"):
            bent = binary("multiply", size, elementwise(wave, affine(logs, b, factor=float(j)), b), b)
            parts.append(where(is_zero, 0.0, bent, b))
    return b.table(parts[0] if len(parts) == 1 else b.emit(Concat(), *parts), sparse=table.sparse)


def polynomial_count_sketch(est: Any, table: Table, b: Builder) -> Table:
    """The circular convolution of the row's `degree` count sketches: products of their Fourier transforms."""
    x = affine(b.doubles(table), b, factor=np.sqrt(est.gamma))
    if est.coef0 != 0:
        x = b.emit(Concat(), x, constant(np.sqrt(est.coef0), x, b))
    n = est.n_components
    turns = np.outer(np.arange(n), np.arange(n)) % n * (-2 * np.pi / n)
    cos, sin = np.cos(turns), np.sin(turns)
    real, imaginary = "", ""
    for places, signs in zip(est.indexHash_, est.bitHash_, strict=True):
        sketch = product(x, (places == np.arange(n)[:, None]) * signs, b)
        r, i = product(sketch, cos, b), product(sketch, sin, b)
        real, imaginary = _times(real, imaginary, r, i, b) if real else (r, i)
    both = b.emit(Concat(), real, imaginary)
    return b.table(product(both, np.hstack([cos, sin]) / n, b))


TRANSFORMERS = {
    kernel_approximation.AdditiveChi2Sampler: additive_chi2_sampler,
    kernel_approximation.PolynomialCountSketch: polynomial_count_sketch,
    kernel_approximation.RBFSampler: rbf_sampler,
    kernel_approximation.SkewedChi2Sampler: skewed_chi2_sampler,
}


def _interval(est: Any) -> float:
    if est.sample_interval is not None:
        return float(est.sample_interval)
    known = {1: 0.8, 2: 0.5, 3: 0.4}
    if est.sample_steps not in known:
        raise Refused(f"sample_steps={est.sample_steps} has no interval of its own; give it a sample_interval")
    return known[est.sample_steps]


def _times(r: str, i: str, s: str, j: str, b: Builder) -> tuple[str, str]:
    """A product of complex numbers."""
    rs, ij, rj, is_ = (binary("multiply", *pair, b) for pair in ((r, s), (i, j), (r, j), (i, s)))
    return binary("subtract", rs, ij, b), binary("add", rj, is_, b)
