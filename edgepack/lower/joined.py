"""Trees of any library side by side in one Forest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Flags, Floats


def joined(
    *,
    feature: Sequence[Array],
    threshold: Sequence[Array],
    nan_left: Sequence[Flags],
    left: Sequence[Array],
    right: Sequence[Array],
    value: Sequence[Floats],
    base: Floats,
    divisor: float,
    features: int,
    compare: Literal["float32", "float64"],
) -> Forest:
    """One array of nodes per tree in, all of them in one Forest out: child numbers are shifted to match.

    In each tree the root is node 0, a leaf's `left` is negative and children stand after their parents. What else a
    leaf says of a split is dropped, and so are the values of inner nodes.
    """
    sizes = np.array([len(f) for f in feature])
    roots = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    shift = np.repeat(roots, sizes)
    lefts = np.concatenate(left).astype(np.int64)
    leaf = lefts < 0
    return Forest(
        feature=np.where(leaf, 0, np.concatenate(feature)).astype(np.int64),
        threshold=np.where(leaf, 0.0, np.concatenate(threshold)).astype(np.float64),
        equal=np.zeros(len(leaf), np.bool_),
        nan_left=np.where(leaf, False, np.concatenate(nan_left)),
        left=np.where(leaf, -1, lefts + shift),
        right=np.where(leaf, -1, np.concatenate(right).astype(np.int64) + shift),
        value=np.where(leaf[:, None], np.concatenate(value), 0.0),
        roots=roots,
        base=np.asarray(base, np.float64),
        divisor=divisor,
        features=features,
        compare=compare,
    )
