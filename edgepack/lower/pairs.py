"""Votes of pairs of classes."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from edgepack.ir.ops import Bucket, Linear
from edgepack.ir.types import Floats
from edgepack.lower.builder import Builder
from edgepack.lower.formula import affine, binary, elementwise


def votes_of_pairs(sums: str, k: int, b: Builder, *, ties: bool) -> str:
    """How many pairs each class wins: the first of a pair where its sum is above 0, or where it is 0 if `ties`."""
    signs = _signs(k)
    edges = (np.zeros(1),) * b.types[sums].width
    first_wins = b.emit(Bucket(edges=edges, right=ties), sums)
    return b.emit(Linear(coef=signs, intercept=(signs < 0).sum(axis=1).astype(np.float64)), first_wins)


def shares_of_pairs(sums: str, confidences: str, k: int, b: Builder) -> str:
    """Votes, 0 being one for the first, and below them `total / (3 (|total| + 1))` of the class's confidences.

    Args:
        confidences: how sure each pair is of its first class.
    """
    total = b.emit(Linear(coef=_signs(k), intercept=np.zeros(k)), confidences)
    size = affine(affine(elementwise("absolute", total, b), b, offset=1.0), b, factor=3.0)
    votes = votes_of_pairs(sums, k, b, ties=True)
    return binary("add", votes, binary("divide", total, size, b), b)


def _signs(k: int) -> Floats:
    """`(classes, pairs)`: 1 where the class is the pair's first, −1 where it is the second."""
    classes = np.arange(k)[:, None]
    first, second = np.array(list(combinations(range(k), 2))).T
    return (classes == first).astype(np.float64) - (classes == second)
