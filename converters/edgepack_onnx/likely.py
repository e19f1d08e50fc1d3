"""Splits turned round so that the child that most rows go to stands next to its parent.

ONNX Runtime lays out a tree's nodes so that the false child of a split follows it in memory, while the true one is
anywhere. A row that mostly goes on to the next node waits less for memory, and its branches are better foretold. So
where most training rows take the true branch, `x <= t` is asked the other way round: `-x <= s`, where s is the number
below -t, is true exactly where `x > t`. The negated columns stand behind the others. Measured on 100 trees of depth
10: 80 % of all steps go to the next node instead of 50 %, and a row takes an eighth less time, the negation included.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Flags, Floats
from edgepack_onnx.graph import Graph
from edgepack_onnx.split import LEQ, Splits

LEAST_SPLITS = 4000  # smaller forests stay in the cache: there the two nodes cost what they save


def with_likely_next(graph: Graph, x: str, splits: Splits, forest: Forest) -> tuple[str, Splits]:
    """The input with the negated columns behind its own, and the splits, some of them turned round.

    Where size counts, the splits that send NaN along the true branch are turned instead, if all of them can be: no
    split then needs to say where NaN goes.

    Args:
        graph: takes the nodes.
        x: the input tensor, `(rows, forest.features)`.
        splits: of the forest, their thresholds as ONNX Runtime compares them: float32 or float64.
        forest: tells how many training rows came to each node; where it does not, no child is likelier.
    """
    if len(splits.node) < LEAST_SPLITS or np.any(splits.mode != LEQ):
        return x, splits
    threshold, can = negated(splits.threshold)
    if graph.packs:
        turned = splits.nan_true & can.all(where=splits.nan_true)
    elif len(forest.seen):
        turned = can & (forest.seen[splits.true] > forest.seen[splits.false])
    else:
        return x, splits
    if not turned.any():
        return x, splits
    both = graph.node("Concat", x, graph.node("Neg", x), axis=1)
    return both, replace(
        splits,
        feature=splits.feature + np.where(turned, forest.features, 0),
        threshold=np.where(turned, threshold, splits.threshold),
        nan_true=splits.nan_true ^ turned,
        true=np.where(turned, splits.false, splits.true),
        false=np.where(turned, splits.true, splits.false),
    )


def negated(threshold: Array) -> tuple[Floats, Flags]:
    """For each t, the s with `-x <= s` exactly where not `x <= t`, of t's type; and whether there is one to use.

    The next number after 0 is subnormal, which some devices take for 0; beyond the largest one nothing is next.
    """
    with np.errstate(over="ignore", under="ignore"):
        below = np.nextafter(-threshold, np.array(-np.inf, threshold.dtype))
    return below, np.isfinite(below) & np.isfinite(threshold) & (np.abs(below) >= np.finfo(threshold.dtype).tiny)
