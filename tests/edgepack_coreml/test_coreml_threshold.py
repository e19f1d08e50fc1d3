"""The threshold encoding keeps `float32(x) <= t` for doubles, and where a runtime narrows to float32."""

from __future__ import annotations

import numpy as np
import pytest

from edgepack_coreml.threshold import MAX32, OVERFLOW32, rounding_threshold


def thresholds() -> np.ndarray:
    rng = np.random.default_rng(0)
    wide = rng.normal(size=5000) * 10.0 ** rng.uniform(-40, 38, 5000)
    return np.concatenate(
        [
            wide,
            wide.astype(np.float32).astype(np.float64),
            [0.0, -0.0, 1e-46, -1e-46, 1e-45, MAX32, -MAX32, np.nextafter(MAX32, np.inf), OVERFLOW32, 1e39, -1e39],
            [np.inf, -np.inf],
        ]
    )


@pytest.mark.parametrize("narrow", [False, True])
def test_the_branch_is_the_one_of_the_rounded_number(narrow: bool) -> None:
    t = thresholds()
    e = rounding_threshold(t)
    with np.errstate(over="ignore"):
        near = t.astype(np.float32)
        below, above = np.nextafter(near, np.float32(-np.inf)), np.nextafter(near, np.float32(np.inf))
        beside = [near, below, above]
        mids = [(below.astype(np.float64) + near) / 2, (near.astype(np.float64) + above) / 2]
        around = [np.nextafter(m, s) for m in [*mids, e] for s in (-np.inf, np.inf)]
        for x in [t, e, *(b.astype(np.float64) for b in beside), *mids, *around]:
            want = x.astype(np.float32) <= t
            got = x.astype(np.float32) <= e.astype(np.float32) if narrow else x <= e
            wrong = ~np.isnan(x) & (got != want)
            assert not wrong.any(), (x[wrong][:3], t[wrong][:3], e[wrong][:3])


def test_a_plain_threshold_would_be_wrong() -> None:
    t = np.array([0.1])
    x = np.array([np.float64(np.float32(0.1))])
    assert not (x.astype(np.float32) <= t).any()
    between = np.array([0.1 + 1e-10])
    assert (between.astype(np.float32) <= t).item() == (between <= rounding_threshold(t)).item()
    assert (x <= rounding_threshold(t)).item() is False
