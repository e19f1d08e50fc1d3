"""Steps that are made of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import compose as sk_compose
from sklearn import pipeline as sk_pipeline
from sklearn.utils._set_output import _get_output_config

from edgepack.lower.builder import Builder, Table
from edgepack.lower.scale import weigh

if TYPE_CHECKING:
    from edgepack.lower.dispatch import Dispatch


def pipeline(est: Any, table: Table, b: Builder, lower: Dispatch) -> Table:
    """One transformer after the other."""
    return steps(est.steps, table, b, lower)


def steps(named: Any, table: Table, b: Builder, lower: Dispatch) -> Table:
    """The table after a list of `(name, transformer)`."""
    for name, step in named:
        if step is not None and step != "passthrough":
            with b.within(name):
                table = lower.transform(step, table, b)
    return table


def column_transformer(est: Any, table: Table, b: Builder, lower: Dispatch) -> Table:
    """Each transformer on its own columns, side by side in fitted order."""
    columns: list[Any] = []
    weights = est.transformer_weights or {}
    for name, step, _ in est.transformers_:
        taken = table.take(est._transformer_to_input_indices.get(name, []))
        if (isinstance(step, str) and step == "drop") or not len(taken):
            continue
        with b.within(name):
            part = taken if isinstance(step, str) else lower.transform(step, taken, b)
            if (weight := weights.get(name)) is not None:
                part = weigh(part, weight, b)
        columns += part.columns
    return _stacked(est, Table(tuple(columns), sparse=bool(est.sparse_output_)))


def feature_union(est: Any, table: Table, b: Builder, lower: Dispatch) -> Table:
    """Each transformer on all columns, side by side."""
    columns: list[Any] = []
    sparse = False
    weights = est.transformer_weights or {}
    for name, step in est.transformer_list:
        if isinstance(step, str) and step == "drop":
            continue
        with b.within(name):
            part = table if isinstance(step, str) else lower.transform(step, table, b)
            if (weight := weights.get(name)) is not None:
                part = weigh(part, weight, b)
        columns += part.columns
        sparse |= part.sparse
    return _stacked(est, Table(tuple(columns), sparse))


COMPOSITIONS = {
    sk_compose.ColumnTransformer: column_transformer,
    sk_pipeline.FeatureUnion: feature_union,
    sk_pipeline.Pipeline: pipeline,
}


def _stacked(est: Any, table: Table) -> Table:
    """Side by side in one array of one type; but a DataFrame keeps each column's own."""
    if _get_output_config("transform", est)["dense"] != "default" or not len(table):
        return table
    return table.held_as(table.dtype)
