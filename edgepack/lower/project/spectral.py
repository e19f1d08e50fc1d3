"""Kernels of a row and the fitted rows, projected."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import decomposition, kernel_approximation
from sklearn.metrics.pairwise import KERNEL_PARAMS

from edgepack.lower.builder import Builder, Table
from edgepack.lower.kernels import kernel
from edgepack.lower.preprocess.rows import kernel_centerer
from edgepack.lower.project.products import doubles, product


def kernel_pca(est: Any, table: Table, b: Builder) -> Table:
    """The kernel of the row and the fitted rows, centred, along the components."""
    params = {"gamma": est.gamma_, "degree": est.degree, "coef0": est.coef0}
    return b.table(kernel_components(est, b.doubles(kernel(est.kernel, est.X_fit_, params, table, b)), b))


def nystroem(est: Any, table: Table, b: Builder) -> Table:
    """The kernel of the row and the basis rows, times the fitted normalization."""
    own = {name: getattr(est, name) for name in KERNEL_PARAMS.get(est.kernel, ())}
    params = {**(est.kernel_params or {}), **{name: value for name, value in own.items() if value is not None}}
    k = kernel(est.kernel, est.components_, params, table, b)
    return b.table(product(b.doubles(k), est.normalization_, b))


def kernel_components(est: Any, kernel: str, b: Builder) -> str:
    """A KernelPCA's components of a row's kernel, centred as the fitted one; what has no variance gives 0."""
    own = kernel_centerer(est._centerer, b.table(kernel), b)
    vectors, values = doubles(est.eigenvectors_), doubles(est.eigenvalues_)
    scaled = np.divide(vectors, np.sqrt(values), out=np.zeros_like(vectors), where=values != 0)
    return product(b.doubles(own), scaled.T, b)


TRANSFORMERS = {decomposition.KernelPCA: kernel_pca, kernel_approximation.Nystroem: nystroem}
