"""Classifiers and regressors that ask the nearest fitted rows, or those within a radius."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import neighbors
from sklearn.metrics._pairwise_distances_reduction import RadiusNeighborsClassMode

from edgepack.ir.ops import Affine, ArgMax, Binary, Constant, Normalize, Reduce
from edgepack.ir.types import Array, Floats
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import where
from edgepack.lower.neighbors.search import search_of, weighed
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import product

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def nearest_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The class with the most votes of the k nearest, the first of equals."""
    weights = _of_nearest(est, table, b)
    return _per_target(est, [_voted(_votes(weights, y, classes, b), classes, b) for y, classes in _targets(est)])


def nearest_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The mean of the k nearest."""
    weights = _of_nearest(est, table, b)
    sums = product(weights, _values(est).T, b)
    if est.weights in (None, "uniform"):
        return Prediction(value=b.emit(Affine(divisor=np.full(b.types[sums].width, float(est.n_neighbors))), sums))
    return Prediction(value=b.emit(Binary(function="divide"), sums, b.emit(Reduce(function="sum"), weights)))


def radius_classifier(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The class with the most votes within the radius; where nobody is there, the label for outliers, if it has one."""
    weights = _of_radius(est, table, b)
    predictions = []
    for k, (y, classes) in enumerate(_targets(est)):
        votes = _votes(weights, y, classes, b)
        if est.outlier_label_ is None:  # the server refuses such rows
            predictions.append(_voted(votes, classes, b))
            continue
        chosen = np.flatnonzero(classes == est.outlier_label_[k])
        if not len(chosen):
            raise Refused(f"outlier_label={est.outlier_label_[k]!r} is none of the classes; choose one of them")
        row = (np.arange(len(classes)) == chosen[0]).astype(np.float64)
        anyone = b.emit(Reduce(function="max"), weights)
        scores = where(anyone, votes, b.emit(Constant(row=row), votes), b)
        shown = votes if _takes_shortcut(est) and est.outlier_label != chosen[0] else scores
        predictions.append(_voted(scores, classes, b, shown))
    return _per_target(est, predictions)


def radius_regressor(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The mean within the radius; NaN where nobody is there, in the type of the fitted values."""
    weights = _of_radius(est, table, b)
    values = _values(est)
    total = b.emit(Reduce(function="sum"), weights)
    mean = b.emit(Binary(function="divide"), product(weights, values.T, b), total)
    with np.errstate(invalid="ignore"):
        nothing = np.full_like(np.atleast_1d(np.asarray(est._y)[0]), np.nan).astype(np.float64)
    return Prediction(value=where(total, mean, b.emit(Constant(row=nothing), mean), b))


PREDICTORS = {
    neighbors.KNeighborsClassifier: nearest_classifier,
    neighbors.KNeighborsRegressor: nearest_regressor,
    neighbors.RadiusNeighborsClassifier: radius_classifier,
    neighbors.RadiusNeighborsRegressor: radius_regressor,
}


def _of_nearest(est: Any, table: Table, b: Builder) -> str:
    search = search_of(est, b.doubles(table), b)
    return weighed(est.weights, search.nearest(est.n_neighbors, b), search, b)


def _of_radius(est: Any, table: Table, b: Builder) -> str:
    search = search_of(est, b.doubles(table), b)
    return weighed(est.weights, search.within(float(est.radius), b), search, b)


def _targets(est: Any) -> list[tuple[Array, Array]]:
    """Each target's classes by number for every fitted row, and the classes."""
    if not est.outputs_2d_:
        return [(np.ravel(est._y), est.classes_)]
    return list(zip(est._y.T, est.classes_, strict=True))


def _values(est: Any) -> Floats:
    """`(fitted rows, targets)`."""
    y = np.asarray(est._y, np.float64)
    return y[:, None] if y.ndim == 1 else y


def _votes(weights: str, y: Array, classes: Array, b: Builder) -> str:
    """The weights of each class's rows, added up."""
    return product(weights, np.arange(len(classes))[:, None] == y, b)


def _voted(votes: str, classes: Array, b: Builder, shown: str = "") -> Prediction:
    """The label of the most votes, and the shares of the votes that are shown."""
    return Prediction(label=b.emit(ArgMax(), votes), probabilities=b.emit(Normalize(), shown or votes), classes=classes)


def _per_target(est: Any, predictions: list[Prediction]) -> Prediction:
    return Prediction(targets=tuple(predictions)) if est.outputs_2d_ else predictions[0]


def _takes_shortcut(est: Any) -> bool:
    """Whether scikit-learn counts the votes in compiled code, which looks for the outlier label among class numbers."""
    if est.weights != "uniform" or est._fit_method != "brute" or est.outputs_2d_:
        return False
    return bool(RadiusNeighborsClassMode.is_usable_for(est._fit_X, est._fit_X, est.effective_metric_))
