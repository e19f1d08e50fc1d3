"""Trees of any library side by side in one Forest."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Floats


def joined(
    *,
    feature: Sequence[Array],
    threshold: Sequence[Array],
    nan_left: Sequence[Array],
    left: Sequence[Array],
    right: Sequence[Array],
    value: Sequence[Floats],
    seen: Sequence[Array] = (),
    base: Floats,
    divisor: float,
    features: int,
    compare: Literal["float32", "float64"],
) -> Forest:
    """One array of nodes per tree in, all of them in one Forest out: child numbers are shifted to match.

    In each tree the root is node 0, a leaf's `left` is negative and children stand after their parents. What else a
    leaf says of a split is dropped, and so are the values of inner nodes.
    """
    roots = np.cumsum([0, *(len(f) for f in feature)])
    n, outputs = int(roots[-1]), len(base)
    features_asked, lefts, rights = (np.empty(n, np.int64) for _ in range(3))
    thresholds, values, nan_lefts = np.empty(n), np.empty((n, outputs)), np.empty(n, np.bool_)
    for k, (start, end) in enumerate(pairwise(roots.tolist())):  # a tree's nodes are in the cache after its first array
        at = slice(start, end)
        leaf = left[k] < 0
        features_asked[at], thresholds[at], nan_lefts[at], values[at] = feature[k], threshold[k], nan_left[k], value[k]
        lefts[at], rights[at] = left[k], right[k]
        lefts[at] += start
        rights[at] += start
        for whole, in_leaves in ((features_asked, 0), (thresholds, 0), (nan_lefts, False), (lefts, -1), (rights, -1)):
            np.copyto(whole[at], in_leaves, where=leaf)
        np.copyto(values[at], 0.0, where=~leaf[:, None])
    return Forest(
        feature=features_asked,
        threshold=thresholds,
        equal=np.zeros(n, np.bool_),
        nan_left=nan_lefts,
        left=lefts,
        right=rights,
        value=values,
        roots=roots[:-1],
        seen=np.concatenate(seen).astype(np.float64) if len(seen) else np.empty(0),
        base=np.asarray(base, np.float64),
        divisor=divisor,
        features=features,
        compare=compare,
    )
