"""Benchmarks: artifacts, scikit-learn and a model server, timed in turn on the same rows."""

from edgepack.bench.measure import bench
from edgepack.bench.report import to_markdown, to_table
from edgepack.bench.result import ArmResult, BenchResult, ColdStart, Latency, Transport
from edgepack.bench.serve import ServedModel

__all__ = [
    "ArmResult",
    "BenchResult",
    "ColdStart",
    "Latency",
    "ServedModel",
    "Transport",
    "bench",
    "to_markdown",
    "to_table",
]
