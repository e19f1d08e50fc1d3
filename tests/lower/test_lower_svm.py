"""Support vector machines where a sum is exactly 0, where nothing supports them, and what is refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import svm

from edgepack.errors import UnsupportedError
from edgepack.lower import lower


def answers(est: Any, x: np.ndarray, output: Any = None) -> Any:
    """What the lowered Program says."""
    program = lower(est, x, output=output, input_dtype="float64")
    columns = {i.name: x[:, [k]] for k, i in enumerate(program.interface.inputs)}
    if len(program.interface.inputs) == 1:
        columns = {program.interface.inputs[0].name: x}
    return program.run(columns)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_sum_of_0_is_the_second_of_two_classes(swapped: bool) -> None:
    x = np.array([[-1.0, 0.0], [1.0, 0.0]])
    est = svm.SVC(kernel="linear").fit(x, [1, 0] if swapped else [0, 1])
    middle = np.array([[0.0, 3.0]])
    assert est.decision_function(middle) == 0
    np.testing.assert_array_equal(answers(est, middle)["label"], est.predict(middle))


@pytest.mark.parametrize("shape", ["ovr", "ovo"])
@pytest.mark.parametrize("ties", [False, True])
def test_a_pair_whose_sum_is_0(shape: Any, ties: bool) -> None:
    x = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 5.0]])
    est = svm.SVC(kernel="linear", decision_function_shape=shape, break_ties=ties and shape == "ovr").fit(x, [0, 1, 2])
    rows = np.array([[0.0, -2.0], [0.0, 0.0], [0.0, 2.4], [0.3, 1.0]])
    assert (est._decision_function(rows)[:3, 0] == 0).all()
    np.testing.assert_array_equal(answers(est, rows)["label"], est.predict(rows))
    decision = answers(est, rows, "decision_function")["value"]
    np.testing.assert_allclose(decision, est.decision_function(rows), atol=1e-12)


def test_an_outlier_is_a_sum_that_is_not_above_0() -> None:
    x = np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]])
    est = svm.OneClassSVM(kernel="linear", nu=0.5).fit(x)
    rows = np.concatenate([x, np.nextafter(x, 3), np.nextafter(x, -3)])
    assert (est.decision_function(rows) == 0).any()
    np.testing.assert_array_equal(answers(est, rows)["label"], est.predict(rows))


def test_nothing_supports_a_regressor_within_its_tube() -> None:
    x = np.arange(6.0)[:, None] * [1.0, 2.0]
    est = svm.SVR(epsilon=10.0).fit(x, np.arange(6.0))
    assert len(est.support_vectors_) == 0
    np.testing.assert_allclose(answers(est, x)["value"], est.predict(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": lambda a, b: a @ b.T}, "is a Python function; name a built-in kernel"),
        ({"kernel": "precomputed"}, "takes kernels, not features"),
        ({"break_ties": True, "decision_function_shape": "ovo"}, "predicts nothing; use 'ovr'"),
    ],
)
def test_what_is_refused(options: dict[str, Any], message: str) -> None:
    x = np.random.default_rng(0).normal(size=(30, 30))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        est = svm.SVC(**options).fit(x, np.arange(30) % 3)
    with pytest.raises(UnsupportedError) as error:
        lower(est, x)
    assert message.split(";")[0] in str(error.value)
