"""Labels that spread from the few rows that have one to those that are near."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import semi_supervised

from edgepack.ir.ops import ArgMax, Binary, Reduce
from edgepack.lower.builder import Builder, Table
from edgepack.lower.kernels import kernel
from edgepack.lower.neighbors.search import search_of
from edgepack.lower.predict import Prediction
from edgepack.lower.project.products import product

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def propagated(est: Any, table: Table, b: Builder, lower: Dispatch) -> Prediction:
    """The labels of all fitted rows, weighed by a kernel, or of the nearest; NaN where all of them weigh nothing."""
    if est.kernel == "knn":
        weights = search_of(est.nn_fit, b.doubles(table), b).nearest(est.nn_fit.n_neighbors, b)
    else:
        weights = b.doubles(kernel(est.kernel, est.X_, {"gamma": est.gamma}, table, b))
    sums = product(weights, est.label_distributions_.T, b)
    probabilities = b.emit(Binary(function="divide"), sums, b.emit(Reduce(function="sum"), sums))
    return Prediction(label=b.emit(ArgMax(), sums), probabilities=probabilities, classes=est.classes_)


PREDICTORS = {
    semi_supervised.LabelPropagation: propagated,
    semi_supervised.LabelSpreading: propagated,
}
