"""Clocks and sizes."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def interleaved_us(arms: Mapping[str, Callable[[int], Any]], *, calls: int = 1000, rounds: int = 9) -> dict[str, float]:
    """The median time of one call in µs, per arm: rounds in turn, so that drift meets all arms alike.

    Each arm is called with a running number, to take another row every time.
    """
    medians: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, call in arms.items():
            for k in range(50):
                call(k)
            times = np.empty(calls)
            for k in range(calls):
                start = time.perf_counter_ns()
                call(k)
                times[k] = time.perf_counter_ns() - start
            medians[name].append(float(np.median(times)) / 1e3)
    return {name: float(np.median(values)) for name, values in medians.items()}


def seconds(call: Callable[[], Any], *, runs: int = 3) -> tuple[float, Any]:
    """The shortest of some runs of a call, and its result."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return min(times), result


def cpu_seconds(call: Callable[[], Any], *, runs: int = 5) -> tuple[float, Any]:
    """The fewest CPU seconds of some runs of a call, and its result."""
    times = []
    for _ in range(runs):
        start = time.process_time()
        result = call()
        times.append(time.process_time() - start)
    return min(times), result


def compressed_bytes(model: bytes) -> int:
    """The size as an app's archive holds it: deflate, level 6."""
    return len(zlib.compress(model, 6))


def session(model: bytes) -> Any:
    """An ONNX Runtime session with one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
