"""Codes of a row in a dictionary, and why most of them have no meaning for a row alone."""

from __future__ import annotations

from typing import Any

from sklearn import decomposition

from edgepack.ir.ops import Concat
from edgepack.lower.builder import Builder, Refused, Table
from edgepack.lower.formula import affine, binary, elementwise
from edgepack.lower.project.products import product


def sparse_coder(est: Any, table: Table, b: Builder) -> Table:
    """`sign(c) × max(|c| − alpha, 0)` of `c = x @ D.T`; the other algorithms search a path per row."""
    if est.transform_algorithm != "threshold":
        raise Refused(
            f"transform_algorithm={est.transform_algorithm!r} solves a regression per row by a search of its own; "
            "use transform_algorithm='threshold'"
        )
    dictionary = est.dictionary if isinstance(est, decomposition.SparseCoder) else est.components_
    code = _thresholded(product(b.doubles(table), dictionary, b), _threshold(est), b, positive=est.positive_code)
    if est.split_sign:
        negative = elementwise("negative", binary("minimum", code, 0.0, b), b)
        code = b.emit(Concat(), binary("maximum", code, 0.0, b), negative)
    return b.table(code)


def nonnegative_factors(est: Any, table: Table, b: Builder) -> Table:
    """Always refused."""
    raise Refused(
        "a row's factors stop improving by a rule over all rows that are given together, so that one row has no "
        "answer of its own; use PCA or TruncatedSVD"
    )


def topics(est: Any, table: Table, b: Builder) -> Table:
    """Always refused."""
    raise Refused("topics are found by a search per row with a stopping rule of its own; use TruncatedSVD")


TRANSFORMERS = {
    decomposition.DictionaryLearning: sparse_coder,
    decomposition.LatentDirichletAllocation: topics,
    decomposition.MiniBatchDictionaryLearning: sparse_coder,
    decomposition.MiniBatchNMF: nonnegative_factors,
    decomposition.NMF: nonnegative_factors,
    decomposition.SparseCoder: sparse_coder,
}


def _threshold(est: Any) -> float:
    alpha = est.transform_alpha
    if alpha is None:
        alpha = getattr(est, "alpha", None)
    return 1.0 if alpha is None else float(alpha)


def _thresholded(c: str, alpha: float, b: Builder, *, positive: bool) -> str:
    sizes = binary("maximum", affine(elementwise("absolute", c, b), b, offset=-alpha), 0.0, b)
    code = binary("multiply", elementwise("sign", c, b), sizes, b)
    return binary("maximum", code, 0.0, b) if positive else code
