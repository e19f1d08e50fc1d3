"""Linear models: weighted sums of the columns, and what is decided by them."""

from __future__ import annotations

from edgepack.lower.linear import classifiers, outliers, regressors

PREDICTORS = {
    **classifiers.PREDICTORS,
    **outliers.PREDICTORS,
    **regressors.PREDICTORS,
}
