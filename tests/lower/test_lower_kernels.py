"""Kernels between rows and points, beside `sklearn.metrics.pairwise`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics.pairwise import pairwise_kernels

from edgepack.contract import Input
from edgepack.lower.builder import Builder, Refused
from edgepack.lower.kernels import kernel

KERNELS: list[tuple[str, dict[str, Any]]] = [
    ("linear", {}),
    ("poly", {}),
    ("polynomial", {"degree": 2, "gamma": 0.3, "coef0": 0.0}),
    ("poly", {"degree": 1, "gamma": None, "coef0": -1.5}),
    ("rbf", {}),
    ("rbf", {"gamma": 0.7}),
    ("sigmoid", {"gamma": 0.1, "coef0": -0.2}),
    ("sigmoid", {"gamma": None}),
    ("laplacian", {}),
    ("laplacian", {"gamma": 0.2}),
    ("cosine", {}),
    ("additive_chi2", {}),
    ("chi2", {}),
    ("chi2", {"gamma": 0.25}),
]


def columns_of(x: np.ndarray, points: Any, metric: Any, params: dict[str, Any]) -> np.ndarray:
    """The kernel's columns, run in numpy."""
    b = Builder((Input(name="x", kind="number", width=x.shape[1]),))
    table = kernel(metric, points, params, b.input_table(), b)
    values = {"i0": x}
    for node in b.nodes:
        values[node.name] = node.op.run(*(values[i] for i in node.inputs))
    return values[b.gather(table)]


def rows(*, signed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows and points; some of zeros, of equal numbers, and hardly above 0."""
    r = np.random.default_rng(3)
    x, points = (np.abs(r.normal(size=(n, 4))) for n in (30, 7))
    if signed:
        x, points = x - 0.5, points - 0.5
    x[:3], points[0] = [[0.0] * 4, [1e-16, 0, 0, 0], [3e-15, 0, 0, 0]], 0.0
    x[3] = points[1]
    return x, points


@pytest.mark.parametrize(("metric", "params"), KERNELS, ids=str)
def test_each_kernel(metric: str, params: dict[str, Any]) -> None:
    x, points = rows(signed="chi2" not in metric)
    expected = pairwise_kernels(x, points, metric, filter_params=True, **params)
    np.testing.assert_allclose(columns_of(x, points, metric, params), expected, rtol=1e-12, atol=1e-14)


def test_sparse_points() -> None:
    x, points = rows(signed=True)
    points[2] = [1e-16, 0, 0, 0]
    expected = pairwise_kernels(x[2:], csr_matrix(points), "cosine")
    np.testing.assert_allclose(columns_of(x[2:], csr_matrix(points), "cosine", {}), expected, atol=1e-14)
    assert expected[0, 2] == 1.0


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (np.dot, "kernel 'dot' is a Python function; name a built-in kernel"),
        ("precomputed", "kernel='precomputed' takes kernels"),
        ("nystroem", "kernel 'nystroem' is unknown"),
    ],
)
def test_what_is_refused(metric: Any, message: str) -> None:
    x, points = rows(signed=True)
    with pytest.raises(Refused, match=message):
        columns_of(x, points, metric, {})
