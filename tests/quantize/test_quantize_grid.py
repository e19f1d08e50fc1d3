"""The numbers that a method moves tables to: on the grid, near, and moved no further by a second turn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from edgepack.quantize import grid

MATRICES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(-1e4, 1e4))
SNAPS = {
    "fp16": grid.halves,
    "int8 rows": grid.rows_of_int8,
    "int8 columns": grid.columns_of_int8,
    "256 levels": lambda x: grid.levels(x, 256),
    "16 levels": lambda x: grid.levels(x, 16),
    "16 clusters": lambda x: grid.clusters(x, 16),
}


@pytest.mark.parametrize("name", SNAPS)
@given(numbers=MATRICES)
@example(numbers=np.array([[1.70127305e-41]]))
@example(numbers=np.array([[1e-36, 3.0]]))
def test_a_second_turn_moves_nothing(name: str, numbers: np.ndarray) -> None:
    once = SNAPS[name](numbers)
    np.testing.assert_array_equal(SNAPS[name](once), once)


@given(numbers=MATRICES, count=st.sampled_from([2, 16, 256]))
def test_levels_are_few_and_within_half_a_step(numbers: np.ndarray, count: int) -> None:
    moved = grid.levels(numbers, count)
    assert len(np.unique(moved)) <= count
    step = np.ptp(numbers) / max(count - 1, 1)
    assert np.abs(moved - numbers).max() <= step * 1.01 + 1e-3  # a level may have gone to 0
    assert (moved[numbers == 0] == 0).all()


@given(numbers=MATRICES)
def test_clusters_are_few_and_no_worse_than_their_start(numbers: np.ndarray) -> None:
    moved = grid.clusters(numbers, 16)
    values = np.unique(numbers)
    assert len(np.unique(moved)) <= min(16, len(values))
    if len(values) > 16:
        start = np.unique(np.quantile(numbers, (np.arange(16) + 0.5) / 16))
        nearest = start[np.abs(numbers[..., None] - start).argmin(axis=-1)]
        assert ((moved - numbers) ** 2).sum() <= ((nearest - numbers) ** 2).sum() * (1 + 1e-6) + 1e-6


@given(
    counts=arrays(np.int64, st.tuples(st.integers(1, 20), st.integers(2, 7)), elements=st.integers(0, 50)),
    units=st.sampled_from([3, 15, 255]),
)
def test_shares_stay_shares_and_whole_ones_stay_whole(counts: np.ndarray, units: int) -> None:
    counts[:, 0] += counts.sum(axis=1) == 0
    rows = counts / counts.sum(axis=1, keepdims=True)
    moved = grid.shares(rows, units)
    assert grid.are_shares(moved)
    assert np.abs(moved - rows).max() <= 1 / units
    np.testing.assert_array_equal(moved[rows == 1], 1.0)
    np.testing.assert_array_equal(moved[rows == 0], 0.0)
    np.testing.assert_array_equal(grid.shares(moved, units), moved)


def test_numbers_beyond_float16_are_not_made_infinite() -> None:
    with pytest.raises(OverflowError, match="beyond ±65504"):
        grid.halves(np.array([1.0, 65520.0]))
    assert grid.halves(np.array([65504.0])) == 65504.0
