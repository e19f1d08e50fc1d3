"""Why some estimators have no meaning for one row. Whether one has none is found by asking it, not written here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.utils import get_tags

FITTED_ROWS_ONLY: Mapping[str, str] = {
    "sklearn.cluster": "labels the rows that it is fitted on; a new row has no label",
    "sklearn.covariance": "estimates one covariance of all rows; predicts and transforms nothing",
    "sklearn.manifold": "places the rows that it is fitted on; a new row has no place",
    "sklearn.neighbors": "finds the fitted rows that are near; predicts and transforms nothing itself",
}
"""By package, for classes that give nothing for a new row."""


def why_rows_are_no_input(estimator: Any) -> str | None:
    """Why an estimator is never asked about a row of a table, by its own tags; None where it is."""
    tags = get_tags(estimator)
    if (tags.target_tags.one_d_labels and hasattr(estimator, "transform")) or tags.target_tags.two_d_labels:
        return "transforms targets, not rows: its fit takes no X, so that no pipeline can hold it"
    if tags.input_tags.three_d_array and not tags.input_tags.two_d_array:
        return "cuts images into patches; takes no rows"
    return None


def why_nothing_for_a_row(kind: Any) -> str:
    """Why a class has no method for new rows. Raises `KeyError` for a package of which nothing is written here."""
    return FITTED_ROWS_ONLY[".".join(kind.__module__.split(".")[:2])]
