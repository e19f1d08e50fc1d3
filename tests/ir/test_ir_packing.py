"""Compact forms give back what was put in, to the bit, and say so only then."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from edgepack.ir.packing import LARGEST_CODE, SCALE_BITS, Halves, Palette, Scaled, packed, scaled

TABLES = arrays(np.float64, array_shapes(min_dims=1, max_dims=3, max_side=9), elements=st.floats(width=64))
FEW = arrays(
    np.float64, array_shapes(min_dims=1, max_dims=2, max_side=40), elements=st.sampled_from([0.0, -0.0, 0.1, 7])
)
MATRICES = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.floats(-1e30, 1e30))


@given(TABLES | FEW)
def test_what_is_packed_comes_back_to_the_bit(numbers: np.ndarray) -> None:
    form = packed(numbers)
    if form is not None:
        assert form.numbers.tobytes() == numbers.tobytes()


@given(MATRICES, st.sampled_from([0, 1]))
def test_scaled_numbers_are_scaled_to_themselves(numbers: np.ndarray, axis: int) -> None:
    once = scaled(numbers, axis)
    np.testing.assert_array_equal(scaled(once.numbers, axis).numbers, once.numbers)


@given(MATRICES, st.sampled_from([0, 1]))
def test_a_scaled_number_is_within_half_a_step(numbers: np.ndarray, axis: int) -> None:
    form = scaled(numbers, axis)
    step = np.broadcast_to(form.factors, numbers.shape)
    rounded = np.abs(numbers).max(initial=0.0) * 1e-6  # the scale is a float32
    without = (1 + 2.0**-SCALE_BITS) * LARGEST_CODE * np.finfo(np.float32).tiny  # too few bits for a scale
    assert (np.abs(form.numbers - numbers) <= np.where(step > 0, step * 0.5 + rounded, without)).all()


def test_numbers_too_small_for_a_scale_are_zero() -> None:
    rows = np.array([[2.02388558e-40], [127.0]])
    np.testing.assert_array_equal(scaled(rows, 0).numbers, [[0.0], [127.0]])


@pytest.mark.parametrize(
    ("numbers", "kind", "size_bytes"),
    [
        (np.linspace(0, 1, 2048, endpoint=False), Halves, 4096),
        (scaled(np.random.default_rng(0).normal(size=(8, 600)), 0).numbers, Scaled, 8 * 600 + 32),
        (np.random.default_rng(0).choice(np.array([0.1, 0.2, 0.3]), 1000), Palette, 250 + 32),
    ],
)
def test_the_smallest_form_is_taken(numbers: np.ndarray, kind: type, size_bytes: int) -> None:
    form = packed(numbers)
    assert isinstance(form, kind)
    assert form.size_bytes == size_bytes


def test_what_has_no_form_is_not_packed() -> None:
    assert packed(np.random.default_rng(0).normal(size=(30, 30))) is None
