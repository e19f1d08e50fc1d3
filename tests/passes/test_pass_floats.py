"""Ordered floats, and the exact point at which a predicate turns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgepack.contract import InputDtype
from edgepack.passes.floats import at_or_below, from_ordinal, last_true, ordinal, successor

DTYPES: list[InputDtype] = ["float32", "float64"]
ANY = {dtype: st.floats(width=int(dtype[-2:]), allow_nan=False, allow_infinity=False) for dtype in DTYPES}  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_places_are_in_the_order_of_the_floats(dtype: InputDtype, data: Any) -> None:
    a, b = data.draw(ANY[dtype]), data.draw(ANY[dtype])
    places = ordinal(np.array([a, b]), dtype)
    assert (places[0] < places[1]) == (a < b)
    assert np.array_equal(from_ordinal(places, dtype), np.array([a, b]))
    if a < np.finfo(dtype).max:
        assert ordinal(successor(np.array([a]), dtype), dtype)[0] - places[0] == 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_both_zeros_are_one_place(dtype: InputDtype) -> None:
    assert ordinal(np.array([0.0, -0.0]), dtype).tolist() == [0, 0]
    assert successor(np.array([-0.0]), dtype)[0] == np.finfo(dtype).smallest_subnormal


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_the_last_float_at_which_a_comparison_holds(dtype: InputDtype, data: Any) -> None:
    cuts = np.array(data.draw(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9)))
    got = last_true(lambda x: x <= cuts, len(cuts), dtype)
    with np.errstate(over="ignore"):
        nearest = cuts.astype(dtype)
    below = np.nextafter(nearest, np.array(-np.inf, dtype)).astype(np.float64)
    want = np.where(nearest.astype(np.float64) > cuts, below, nearest.astype(np.float64))
    largest = float(np.finfo(dtype).max)
    want = np.where(cuts >= largest, np.inf, np.where(cuts < -largest, -np.inf, want))
    assert np.array_equal(got, want)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_predicate_that_always_or_never_holds(dtype: InputDtype) -> None:
    got = last_true(lambda x: np.array([True, False]) & (x == x), 2, dtype)
    assert got.tolist() == [np.inf, -np.inf]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("edge", [-1.0, 0.0, 1.0, 1e-310, 3.4e38, -3.4e38])
def test_a_strict_comparison_turns_one_float_earlier(dtype: InputDtype, edge: float) -> None:
    edge = float(np.array(edge, dtype))
    inclusive = last_true(lambda x: x <= edge, 1, dtype)
    strict = last_true(lambda x: x < edge, 1, dtype)
    assert successor(strict, dtype)[0] == inclusive[0] == edge


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_at_or_below_is_what_bisection_finds(dtype: Any) -> None:
    r = np.random.default_rng(0)
    top = float(np.finfo(dtype).max)
    single = np.float64(np.float32(r.normal(size=50)))
    x = np.concatenate([r.normal(size=500) * 10.0 ** r.integers(-40, 39, 500), single, np.nextafter(single, np.inf)])
    x = np.concatenate([x, np.nextafter(single, -np.inf), [0.0, -0.0, 5e-324, top, -top, np.inf, -np.inf, 1e-46]])
    assert np.array_equal(at_or_below(x, dtype), last_true(lambda f: f <= x, len(x), dtype))
