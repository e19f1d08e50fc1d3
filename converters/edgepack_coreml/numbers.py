"""Steps on columns of numbers: imputer, scaler, and tiny trees for what is constant between breaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgepack.ir.ops import Affine, Bucket, Clip, Elementwise, Impute, Indicate, Lookup, OneHot, Step
from edgepack.ir.types import Flags, Floats
from edgepack_coreml import ensemble, functions, linear
from edgepack_coreml.builder import Builder, distinct, positions
from edgepack_coreml.feature import Feature
from edgepack_coreml.proto import messages
from edgepack_coreml.refused import Refused
from edgepack_coreml.source import (
    Column,
    Grown,
    Kernel,
    Looked,
    Numbers,
    Weighted,
    columns_of,
    is_float32,
    whole_source,
)

ONE = np.ones(1, np.bool_)

EACH = Impute | Affine | Clip | Indicate | Elementwise
"""Ops that treat every column by itself."""


def each(b: Builder, op: EACH, table: Numbers) -> Numbers:
    """The table after an op that treats every column by itself.

    A looked-up column needs no stage: the op is applied to the lookup's own table, by its own meaning.
    """
    if isinstance(op, Affine):
        whole = whole_source(table)
        if isinstance(whole, Kernel):
            whole = linear.flattened(table, np.eye(len(table)), np.zeros(len(table)))
        if isinstance(whole, Weighted | Grown):
            return _rescaled(op, whole)
    folded: dict[int, Column] = {}
    for k, column in enumerate(table):
        if isinstance(column.source, Looked) and column.source.one_hot is None:
            values = _part(op, [k]).run(column.source.op.table[:, [column.index]])
            folded[k] = Column(source=column.source.giving(values), index=0)
    rest = [k for k in range(len(table)) if k not in folded]
    if rest:
        staged = _staged(b, _part(op, rest), tuple(table[k] for k in rest))
        folded.update(zip(rest, staged, strict=True))
    return tuple(folded[k] for k in range(len(table)))


def signs(b: Builder, op: Bucket, table: Numbers) -> Numbers:
    """0 below 0 and 1 above: of a score, whatever its last bits, as where a classifier changes its mind."""
    parts = (Step(threshold=0.0, strict=not op.right),) * len(table)
    return tuple(c for part, column in zip(parts, table, strict=True) for c in _stepped(b, part, (column,)))


def step(b: Builder, op: Step, table: Numbers) -> Numbers:
    """0 up to a threshold, 1 beyond."""
    if folded := _composed(op, table):
        return folded
    _comparable(table, "a threshold")
    return _stepped(b, op, table)


def _stepped(b: Builder, op: Step, table: Numbers) -> Numbers:
    growing = ensemble.Growing()
    behavior = ensemble.LESS_EQUAL if op.strict else ensemble.LESS
    node = growing.ask(behavior, _position(b, table), op.threshold, nan_yes=True)
    growing.answer(node, growing.leaf(0.0), growing.leaf(1.0))
    return columns_of(_grown(b, table[0], "step", growing, ONE))


def lookup(op: Lookup, table: Numbers) -> Numbers:
    """A row for each known number."""
    if folded := _composed(op, table):
        return folded
    _comparable(table, "categories")
    return columns_of(Looked(of=table[0], op=op))


def one_hot(op: OneHot, table: Numbers) -> Numbers:
    """The hot column of an index."""
    source = table[0].source
    if isinstance(source, Looked) and source.one_hot is None:
        index = source.narrow(table[0].index)
        return columns_of(replace(index, one_hot=op.size))
    _comparable(table, "categories")
    index_of = Lookup(keys=np.arange(op.size, dtype=np.float64), table=np.array([*range(op.size), -1.0, -1.0])[:, None])
    return columns_of(Looked(of=table[0], op=index_of, one_hot=op.size))


def write(b: Builder, looked: Looked, column: Column) -> Feature:
    """The tree that finds a number among a lookup's keys; its table has one column."""
    order, table = np.argsort(looked.op.keys, kind="stable"), looked.table
    growing = ensemble.Growing()
    growing.search(_position(b, (column,)), looked.op.keys[order], table[order, 0], table[-2, 0], table[-1, 0])
    return _grown(b, column, "value", growing, looked.float32)


