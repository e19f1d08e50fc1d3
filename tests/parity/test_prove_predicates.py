from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgepack.ir.ops import (
    Affine,
    Clip,
    Complement,
    Elementwise,
    Forest,
    Impute,
    Indicate,
    Lookup,
    OneHot,
    Sigmoid,
    Step,
)
from edgepack.parity.ordered import from_order, neighbours, to_order
from edgepack.parity.predicates import Ranges, Undecidable, splits_of
from edgepack.parity.trace import Chain

NAN = float("nan")
SCALE = Affine(center=np.array([0.3]), divisor=np.array([1.7]))
TURN = Affine(factor=np.array([-2.0]), offset=np.array([0.1]))
CODES = Lookup(keys=np.array([-1.0, 2.0, 5.0]), table=np.array([[2.0], [0.0], [1.0], [-1.0], [NAN]]))

CHAINS: dict[str, list[Any]] = {
    "nothing": [],
    "scaled": [SCALE],
    "turned": [SCALE, TURN],
    "clipped": [SCALE, Clip(low=np.array([-0.5]), high=np.array([0.75]))],
    "imputed": [Impute(fill=np.array([0.25]), sentinel=NAN), SCALE],
    "a number imputed": [Impute(fill=np.array([0.25]), sentinel=-1.0), SCALE],
    "a number indicated": [Indicate(sentinel=2.0)],
    "missing indicated": [Indicate(sentinel=NAN)],
    "log1p": [Elementwise(function="log1p"), SCALE],
    "log1p, then imputed": [Elementwise(function="log1p"), Impute(fill=np.array([0.4]), sentinel=NAN)],
    "logarithm of a falling one": [TURN, Elementwise(function="log")],
    "root": [Elementwise(function="sqrt")],
    "steps of floor": [Elementwise(function="floor"), TURN],
    "overflowing exp": [Elementwise(function="exp"), SCALE],
    "codes": [CODES],
    "codes, one of them": [CODES, OneHot(size=1), TURN],
    "sigmoid": [Sigmoid()],
    "step": [SCALE, Step(threshold=0.1, strict=True)],
    "complement": [Clip(low=np.array([0.0]), high=np.array([1.0])), Complement()],
}
THRESHOLDS = np.array([-1.0, -0.2, 0.0, 0.1, 0.3, 0.5, 1.0, 3.0])


def forest_of(thresholds: Any, *, equal: bool, nan_left: bool, compare: Any) -> Forest:
    """A tree for each threshold: a split and two leaves."""
    n = len(thresholds)
    inner = np.arange(3 * n) % 3 == 0
    threshold = np.zeros(3 * n)
    threshold[inner] = thresholds
    return Forest(
        feature=np.zeros(3 * n, np.int64),
        threshold=threshold,
        equal=inner & equal,
        nan_left=inner & nan_left,
        left=np.where(inner, np.arange(3 * n) + 1, -1),
        right=np.where(inner, np.arange(3 * n) + 2, -1),
        value=np.where(inner, 0.0, np.arange(3 * n) % 3)[:, None],
        roots=np.flatnonzero(inner),
        base=np.zeros(1),
        divisor=1.0,
        features=1,
        compare=compare,
    )


def contains(ranges: Ranges, x: Any, dtype: Any) -> Any:
    inside = ranges.inside[np.searchsorted(ranges.cuts, to_order(np.nan_to_num(x), dtype), side="left")]
    return np.where(np.isnan(x), ranges.nan, inside)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("name", CHAINS)
def test_a_set_holds_exactly_the_values_that_go_left(name: str, equal: bool, dtype: Any) -> None:
    chain = Chain((0, 0), tuple((op, 0) for op in CHAINS[name]))
    rng = np.random.default_rng(1)
    some = np.concatenate([rng.normal(0, 2, 300), 10.0 ** rng.uniform(-40, 38, 50), [-1, 0, 2, 5, 88.7, -88.7]])
    some = np.concatenate([some, -some, [np.finfo(dtype).max, np.finfo(dtype).min, np.nan]])
    for nan_left in (False, True):
        forest = forest_of(THRESHOLDS, equal=equal, nan_left=nan_left, compare="float32")
        found = splits_of(forest, (chain,), {}, dtype).predicates
        for root in forest.roots:
            ranges = found[root]
            assert isinstance(ranges, Ranges)
            x = np.unique(np.concatenate([some.astype(dtype), neighbours(from_order(ranges.cuts, dtype), dtype)]))
            x = x.astype(dtype).astype(np.float64)
            goes_left = forest.leaves(chain.run(x)[:, None])[:, root // 3] == root + 1
            assert np.array_equal(contains(ranges, x, dtype), goes_left)


@pytest.mark.parametrize(
    "op",
    [
        Elementwise(function="square"),
        Elementwise(function="cos"),
        Affine(divisor=np.array([0.0])),
        Affine(factor=np.array([0.0])),
        Affine(offset=np.array([np.inf])),
        Clip(low=np.array([1.0]), high=np.array([0.0])),
    ],
)
def test_what_may_turn_is_undecidable(op: Any) -> None:
    forest = forest_of(THRESHOLDS, equal=False, nan_left=False, compare="float64")
    with pytest.raises(Undecidable):
        splits_of(forest, (Chain((0, 0), ((op, 0),)),), {}, "float32")


def test_a_function_that_turns_beside_a_threshold_is_undecidable(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgepack.ir.ops import elementwise

    def wavers(x: Any) -> Any:
        y = np.exp(x)
        return np.where(x == np.nextafter(np.float32(1), np.float32(0), dtype=np.float32), y + 1, y)

    monkeypatch.setitem(elementwise.FUNCTIONS, "exp", wavers)
    forest = forest_of(np.array([np.e]), equal=False, nan_left=False, compare="float64")
    with pytest.raises(Undecidable, match="exp turns"):
        splits_of(forest, (Chain((0, 0), ((Elementwise(function="exp"), 0),)),), {}, "float32")


def test_a_feature_of_several_inputs_is_undecidable() -> None:
    forest = forest_of(THRESHOLDS, equal=False, nan_left=False, compare="float64")
    with pytest.raises(Undecidable, match="several inputs"):
        splits_of(forest, (None,), {}, "float32")
