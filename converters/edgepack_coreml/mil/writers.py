"""Which function writes which op."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgepack.ir import ops
from edgepack_coreml.mil import categories, coupling, forest, links, neighbors, numbers, piecewise, tables

WRITERS: Mapping[type, Callable[..., Any]] = {
    ops.Affine: numbers.affine,
    ops.ArgMax: links.argmax,
    ops.Binary: tables.binary,
    ops.Bucket: piecewise.bucket,
    ops.Clip: numbers.clip,
    ops.Complement: links.complement,
    ops.Concat: tables.concat,
    ops.Constant: tables.constant,
    ops.Coupling: coupling.coupling,
    ops.Distances: neighbors.distances,
    ops.Elementwise: numbers.elementwise,
    ops.Forest: forest.forest,
    ops.Impute: numbers.impute,
    ops.Indicate: numbers.indicate,
    ops.Linear: tables.linear,
    ops.Lookup: categories.lookup,
    ops.Nearest: neighbors.nearest,
    ops.Normalize: links.normalize,
    ops.OneHot: categories.one_hot,
    ops.Piecewise: piecewise.piecewise,
    ops.Power: numbers.power,
    ops.Reduce: tables.reduce,
    ops.Select: tables.select,
    ops.Sigmoid: links.sigmoid,
    ops.Single: numbers.single,
    ops.Softmax: links.softmax,
    ops.Step: links.step,
    ops.Sum: tables.total,
    ops.WeightedMedian: neighbors.weighted_median,
    ops.Where: tables.where,
}
"""Each takes the graph, the op and its inputs, and gives its result; it raises `Refused` for what MIL cannot say."""
