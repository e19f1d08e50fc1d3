"""Outlier detectors that draw a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import linear_model

from edgepack.lower.builder import Builder, Table
from edgepack.lower.linear.scores import inlier, weighted_sums
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def sgd_one_class(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """Inlier where the sum reaches the offset."""
    decision = b.emit(weighted_sums(est.coef_, -np.asarray(est.offset_)), b.doubles(table))
    return inlier(decision, est.offset_, b, strict=False)


PREDICTORS = {linear_model.SGDOneClassSVM: sgd_one_class}
