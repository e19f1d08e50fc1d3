from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from edgepack.bench import ArmResult, BenchResult, ColdStart, Latency, bench, statistics, to_markdown, to_table
from edgepack.bench.measure import ROUNDS
from edgepack.bench.result import Transport
from edgepack.contract import Columns, Input, Interface
from edgepack.errors import EdgepackError, UsageError

INTERFACE = Interface(
    inputs=(Input(name="n", kind="number"), Input(name="s", kind="string", accepts_missing=True)), outputs=("value",)
)
ROWS = pd.DataFrame({"n": np.arange(40), "s": ["u", None] * 20})


class Device:
    """Notes what it was asked."""

    runtime = "fake 1.0"

    def __init__(self, log: list[tuple[str, int]], name: str) -> None:
        self.log, self.name = log, name
        self.seen: set[float] = set()

    def run(self, columns: Columns) -> dict[str, Any]:
        n = columns["n"]
        self.log.append((self.name, len(n)))
        self.seen.update(n.ravel().tolist())
        return {"value": n[:, 0]}


class Broken(Device):
    """Answers until it has been asked `calls` times."""

    def __init__(self, calls: int) -> None:
        super().__init__([], "broken")
        self.calls = calls

    def run(self, columns: Columns) -> dict[str, Any]:
        self.calls -= 1
        if self.calls < 0:
            raise RuntimeError("out of memory\nat 0x0")
        return {}


class Estimator:
    """Notes the types that it gets."""

    def predict(self, rows: Any) -> Any:
        assert isinstance(rows, pd.DataFrame)
        assert rows.n.dtype == "int64"
        return rows.n


def arms(result: BenchResult) -> dict[str, ArmResult]:
    return {arm.name: arm for arm in result.arms}


def test_every_arm_is_timed_at_every_batch_size() -> None:
    log: list[tuple[str, int]] = []
    device = Device(log, "onnx")
    result = bench(
        {"onnx": lambda: device}, ROWS, interface=INTERFACE, estimator=Estimator(), sizes={"onnx": 99}, repeats=20
    )
    onnx, sklearn = arms(result)["onnx"], arms(result)["scikit-learn"]
    assert (onnx.kind, onnx.runtime, onnx.size_bytes, onnx.reason) == ("device", "fake 1.0", 99, "")
    assert onnx.load_ms is not None
    assert [latency.batch_rows for latency in onnx.latencies] == [1, 32, 1000]
    assert [latency.calls for latency in onnx.latencies] == [20, 10, 10]
    assert sklearn.latencies
    for latency in (*onnx.latencies, *sklearn.latencies):
        assert 0 < latency.p50_us <= latency.p90_us <= latency.p99_us <= latency.max_us
    assert device.seen == set(range(40))


def test_a_cold_start_is_told_beside_the_warm_figures_and_its_failure_is_the_arm_s() -> None:
    def broken() -> ColdStart:
        raise EdgepackError("bad: no first answer, Killed")

    cold = ColdStart(load_ms=41.0, first_call_us=950.0, answer_ms=120.0)
    runners = {name: (lambda name=name: Device([], name)) for name in ("good", "bad", "unasked")}
    colds = {"good": lambda: cold, "bad": broken}
    result = bench(runners, ROWS, interface=INTERFACE, colds=colds, batches=(1,), repeats=10)
    good, bad, unasked = arms(result).values()
    assert (good.cold, unasked.cold) == (cold, None) and good.latencies
    assert (bad.reason, bad.latencies) == ("bad: no first answer, Killed", ())
    text = to_markdown(result)
    assert "| 120.00 ms |" in text and "good: cold, 41.00 ms to load and 950.0 µs for the first row" in text
    assert result.to_document()["arms"][0]["cold"]["answer_ms"] == 120.0


def test_arms_take_turns() -> None:
    log: list[tuple[str, int]] = []
    runners = {name: (lambda name=name: Device(log, name)) for name in ("a", "b")}
    bench(runners, ROWS, interface=INTERFACE, batches=(1,), repeats=30)
    turns = [name for name, _ in itertools.groupby(name for name, _ in log)]
    assert turns == ["a", "b"] * (ROUNDS + 1)  # once more to warm up


@pytest.mark.parametrize(
    ("opener", "reason"),
    [
        ("needs macOS", "needs macOS"),
        (lambda: Broken(0), "out of memory"),
        (lambda: Broken(20), "out of memory"),
        (lambda: 1 / 0, "division by zero"),
    ],
)
def test_an_arm_that_fails_says_why_and_the_others_still_run(opener: str | Callable[[], Any], reason: str) -> None:
    result = bench({"bad": opener, "good": lambda: Device([], "good")}, ROWS, interface=INTERFACE, repeats=30)
    assert (arms(result)["bad"].reason, arms(result)["bad"].latencies) == (reason, ())
    assert arms(result)["good"].latencies


