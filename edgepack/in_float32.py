"""What an estimator means by its answers to float32 rows: scikit-learn rounds the numbers of some steps, too."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np


def in_float32(estimator: Any) -> Any:
    """A fitted estimator that says of float64 rows what this one says of float32 rows, but for the rounding of sums.

    A StandardScaler takes away its mean, and divides by its scale, in the type of the rows.
    """
    from sklearn.preprocessing import StandardScaler

    found = copy(estimator)
    if hasattr(estimator, "steps"):
        found.steps = [(name, in_float32(step)) for name, step in estimator.steps]
    if type(estimator) is StandardScaler:
        for name in ("mean_", "scale_"):
            if (numbers := getattr(estimator, name)) is not None:
                setattr(found, name, np.asarray(numbers, np.float32).astype(np.float64))
    return found