def _part(op: EACH, at: list[int]) -> EACH:
    """The op for some of its columns."""
    match op:
        case Impute():
            return replace(op, fill=op.fill[at])
        case Affine():
            parts = (op.center, op.divisor, op.factor, op.offset)
            center, divisor, factor, offset = (None if p is None else p[at] for p in parts)
            return Affine(center=center, divisor=divisor, factor=factor, offset=offset)
        case Clip():
            return Clip(low=op.low[at], high=op.high[at])
        case Indicate() | Elementwise():
            return op


def _composed(op: Lookup | Step, table: Numbers) -> Numbers | None:
    """A function of a looked-up column is another lookup."""
    source = table[0].source
    if not isinstance(source, Looked) or source.one_hot is not None:
        return None
    return columns_of(source.giving(op.run(source.op.table[:, [table[0].index]])))


def _rescaled(op: Affine, source: Weighted | Grown) -> Numbers:
    """A sum times a factor is another sum."""
    one, zero = np.ones(source.width), np.zeros(source.width)
    scale = (one if op.factor is None else op.factor) / (one if op.divisor is None else op.divisor)
    shift = (zero if op.offset is None else op.offset) - (zero if op.center is None else op.center) * scale
    if isinstance(source, Grown):
        return columns_of(replace(source, scale=source.scale * scale, shift=source.shift * scale + shift))
    return columns_of(replace(source, coef=source.coef * scale[:, None], intercept=source.intercept * scale + shift))


def _staged(b: Builder, op: EACH, table: Numbers) -> Numbers:
    match op:
        case Impute():
            return columns_of(_imputed(b, op, table))
        case Affine():
            return columns_of(_scaled(b, op, table))
        case Clip():
            return columns_of(_clipped(b, op, table))
        case Indicate():
            return _indicated(b, op, table)
        case Elementwise(function="negative"):
            return columns_of(_scaled(b, Affine(factor=np.full(len(table), -1.0)), table))
        case Elementwise():
            return functions.function(b, op, table)


def _held(b: Builder, table: Numbers) -> Feature:
    """A table in one feature: a scalar where it is one already."""
    column = b.columns(table)[0]
    if len(table) == 1 and isinstance(column.source, Feature) and column.source.kind == "double":
        return column.source
    return b.array(table)


def _imputed(b: Builder, op: Impute, table: Numbers) -> Feature:
    sentinel = _sentinel(op, table)
    source = _held(b, table)
    fill = op.fill.astype(np.float64)
    return _impute_stage(b, source, fill, sentinel, source.float32 & is_float32(fill))


def _impute_stage(b: Builder, source: Feature, fill: Floats, replaced: float, float32: Flags) -> Feature:
    out = b.feature(f"{source.name}_imputed", source.kind, source.exact, float32)
    message = messages().Model()
    message.imputer.replaceDoubleValue = replaced
    if source.kind == "double":
        message.imputer.imputedDoubleValue = fill[0]
    else:
        message.imputer.imputedDoubleArray.vector.extend(fill.tolist())
    b.add("imputer", [source], [out], message)
    return out


def _scaled(b: Builder, op: Affine, table: Numbers) -> Feature:
    """One or two scalers, `scale · (x + shift)` each, in the op's own order.

    Only a division is not exact, unless it is by a power of two: Core ML multiplies by the reciprocal.
    """
    width = len(table)
    exact = np.ones(width, np.bool_)
    scale = op.factor
    if op.divisor is not None:
        exact = np.abs(np.frexp(op.divisor)[0]) == 0.5
        with np.errstate(divide="ignore"):
            scale = 1 / op.divisor if op.factor is None else op.factor / op.divisor
        if op.factor is not None:
            exact &= op.factor == 1
    out = _held(b, table)
    if op.center is not None or scale is not None:
        out = _scale_stage(b, out, scale, None if op.center is None else -op.center, exact)
    if op.offset is not None:
        out = _scale_stage(b, out, None, op.offset, np.ones(width, np.bool_))
    return out


