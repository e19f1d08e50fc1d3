"""Gaussian processes: kernels that say the same of every row, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process import kernels as k

from edgepack.errors import UnsupportedError
from edgepack.lower import lower

X = np.random.default_rng(0).normal(size=(30, 2))
Y = X[:, 0] + np.sin(X[:, 1])


class Own(k.StationaryKernelMixin, k.Kernel):
    """A user's kernel."""

    def __init__(self) -> None:
        pass

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        return np.ones((len(X), len(X if Y is None else Y))) + (np.eye(len(X)) if Y is None else 0)

    def diag(self, X: Any) -> Any:
        return np.full(len(X), 2.0)


@pytest.mark.parametrize("kernel", [k.WhiteKernel(0.3), k.ConstantKernel(0.7), k.ConstantKernel(0.7) ** 2])
@pytest.mark.parametrize("y", [Y, np.stack([Y, -Y, Y**2], axis=1)])
def test_a_kernel_without_rows_says_the_same_of_each(kernel: Any, y: Any) -> None:
    est = GaussianProcessRegressor(kernel, alpha=0.1, optimizer=None, normalize_y=True).fit(X, y)
    program = lower(est, X)
    np.testing.assert_allclose(program.run({program.interface.inputs[0].name: X})["value"], est.predict(X), atol=1e-12)


@pytest.mark.parametrize(
    ("est", "message"),
    [
        (GaussianProcessRegressor(k.Matern(nu=0.7)), "Matern of nu=0.7 takes a Bessel function; use nu=0.5"),
        (GaussianProcessRegressor(Own(), alpha=0.1), "kernel Own; use kernels of scikit-learn"),
        (GaussianProcessClassifier(k.WhiteKernel()), "a kernel without any row in it"),
        (GaussianProcessClassifier(k.PairwiseKernel(metric="rbf")), "kernel PairwiseKernel; use kernels"),
    ],
)
def test_what_is_refused(est: Any, message: str) -> None:
    est.set_params(optimizer=None)
    with pytest.raises(UnsupportedError) as error:
        lower(est.fit(X, Y > 0 if isinstance(est, GaussianProcessClassifier) else Y), X)
    assert message.split(";")[0] in str(error.value)
    assert error.value.problems[0].remedy
