"""The first answer of an artifact in a fresh process: what an app's user waits for once, and no warm figure shows.

`python -m edgepack.coldstart BUNDLE TARGET` prints how long the artifact took to load and its first row to be answered.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edgepack.errors import EdgepackError

if TYPE_CHECKING:
    from edgepack.bench import ColdStart
    from edgepack.bundle.bundle import Bundle

STARTS = 3
TIMEOUT_S = 120


def cold_starts(bundle: Bundle) -> dict[str, Callable[[], ColdStart]]:
    """By target, what measures its cold starts on the first golden row."""
    return {target: partial(cold_start, bundle.path, target) for target in bundle.targets}


def cold_start(bundle: Path, target: str) -> ColdStart:
    """Medians over `STARTS` fresh processes of this Python. Raises `EdgepackError` with the process's last words."""
    from edgepack.bench import ColdStart

    found = [_started(bundle, target) for _ in range(STARTS)]
    load_ms, first_call_us, answer_ms = (statistics.median(each) for each in zip(*found, strict=True))
    return ColdStart(load_ms=load_ms, first_call_us=first_call_us, answer_ms=answer_ms)


def _started(bundle: Path, target: str) -> tuple[float, float, float]:
    command = [sys.executable, "-m", "edgepack.coldstart", str(bundle), target]
    start = time.perf_counter_ns()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise EdgepackError(f"{target}: no first answer within {TIMEOUT_S} s") from error
    answer_ms = (time.perf_counter_ns() - start) / 1e6
    if done.returncode:
        raise EdgepackError(f"{target}: no first answer, {(done.stderr.strip().splitlines() or ['no word'])[-1][:200]}")
    told = json.loads(done.stdout.splitlines()[-1])
    return told["load_ms"], told["first_call_us"], answer_ms


def main(words: Sequence[str]) -> None:
    """What the fresh process does."""
    from edgepack.bundle.bundle import Bundle
    from edgepack.bundle.files import GOLDEN
    from edgepack.bundle.golden import read_golden
    from edgepack.recheck import openers

    bundle = Bundle.open(Path(words[0]))
    columns, _ = read_golden(bundle.path / GOLDEN, bundle.interface)
    row = {name: values[:1] for name, values in columns.items()}
    opener = openers(bundle)[words[1]]
    if isinstance(opener, str):
        raise SystemExit(opener)
    start = time.perf_counter_ns()
    runner = opener()
    loaded = time.perf_counter_ns()
    runner.run(row)
    answered = time.perf_counter_ns()
    print(json.dumps({"load_ms": (loaded - start) / 1e6, "first_call_us": (answered - loaded) / 1e3}))


if __name__ == "__main__":
    main(sys.argv[1:])
