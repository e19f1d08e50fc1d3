from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgepack.contract import InputDtype
from edgepack.parity.ordered import boundaries, from_order, neighbours, to_order

DTYPES: list[InputDtype] = ["float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_order_and_number_are_inverse_and_monotone(dtype: InputDtype, listed: list[float]) -> None:
    x = np.array(sorted(listed))
    order = to_order(x, dtype)
    assert np.array_equal(from_order(order, dtype), x)
    assert np.all(order[:-1] <= order[1:])
    assert np.array_equal(order[:-1] == order[1:], x[:-1] == x[1:])


@pytest.mark.parametrize("dtype", DTYPES)
def test_neighbouring_numbers_have_neighbouring_places(dtype: InputDtype) -> None:
    x = np.array([-1.0, -1e-45, 0.0, 1e-45, 1.0, 65504.0]).astype(dtype)
    assert np.all(to_order(np.nextafter(x, np.array(np.inf, dtype)), dtype) - to_order(x, dtype) == 1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_neighbours_are_finite_and_one_step_away(dtype: InputDtype) -> None:
    top = float(np.finfo(dtype).max)
    found = neighbours(np.array([np.nan, np.inf, top, 1.0]), dtype)
    assert len(found) == 5
    assert top in found
    assert np.isfinite(found).all()


@pytest.mark.parametrize("dtype", DTYPES)
@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=8))
def test_a_threshold_lies_between_its_two_boundaries(dtype: InputDtype, thresholds: list[float]) -> None:
    cut = np.array(thresholds)
    which, low, high = boundaries(lambda x: x <= cut, len(cut), dtype)
    assert np.array_equal(np.sort(which), np.arange(len(cut)))
    assert np.all(low <= cut[which])
    assert np.all(cut[which] < high)
    assert np.all(to_order(high, dtype) - to_order(low, dtype) == 1)


def test_a_predicate_that_changes_twice_is_found_on_both_sides_of_zero() -> None:
    _, low, high = boundaries(lambda x: x * x <= 4.0, 1, "float32")
    assert sorted([*low, *high]) == [
        np.nextafter(np.float32(-2), np.float32(-3)),
        -2,
        2,
        np.nextafter(np.float32(2), np.float32(3)),
    ]


def test_a_predicate_that_never_changes_has_no_boundary() -> None:
    which, low, high = boundaries(lambda x: np.ones(len(x), bool), 3, "float64")
    assert len(which) == len(low) == len(high) == 0
