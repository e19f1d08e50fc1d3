"""Distances that are taken block by block, and the nearest that are found without sorting, are the plain ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from edgepack.ir.ops import Distances, Nearest, neighbors

R = np.random.default_rng(0)
PLAIN = {
    "sqeuclidean": lambda d: (d * d).sum(axis=2),
    "euclidean": lambda d: np.sqrt((d * d).sum(axis=2)),
    "manhattan": lambda d: np.abs(d).sum(axis=2),
    "chebyshev": lambda d: np.abs(d).max(axis=2),
    "minkowski": lambda d: np.power(np.power(np.abs(d), 3.0).sum(axis=2), 1 / 3.0),
}


@pytest.mark.parametrize(("metric", "scaled", "at_once"), product(PLAIN, [False, True], [1, 40, 64, 1 << 15]), ids=str)
def test_blocks_of_any_size_give_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, metric: str, scaled: bool, at_once: int
) -> None:
    monkeypatch.setattr(neighbors, "NUMBERS_AT_ONCE", at_once)
    points, rows, scale = R.normal(size=(23, 4)), R.normal(size=(11, 4)), R.uniform(size=4) if scaled else None
    rows[0], rows[1] = points[22], 1e200
    with np.errstate(over="ignore"):
        expected = PLAIN[metric]((rows[:, None, :] - points) * (1.0 if scale is None else scale))
    kept = rows.copy()
    assert np.array_equal(Distances(points=points, metric=metric, p=3.0, scale=scale).run(rows), expected)
    assert np.array_equal(rows, kept)


@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_the_nearest_are_the_first_of_equals(k: int) -> None:
    x = R.choice([0.0, -0.0, 1.0, 2.0, np.inf, -np.inf], (400, 9))
    expected = np.zeros(x.shape)
    np.put_along_axis(expected, np.argsort(x, axis=1, kind="stable")[:, :k], 1.0, axis=1)
    assert np.array_equal(Nearest(k=k).run(x), expected)
