"""Feature selection: the columns that a fitted selector keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import feature_selection as fs
from sklearn.utils._set_output import _get_output_config

from edgepack.lower.builder import Builder, Table
from edgepack.lower.predict import Prediction

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def selector(est: Any, table: Table, b: Builder) -> Table:
    """The kept columns, in order: of one type, but a DataFrame keeps each column's own."""
    kept = table.take(est.get_support(indices=True))
    if _get_output_config("transform", est)["dense"] != "default" or not len(kept):
        return kept
    return kept.held_as(table.dtype)


def elimination(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The answers of the estimator that was fitted on the kept columns."""
    with b.within("estimator"):
        return lower.predict(est.estimator_, selector(est, table, b), b)


TRANSFORMERS = dict.fromkeys(
    (
        fs.GenericUnivariateSelect,
        fs.RFE,
        fs.RFECV,
        fs.SelectFdr,
        fs.SelectFpr,
        fs.SelectFromModel,
        fs.SelectFwe,
        fs.SelectKBest,
        fs.SelectPercentile,
        fs.SequentialFeatureSelector,
        fs.VarianceThreshold,
    ),
    selector,
)

PREDICTORS = {
    fs.RFE: elimination,
    fs.RFECV: elimination,
}
