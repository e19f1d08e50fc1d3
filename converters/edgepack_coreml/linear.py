"""Weighted sums as generalized linear models."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgepack.ir.ops import Linear, Reduce
from edgepack.ir.types import Floats
from edgepack_coreml import supported
from edgepack_coreml.builder import Builder
from edgepack_coreml.feature import Feature
from edgepack_coreml.proto import messages
from edgepack_coreml.refused import Refused
from edgepack_coreml.source import Column, Kernel, Looked, Numbers, Source, Text, Weighted, columns_of, whole_source
from edgepack_coreml.strings import is_whole


def linear(op: Linear, table: Numbers) -> Numbers:
    """A weighted sum of columns; sums of sums become one."""
    return columns_of(flattened(table, op.coef, op.intercept))


def total(tables: tuple[Numbers, ...]) -> Numbers:
    """Tables added: a weighted sum of all their columns."""
    width = len(tables[0])
    coef = np.tile(np.eye(width), len(tables))
    return columns_of(flattened(tuple(c for table in tables for c in table), coef, np.zeros(width)))


def sums(op: Reduce, table: Numbers) -> Numbers:
    """Runs of columns added: a weighted sum of them, with weights of 1."""
    coef = np.repeat(np.eye(op.groups), len(table) // op.groups, axis=1)
    return columns_of(flattened(table, coef, np.zeros(op.groups)))


def weighted(table: Numbers) -> Weighted:
    """A table as the weighted sum that it is, or as its columns themselves."""
    whole = whole_source(table)
    if isinstance(whole, Weighted):
        return whole
    return flattened(table, np.eye(len(table)), np.zeros(len(table)))


def flattened(table: Numbers, coef: Floats, intercept: Floats) -> Weighted:
    """A weighted sum whose columns are neither weighted sums nor tables of weights themselves."""
    columns: list[Column] = []
    weights: list[Floats] = []
    for source, own in _by_source(table, coef):
        part: Weighted | None = None
        if isinstance(source, Weighted):
            part = _per_kernel(whole_source(source.columns), own @ source.coef, own @ source.intercept)
            part = part or Weighted(columns=source.columns, coef=own @ source.coef, intercept=own @ source.intercept)
        elif isinstance(source, Looked) and np.isfinite(source.op.table).all():
            part = _per_category(source, own) if isinstance(source.of, Text) else _per_number(source, own)
        else:
            part = _per_kernel(source, own, np.zeros(len(own)))
        if part is None:
            taken = sorted({c.index for c in table if c.source is source})
            columns += (Column(source=source, index=k) for k in taken)
            weights.append(own[:, taken])
        else:
            columns += part.columns
            weights.append(part.coef)
            intercept = intercept + part.intercept
    joined = np.concatenate(weights, axis=1) if weights else np.zeros((len(coef), 0))
    return Weighted(columns=tuple(columns), coef=joined, intercept=intercept)


def write(b: Builder, source: Weighted, name: str) -> Feature:
    """A regressor for one output, named as said: a glmRegressor, or a kernel's own."""
    whole = whole_source(source.columns)
    if isinstance(whole, Kernel):
        return supported.write(b, replace(whole, coef=source.coef @ whole.coef), name, float(source.intercept[0]))
    features, coef = arranged(b, source)
    message = messages().Model()
    message.glmRegressor.weights.add(value=coef[0].tolist())
    message.glmRegressor.offset.append(source.intercept[0])
    out = Feature(name=name, kind="double", exact=source.exact, float32=source.float32)
    b.add("glmRegressor", features, [out], message, predicted=name)
    return out


def arranged(b: Builder, source: Weighted) -> tuple[tuple[Feature, ...], Floats]:
    """The features that a model takes, and `(outputs, numbers)` a weight for each of their numbers."""
    if not source.columns:
        raise Refused("the answer depends on no input", "register a model that uses its inputs")
    features, at = b.whole(source.columns)
    coef = np.zeros((source.width, sum(f.width for f in features)))
    np.add.at(coef.T, at, source.coef.T)
    return features, coef


def _by_source(table: Numbers, coef: Floats) -> list[tuple[Source, Floats]]:
    """Every source of a table's columns once, in order, with `(outputs, its width)` the weights of its columns."""
    found: dict[int, tuple[Source, Floats]] = {}
    for k, column in enumerate(table):
        source = column.source
        _, own = found.setdefault(id(source), (source, np.zeros((len(coef), source.width))))
        own[:, column.index] += coef[:, k]
    return list(found.values())


def _per_category(source: Looked, coef: Floats) -> Weighted | None:
    """A lookup in strings as hot columns times weights: a category's less an unknown's, which joins the intercept.

    A one-hot encoding, and codes, which are one number and cheaper as such, stay what they are.
    """
    table, keys = source.op.table, len(source.op.keys)
    if source.one_hot is not None or (source.width == 1 and is_whole(table)) or not isinstance(source.of, Text):
        return None
    unknown = source.op.unknown
    shows_missing = source.of.missing is not None and not np.array_equal(source.op.missing, unknown)
    rows = [*range(keys), *([keys + 1] if shows_missing else [])]
    index = np.concatenate([np.arange(keys), [-1, keys if shows_missing else -1]]).astype(np.float64)
    hot = replace(source.giving(index[:, None]), one_hot=len(rows))
    columns = columns_of(hot) if rows else ()
    return Weighted(columns=columns, coef=coef @ (table[rows] - unknown).T, intercept=coef @ unknown)


def _per_kernel(source: Source | None, coef: Floats, intercept: Floats) -> Weighted | None:
    """Weighted sums of a kernel's sums as other sums of that kernel; None for any other source."""
    if not isinstance(source, Kernel) or source.function == "square":
        return None
    summed = columns_of(replace(source, coef=coef @ source.coef))
    return Weighted(columns=summed, coef=np.eye(len(coef)), intercept=intercept)


def _per_number(source: Looked, coef: Floats) -> Weighted:
    """A lookup in numbers as one tree per output, whose leaves are the weighted sums themselves."""
    trees = source.giving(source.table @ coef.T)
    return Weighted(columns=columns_of(trees), coef=np.eye(len(coef)), intercept=np.zeros(len(coef)))
