"""How a Forest's splits are told to ONNX Runtime so that every row goes where it goes in scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgepack.ir.ops import Forest
from edgepack.ir.types import Array, Flags, Floats, Integers

LEQ, EQ, NEQ = 0, 4, 5
"""TreeEnsemble's node modes."""

LARGEST_EXACT = 2**24
"""Up to here float32 holds every whole number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """The inner nodes of a forest as ONNX Runtime takes them.

    Attributes:
        node: `(splits,)` the nodes' numbers in the forest.
        feature: `(splits,)`.
        threshold: `(splits,) float64`.
        mode: `(splits,)` one of LEQ, EQ, NEQ.
        nan_true: `(splits,)` whether NaN takes the true branch.
        true, false: `(splits,)` the children's numbers in the forest.
    """

    node: Integers
    feature: Integers
    threshold: Floats
    mode: Array
    nan_true: Flags
    true: Integers
    false: Integers


def splits_of(forest: Forest, *, rounded: bool) -> Splits:
    """The forest's splits; `rounded` says that x already is what `forest.compare` rounds it to.

    ONNX Runtime merges chains of BRANCH_EQ into one set membership and loses classes and NaN routing on the way (seen
    in 1.21 to 1.32). So `x == t ? left : right` becomes `x != t ? right : left`, which nothing merges. NaN then always
    goes right; where it should go left, BRANCH_EQ stays. In a chain of those only the first stays: NaN has left by it.
    """
    node = np.flatnonzero(forest.left >= 0)
    threshold, equal, nan_left = forest.threshold[node], forest.equal[node], forest.nan_left[node]
    if forest.compare == "float32" and not rounded:
        threshold = np.where(equal, threshold, rounding_limit(threshold))
    kept_equal = equal & nan_left
    if kept_equal.any():
        kept_equal &= ~_below_kept(forest)[node]
    swapped = equal & ~kept_equal
    left, right = forest.left[node], forest.right[node]
    return Splits(
        node=node,
        feature=forest.feature[node],
        threshold=threshold,
        mode=np.where(swapped, NEQ, np.where(equal, EQ, LEQ)),
        nan_true=nan_left & ~swapped,
        true=np.where(swapped, right, left),
        false=np.where(swapped, left, right),
    )


def _below_kept(forest: Forest) -> Flags:
    """Nodes that NaN cannot reach because their parent, equality on the same feature, sends it the other way."""
    below = np.zeros(len(forest.feature), np.bool_)
    parent = np.flatnonzero((forest.left >= 0) & forest.equal & forest.nan_left)
    child = forest.right[parent]
    below[child[forest.feature[child] == forest.feature[parent]]] = True
    return below


def float32_below(threshold: Floats) -> Array:
    """The largest float32 that is not above each float64."""
    with np.errstate(over="ignore"):
        below = threshold.astype(np.float32)
        beyond = below.astype(np.float64) > threshold
        return np.where(beyond, np.nextafter(below, np.float32(-np.inf)), below)


def adds_exactly(weight: Floats, trees: int) -> bool:
    """Whether float32 sums of one weight per tree are exact in any order.

    They are where all weights are multiples of one power of 2 and no sum is more than 2²⁴ of it.
    """
    most = float(np.abs(weight).max(initial=0.0)) * trees
    if not 1e-30 < most < 1e30:
        return most == 0
    unit = 2.0 ** (np.ceil(np.log2(most)) - np.log2(LARGEST_EXACT))
    return bool(np.all(weight / unit == np.floor(weight / unit)))


def rounding_limit(threshold: Floats) -> Floats:
    """The largest float64 that float32 rounding takes to `threshold` or below.

    `float32(x) <= t` is `x <= limit`: between the largest float32 `a <= t` and its successor lies the midpoint, which
    rounds to the even one of the two. No Cast is needed; ONNX Runtime before 1.17 removes float64 → float32 → float64.
    """
    below = float32_below(threshold)
    with np.errstate(over="ignore"):
        successor = np.nextafter(below, np.float32(np.inf))
    finite = np.isfinite(below)
    top = np.float64(2.0**128)  # where the float32 after the largest one would be
    low = np.where(below == -np.inf, -top, below.astype(np.float64))
    high = np.where(successor == np.inf, top, successor.astype(np.float64))
    high = np.where(below == -np.inf, np.float64(np.finfo(np.float32).min), high)
    middle = low / 2 + high / 2
    # the mantissa's last bit is the integer's last bit; -inf counts as even, as its place 2**128 is
    even = (below.view(np.int32) & 1 == 0) | ~finite
    limit = np.where(even, middle, np.nextafter(middle, -np.inf))
    return np.where(below == np.inf, np.inf, limit)