def test_an_unreachable_server_is_an_arm_that_did_not_run() -> None:
    result = bench({}, ROWS, interface=INTERFACE, server="http://127.0.0.1:9", batches=(1,), repeats=10)
    assert "does not answer" in arms(result)["REST"].reason


def test_no_rows_are_refused() -> None:
    with pytest.raises(UsageError, match="0 rows"):
        bench({}, ROWS.head(0), interface=INTERFACE)


def test_progress_ends_complete() -> None:
    seen: list[tuple[str, int, int]] = []
    bench({}, ROWS, interface=INTERFACE, repeats=10, on_progress=lambda *step: seen.append(step))
    assert seen[-1] == ("bench", ROUNDS, ROUNDS)


def latency(p50_us: float) -> Latency:
    return statistics.latency(10, [[p50_us] * 5])


def made() -> BenchResult:
    return BenchResult(
        host="host: test",
        rounds=1,
        arms=(
            ArmResult(name="onnx", kind="device", runtime="ort [1]", latencies=(latency(20),), load_ms=1.5),
            ArmResult(name="coreml", kind="device", reason="needs | macOS"),
            ArmResult(name="scikit-learn", kind="server", latencies=(latency(4000),)),
            ArmResult(name="REST", kind="rest", latencies=(latency(8000),)),
        ),
    )


def test_speed_is_compared_with_rest_or_else_with_scikit_learn() -> None:
    result = made()
    assert result.speedup(result.arms[0], 10) == 400
    assert result.speedup(result.arms[2], 10) == 2
    assert result.speedup(result.arms[3], 10) is None
    assert result.speedup(result.arms[1], 10) is None
    assert result.speedup(result.arms[0], 11) is None
    without = BenchResult(host="", rounds=1, arms=result.arms[:3])
    assert without.speedup(without.arms[0], 10) == 200
    assert BenchResult(host="", rounds=1, arms=result.arms[:2]).speedup(result.arms[0], 10) is None


def test_throughput_is_that_of_the_median() -> None:
    assert latency(20).rows_per_s == 500_000


def test_the_document_is_strict_json_with_ratios() -> None:
    document = json.loads(json.dumps(made().to_document(), allow_nan=False))
    assert document["arms"][0]["latencies"][0]["speedup"] == 400
    assert document["arms"][0]["latencies"][0]["rows_per_s"] == 500_000
    assert document["host"] == "host: test"


def test_tables_show_every_arm_the_ratio_and_the_host() -> None:
    console = Console(width=220, file=io.StringIO())
    console.print(to_table(made()))
    for text in (console.file.getvalue(), to_markdown(made())):  # type: ignore[attr-defined]
        for wanted in ("onnx", "ort [1]", "400×", "not run: needs", "20.0 µs", "8.00 ms", "host: test", "× REST"):
            assert wanted in text
    lines = [line for line in to_markdown(made()).splitlines() if line.startswith("|")]
    assert {line.count("|") - line.count("\\|") for line in lines} == {13}


def arm_of(name: str, kind: str, us: float, *, runtime: str = "", ping_us: float | None = None) -> ArmResult:
    transport = (
        None if ping_us is None else Transport(connect_us=1.0, ping_us=ping_us, request_bytes=1, response_bytes=1)
    )
    found = (statistics.latency(1, [[us] * 3]),)
    return ArmResult(name=name, kind=kind, runtime=runtime, latencies=found, transport=transport)


@pytest.mark.parametrize(
    ("call", "ping", "predict", "wanted"),
    [
        (1000.0, 200.0, 500.0, (200.0, 500.0, 300.0)),
        (1000.0, 200.0, 900.0, (200.0, 800.0, 0.0)),
        (100.0, 200.0, 9.0, (100.0, 0.0, 0.0)),
    ],
)
def test_a_rest_call_is_split_into_what_can_be_seen(call: float, ping: float, predict: float, wanted: Any) -> None:
    arms = (arm_of("scikit-learn", "server", predict), arm_of("REST", "rest", call, ping_us=ping))
    result = BenchResult(host="h", rounds=1, arms=arms)
    (spent,) = result.spent
    assert (spent.way_us, spent.predict_us, spent.rest_us) == pytest.approx(wanted)
    assert result.to_document()["spent"][0]["arm"] == "REST"
    assert "is the way" in to_markdown(result)
    assert BenchResult(host="h", rounds=1, arms=arms[1:]).spent == ()


def test_an_evaluator_is_compared_with_nothing() -> None:
    evaluator = arm_of("coreml", "device", 5.0, runtime="Core ML reference evaluator")
    result = BenchResult(host="h", rounds=1, arms=(evaluator, arm_of("REST", "rest", 1000.0, ping_us=1.0)))
    assert result.speedup(evaluator, 1) is None
    assert result.break_evens == ()
    assert "the evaluator checks answers" in to_markdown(result)
    real = arm_of("coreml", "device", 5.0, runtime="Core ML macOS 15.1")
    assert BenchResult(host="h", rounds=1, arms=(real, result.arms[1])).speedup(real, 1) == pytest.approx(200.0)
