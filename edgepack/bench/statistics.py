"""What a list of times says: percentiles, how sure the median is, and the shape of the whole."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgepack.bench.result import PER_DECADE, Histogram, Latency

RESAMPLES = 1000
CONFIDENCE = 0.95


def latency(batch_rows: int, times_us: Sequence[Sequence[float]]) -> Latency:
    """The latency at a batch size.

    Args:
        times_us: a list per round. Calls of one round share what the machine did meanwhile, so the confidence interval
            draws whole rounds (a block bootstrap), not single calls.
    """
    times = np.concatenate([np.asarray(t, np.float64) for t in times_us])
    p50, p90, p99, longest = np.quantile(times, [0.5, 0.9, 0.99, 1.0]).tolist()
    low, high = p50_interval_us(times_us)
    return Latency(
        batch_rows=batch_rows,
        calls=len(times),
        p50_us=p50,
        p50_low_us=low,
        p50_high_us=high,
        p90_us=p90,
        p99_us=p99,
        max_us=longest,
        histogram=histogram(times),
    )


def p50_interval_us(times_us: Sequence[Sequence[float]], *, seed: int = 0) -> tuple[float, float]:
    """The percentile bootstrap's interval of the median at `CONFIDENCE`, over rounds drawn with replacement.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    rounds = [np.asarray(t, np.float64) for t in times_us if len(t)]
    draws = np.random.default_rng(seed).integers(0, len(rounds), (RESAMPLES, len(rounds)))
    medians = [np.median(np.concatenate([rounds[k] for k in draw])) for draw in draws]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians, [tail, 1 - tail]).tolist()
    return low, high


def histogram(times_us: np.ndarray) -> Histogram:
    """Counts over bins of equal width on a logarithmic axis."""
    bins = np.floor(np.log10(np.maximum(times_us, 1e-3)) * PER_DECADE).astype(np.int64)
    first = int(bins.min())
    return Histogram(first_bin=first, counts=tuple(np.bincount(bins - first).tolist()))
