"""Decompositions that are a matrix product: what they take away before or after it is scikit-learn's own order."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg
from sklearn import cross_decomposition, decomposition, neighbors, neural_network, random_projection
from sklearn.linear_model import ridge_regression

from edgepack.ir.ops import Affine, Sigmoid
from edgepack.lower.builder import Builder, Table
from edgepack.lower.project.products import centred, doubles, product


def pca(est: Any, table: Table, b: Builder) -> Table:
    """`x @ C.T − mean @ C.T`, divided by the components' deviations if whitened."""
    mean = np.reshape(est.mean_, (1, -1)) @ est.components_.T
    y = product(b.doubles(table), est.components_, b, offset=-mean[0])
    if est.whiten:
        scale = np.sqrt(est.explained_variance_)
        y = b.emit(Affine(divisor=doubles(np.maximum(scale, np.finfo(scale.dtype).eps))), y)
    return b.table(y)


def components(est: Any, table: Table, b: Builder) -> Table:
    """`x @ C.T`."""
    return b.table(product(b.doubles(table), est.components_, b))


def sparse_projection(est: Any, table: Table, b: Builder) -> Table:
    """`x @ C.T`, which stays sparse unless told otherwise."""
    y = product(b.doubles(table), est.components_, b)
    return b.table(y, sparse=table.sparse and not est.dense_output)


def sparse_pca(est: Any, table: Table, b: Builder) -> Table:
    """The ridge regression of the centred row on the components, which is a matrix product."""
    weights = ridge_regression(est.components_.T, np.eye(len(est.mean_)), est.ridge_alpha, solver="cholesky")
    return b.table(product(centred(b.doubles(table), est.mean_, b), weights.T, b))


def factor_analysis(est: Any, table: Table, b: Builder) -> Table:
    """The posterior mean of the factors: `(x − mean) @ (C / noise).T @ cov`."""
    weights = est.components_ / est.noise_variance_
    covariance = linalg.inv(np.eye(len(est.components_)) + np.dot(weights, est.components_.T))
    return b.table(product(product(centred(b.doubles(table), est.mean_, b), weights, b), covariance.T, b))


def fast_ica(est: Any, table: Table, b: Builder) -> Table:
    """`(x − mean) @ C.T`; without whitening nothing is taken away."""
    x = b.doubles(table)
    return b.table(product(centred(x, est.mean_, b) if est.whiten else x, est.components_, b))


def partial_least_squares(est: Any, table: Table, b: Builder) -> Table:
    """The scores of the scaled row."""
    x = centred(b.doubles(table), est._x_mean, b, scale=est._x_std)
    return b.table(product(x, est.x_rotations_.T, b))


def partial_least_squares_svd(est: Any, table: Table, b: Builder) -> Table:
    """The scores of the scaled row."""
    x = centred(b.doubles(table), est._x_mean, b, scale=est._x_std)
    return b.table(product(x, est.x_weights_.T, b))


def boltzmann_machine(est: Any, table: Table, b: Builder) -> Table:
    """The probabilities of the hidden units."""
    return b.table(b.emit(Sigmoid(), product(b.doubles(table), est.components_, b, offset=est.intercept_hidden_)))


TRANSFORMERS = {
    cross_decomposition.CCA: partial_least_squares,
    cross_decomposition.PLSCanonical: partial_least_squares,
    cross_decomposition.PLSRegression: partial_least_squares,
    cross_decomposition.PLSSVD: partial_least_squares_svd,
    decomposition.FactorAnalysis: factor_analysis,
    decomposition.FastICA: fast_ica,
    decomposition.IncrementalPCA: pca,
    decomposition.MiniBatchSparsePCA: sparse_pca,
    decomposition.PCA: pca,
    decomposition.SparsePCA: sparse_pca,
    decomposition.TruncatedSVD: components,
    neighbors.NeighborhoodComponentsAnalysis: components,
    neural_network.BernoulliRBM: boltzmann_machine,
    random_projection.GaussianRandomProjection: components,
    random_projection.SparseRandomProjection: sparse_projection,
}
