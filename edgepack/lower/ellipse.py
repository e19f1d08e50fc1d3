"""Outliers by their Mahalanobis distance from a robust centre."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import covariance

from edgepack.ir.ops import Binary, Reduce
from edgepack.lower.builder import Builder, Table
from edgepack.lower.formula import affine
from edgepack.lower.linear.scores import inlier
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import centred, product

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def elliptic_envelope(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """`−(x − m)ᵀ P (x − m)`; an inlier where that reaches the offset."""
    away = centred(b.doubles(table), est.location_, b)
    weighed = b.emit(Binary(function="multiply"), away, product(away, np.asarray(est.get_precision()).T, b))
    decision = affine(b.emit(Reduce(function="sum"), weighed), b, factor=-1.0, offset=-float(est.offset_))
    return inlier(decision, est.offset_, b, strict=False)


PREDICTORS = {covariance.EllipticEnvelope: elliptic_envelope}