def _scale_stage(b: Builder, source: Feature, scale: Floats | None, shift: Floats | None, exact: Flags) -> Feature:
    wish = source.name.removesuffix("_scaled") + "_scaled"
    out = b.feature(wish, source.kind, source.exact & exact, np.zeros(source.width, np.bool_))
    message = messages().Model()
    message.scaler.SetInParent()
    message.scaler.scaleValue.extend([] if scale is None else scale.tolist())
    message.scaler.shiftValue.extend([] if shift is None else shift.tolist())
    b.add("scaler", [source], [out], message)
    return out


def _clipped(b: Builder, op: Clip, table: Numbers) -> Feature:
    """A tree says −∞ below, +∞ above and 0 between; added to x, the infinities are imputed with the bounds."""
    inside = [_with_infinities(b, column, op.low[k], op.high[k]) for k, column in enumerate(table)]
    held = _held(b, tuple(Column(source=f, index=0) for f in inside))
    for bound, infinity in ((op.low, -np.inf), (op.high, np.inf)):
        held = _impute_stage(b, held, bound, infinity, held.float32 & is_float32(bound))
    return held


def _with_infinities(b: Builder, column: Column, low: float, high: float) -> Feature:
    x = b.scalar(column)
    growing = ensemble.Growing()
    below = growing.ask(ensemble.LESS, 0, low, nan_yes=False)
    above = growing.ask(ensemble.LESS_EQUAL, 0, high, nan_yes=True)
    growing.answer(below, growing.leaf(-np.inf), above)
    growing.answer(above, growing.leaf(0.0), growing.leaf(np.inf))
    outside = b.feature(f"{x.name}_outside", "double", x.exact, x.float32)
    b.add("treeEnsembleRegressor", [x], [outside], ensemble.regressor_body(growing.grown()), predicted=outside.name)
    out = b.feature(f"{x.name}_bounded", "double", x.exact, x.float32)
    message = messages().Model()
    message.glmRegressor.weights.add(value=[1.0, 1.0])
    message.glmRegressor.offset.append(0.0)
    b.add("glmRegressor", [x, outside], [out], message, predicted=out.name)
    return out


def _indicated(b: Builder, op: Indicate, table: Numbers) -> Numbers:
    sentinel = _sentinel(op, table)
    return tuple(c for column in table for c in columns_of(_indicated_column(b, sentinel, column)))


def _indicated_column(b: Builder, sentinel: float, column: Column) -> Feature:
    growing = ensemble.Growing()
    at = _position(b, (column,))
    if np.isnan(sentinel):
        node = growing.ask(ensemble.LESS_EQUAL, at, np.inf, nan_yes=False)
        growing.answer(node, growing.leaf(0.0), growing.leaf(1.0))
    else:
        node = growing.ask(ensemble.EQUAL, at, sentinel, nan_yes=False)
        growing.answer(node, growing.leaf(1.0), growing.leaf(0.0))
    return _grown(b, column, "missing", growing, ONE)


def _sentinel(op: Impute | Indicate, table: Numbers) -> float:
    """What stands for missing among numbers; any but NaN is compared with them."""
    sentinel = float("nan") if op.sentinel is None else float(op.sentinel)
    if not np.isnan(sentinel):
        _comparable(table, f"the missing value {sentinel!r}")
    return sentinel


def _comparable(table: Numbers, what: str) -> None:
    if not all(c.exact for c in table):
        raise Refused(
            f"compares {what} with numbers whose last bits depend on rounding",
            "compare the column itself, before it is scaled, or use the onnx target",
        )


def _position(b: Builder, table: Numbers) -> int:
    table = b.columns(table)
    return positions(table, distinct(table))[0]


def _grown(b: Builder, column: Column, wish: str, growing: ensemble.Growing, float32: Flags) -> Feature:
    """A tiny tree over the feature that holds a column."""
    column = b.columns((column,))[0]
    features = distinct((column,))
    name = features[0].name if features[0].width == 1 else f"{features[0].name}_{column.index}"
    out = b.feature(f"{name}_{wish}", "double", ONE, float32)
    b.add("treeEnsembleRegressor", features, [out], ensemble.regressor_body(growing.grown()), predicted=out.name)
    return out
