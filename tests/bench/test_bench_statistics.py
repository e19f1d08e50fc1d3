from __future__ import annotations

import numpy as np

from edgepack.bench import statistics
from edgepack.bench.result import PER_DECADE


def test_interval_covers_the_true_median_about_as_often_as_it_says() -> None:
    r = np.random.default_rng(0)
    hits = 0
    for k in range(100):
        low, high = statistics.p50_interval_us(r.lognormal(0, 0.5, (20, 10)).tolist(), seed=k)
        hits += low <= 1.0 <= high
    assert 85 <= hits <= 100


def test_interval_knows_that_calls_of_a_round_go_together() -> None:
    r = np.random.default_rng(0)
    rounds = np.exp(r.normal(0, 0.5, (10, 1))) * np.exp(r.normal(0, 0.01, (10, 50)))
    low, high = statistics.p50_interval_us(rounds.tolist())
    mixed_low, mixed_high = statistics.p50_interval_us(r.permutation(rounds.ravel()).reshape(10, 50).tolist())
    assert high - low > 2 * (mixed_high - mixed_low)


def test_histogram_counts_every_call_in_its_bin() -> None:
    times = np.array([1.0, 1.05, 10.0, 99.0, 1000.0])
    found = statistics.histogram(times)
    assert sum(found.counts) == 5
    assert found.first_bin == 0
    assert found.counts[0] == 2 and found.counts[PER_DECADE] == 1 and found.counts[3 * PER_DECADE] == 1
