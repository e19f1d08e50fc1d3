"""Labels that spread: where every weight is 0, and a kernel that is a function."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.semi_supervised import LabelSpreading

from edgepack.errors import UnsupportedError
from edgepack.lower import lower

X = np.random.default_rng(0).normal(size=(30, 2))
Y = np.where(np.arange(30) % 3 == 0, (X[:, 0] > 0).astype(int), -1)


def test_far_away_nothing_is_known_and_the_first_class_is_said() -> None:
    est = LabelSpreading(gamma=20).fit(X, Y)
    rows = np.array([[1e3, 1e3], [0.1, 0.2]])
    program = lower(est, rows)
    with np.errstate(invalid="ignore"):
        expected, labels = est.predict_proba(rows), est.predict(rows)
    assert np.isnan(expected[0]).all()
    answers = program.run({program.interface.inputs[0].name: rows})
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-12)
    np.testing.assert_array_equal(answers["label"], labels)


def test_a_function_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="kernel 'rbf_kernel' is a Python function"):
        lower(LabelSpreading(kernel=rbf_kernel).fit(X, Y), X)
