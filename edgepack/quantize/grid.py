"""The nearest numbers that a compact form can hold."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgepack.ir.packing import scaled
from edgepack.ir.types import Floats

Snap = Callable[[Floats], Floats]

LARGEST_HALF = float(np.finfo(np.float16).max)
ROUNDS = 50


def halves(numbers: Floats) -> Floats:
    """The nearest float16. Raises `OverflowError` for numbers beyond."""
    if np.abs(numbers[np.isfinite(numbers)]).max(initial=0.0) > LARGEST_HALF:
        raise OverflowError(f"numbers beyond ±{LARGEST_HALF:g}, the largest float16")
    return numbers.astype(np.float16).astype(np.float64)


def rows_of_int8(numbers: Floats) -> Floats:
    """The nearest multiples of each row's largest number over 127."""
    return scaled(numbers, axis=0).numbers


def columns_of_int8(numbers: Floats) -> Floats:
    """The nearest multiples of each column's largest number over 127."""
    return scaled(numbers, axis=1).numbers


def levels(numbers: Floats, count: int) -> Floats:
    """The nearest of `count` numbers between the smallest and the largest, evenly spaced in float32; both ends stay.

    0 stays 0, which a leaf or a weight that adds nothing is.
    """
    if len(np.unique(numbers)) <= count:
        return numbers
    low, high = float(numbers.min()), float(numbers.max())
    grid = np.linspace(low, high, count)
    if low < 0 < high:
        grid[np.abs(grid).argmin()] = 0.0
    return _nearest(numbers, grid.astype(np.float32).astype(np.float64))


def are_shares(rows: Floats) -> bool:
    """Whether each row `(rows, classes)` is a distribution over classes."""
    return (
        rows.ndim == 2 and rows.shape[1] > 1 and bool((rows >= 0).all() and (np.abs(rows.sum(axis=1) - 1) < 1e-9).all())
    )


def shares(rows: Floats, units: int) -> Floats:
    """Each row in `units` equal parts, which still add up to 1: rounded down, then up where most was cut off.

    As they are, where there are no more different rows than one class would have then.
    """
    if len(np.unique(rows, axis=0)) <= units + 1:
        return rows
    parts = np.floor(rows * units + 1e-9)
    missing = np.rint(units - parts.sum(axis=1)).astype(np.int64)
    rank = np.argsort(np.argsort(parts - rows * units, axis=1, kind="stable"), axis=1)
    return (parts + (rank < missing[:, None])) / units


def clusters(numbers: Floats, count: int) -> Floats:
    """The nearest of `count` numbers that lie where the numbers are dense (Lloyd's algorithm from their quantiles).

    Source: S. P. Lloyd, Least squares quantization in PCM, 1982.
    """
    values = np.unique(numbers)
    if len(values) <= count:
        return numbers
    ordered = np.sort(numbers, axis=None)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    centers = np.unique(np.quantile(ordered, (np.arange(count) + 0.5) / count))
    for _ in range(ROUNDS):
        ends = np.concatenate([[0], np.searchsorted(ordered, (centers[1:] + centers[:-1]) / 2), [len(ordered)]])
        filled = np.diff(ends) > 0
        moved = np.diff(sums[ends])[filled] / np.diff(ends)[filled]
        if np.array_equal(moved, centers):
            break
        centers = moved
    return _nearest(numbers, np.unique(centers.astype(np.float32)).astype(np.float64))


def _nearest(numbers: Floats, grid: Floats) -> Floats:
    return grid[np.searchsorted((grid[1:] + grid[:-1]) / 2, numbers)]
