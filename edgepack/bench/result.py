"""What a benchmark found: plain frozen data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

PER_DECADE = 20
"""Bins of a histogram from one power of ten to the next."""

EVALUATOR = "reference evaluator"
"""What the runtime of an arm is called that stands in for a phone's: it checks answers, and its time says nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """How many calls took how long: bin k holds those of `10 ** ((first_bin + k) / PER_DECADE)` µs and more."""

    first_bin: int
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long calls with `batch_rows` rows took.

    Attributes:
        calls: how many were timed.
        p50_low_us, p50_high_us: the median's 95 % confidence interval.
        rows_per_s: throughput at the median.
    """

    batch_rows: int
    calls: int
    p50_us: float
    p50_low_us: float
    p50_high_us: float
    p90_us: float
    p99_us: float
    max_us: float
    histogram: Histogram

    @property
    def rows_per_s(self) -> float:
        """Rows answered per second at the median latency."""
        return self.batch_rows / self.p50_us * 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """What of a REST call is the way there and back.

    Attributes:
        connect_us: the median time of a new TCP connection.
        ping_us: the median round trip of `/ping` on an open connection: the floor of any call.
        request_bytes, response_bytes: the JSON bodies of a call with one row.
        wire_bytes: all of HTTP that such a call puts on the wire, both ways, where it was counted.
        network: the simulated network that the call goes through; empty on loopback.
        network_source: who measured that network's figures, and where they are published.
    """

    connect_us: float
    ping_us: float
    request_bytes: int
    response_bytes: int
    wire_bytes: int | None = None
    network: str = ""
    network_source: str = ""

    @property
    def megabytes_per_1000_calls(self) -> float | None:
        """An estimate of the data that 1,000 single-row calls take: HTTP alone, without TCP, TLS or radio overhead."""
        return None if self.wire_bytes is None else self.wire_bytes / 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class ColdStart:
    """What the first answer of a fresh process takes, its files already in the operating system's cache.

    Attributes:
        load_ms: opening the artifact, with the imports that its runtime needs; a server's time until it is ready.
        first_call_us: the first row, asked at once after that.
        answer_ms: from the start of the process to that answer: of this Python and edgepack around an artifact, of the
            C program, or of the model server.
    """

    load_ms: float
    first_call_us: float
    answer_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One way to get the answers.

    Attributes:
        name: a target, `scikit-learn` or `REST`.
        kind: `device` (an artifact, on this host), `server` (scikit-learn in this process) or `rest`.
        runtime: what spoke.
        latencies: one per batch size; empty where the arm did not run.
        reason: why it did not run.
        first_load_ms: opening the artifact for the first time, with the imports that its runtime needs.
        load_ms: opening it again in the same process.
        size_bytes: the artifact's size.
        peak_rss_bytes: the most memory of the arm's own process, where it has one and nothing else is in it: the
            artifact's without Python, or the model server's with all its workers.
        cold: in a process that has just been started, where this run started one.
        instructions_per_row: of single rows, where they were counted; `instructions_reason` says why they were not,
            where they were asked for.
    """

    name: str
    kind: str
    runtime: str = ""
    latencies: tuple[Latency, ...] = ()
    reason: str = ""
    first_load_ms: float | None = None
    load_ms: float | None = None
    size_bytes: int | None = None
    peak_rss_bytes: int | None = None
    cold: ColdStart | None = None
    instructions_per_row: float | None = None
    instructions_reason: str = ""
    transport: Transport | None = None

    @property
    def is_evaluator(self) -> bool:
        """Whether the time is that of a stand-in, which no device will take."""
        return self.kind == "device" and EVALUATOR in self.runtime

    def latency(self, batch_rows: int) -> Latency | None:
        """The latency at a batch size, if it was measured."""
        return next((latency for latency in self.latencies if latency.batch_rows == batch_rows), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """When asking a server is faster than the artifact, by the medians of the batch sizes that were measured.

    Attributes:
        from_rows: the smallest batch at which the server is faster; None where it never is, up to `up_to_rows`.
        spare_rtt_us: how much longer the way to the server could take before it is nowhere faster; 0 where it never is.
    """

    device: str
    rest: str
    from_rows: int | None
    up_to_rows: int
    spare_rtt_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Where the median of a REST call goes, as far as it can be seen from outside the server.

    Attributes:
        way_us: the way there and back, by `/ping`.
        predict_us: the estimator, by the same rows asked in this process.
        rest_us: what is left: JSON, the schema, the web server.
    """

    arm: str
    batch_rows: int
    way_us: float
    predict_us: float
    rest_us: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchResult:
    """All arms, timed in one run on one machine, in turn.

    Attributes:
        host: the machine: no phone, so no figure is a phone's.
        rounds: how often the arms took turns.
        manifest_sha256: whose artifacts were timed: the digest of that bundle's manifest.
    """

    host: str
    rounds: int
    arms: tuple[ArmResult, ...]
    manifest_sha256: str | None = None

    @property
    def slowest_path(self) -> ArmResult | None:
        """What the others are compared with: REST if it ran, else scikit-learn."""
        kinds = ("rest", "server")
        return next((arm for kind in kinds for arm in self.arms if arm.kind == kind and arm.latencies), None)

    @property
    def break_evens(self) -> tuple[BreakEven, ...]:
        """For every artifact and every way to the server, when the server is the faster one."""
        devices = [arm for arm in self.arms if arm.kind == "device" and not arm.is_evaluator]
        pairs = [(device, arm) for device in devices for arm in self.arms if arm.kind == "rest"]
        return tuple(_break_even(device, rest) for device, rest in pairs if device.latencies and rest.latencies)

    @property
    def spent(self) -> tuple[Spent, ...]:
        """For every way to the server and batch size, where the time goes; empty without scikit-learn beside it."""
        server = next((arm for arm in self.arms if arm.kind == "server"), None)
        return tuple(
            _spent(arm, arm.transport, call, predicted)
            for arm in self.arms
            if server and arm.kind == "rest" and arm.transport
            for call in arm.latencies
            if (predicted := server.latency(call.batch_rows))
        )

    def speedup(self, arm: ArmResult, batch_rows: int) -> float | None:
        """How many times faster than `slowest_path` an arm is, by the medians; None for an evaluator."""
        base = self.slowest_path
        theirs = base and base.latency(batch_rows)
        ours = arm.latency(batch_rows)
        if not theirs or not ours or arm is base or arm.is_evaluator:
            return None
        return theirs.p50_us / ours.p50_us

    def to_document(self) -> dict[str, Any]:
        """A document that JSON holds."""
        document = asdict(self)
        for arm, found in zip(self.arms, document["arms"], strict=True):
            for latency, entry in zip(arm.latencies, found["latencies"], strict=True):
                entry["rows_per_s"] = latency.rows_per_s
                entry["speedup"] = self.speedup(arm, latency.batch_rows)
            if arm.transport:
                found["transport"]["estimated_megabytes_per_1000_calls"] = arm.transport.megabytes_per_1000_calls
        document["break_evens"] = [asdict(found) for found in self.break_evens]
        document["spent"] = [asdict(found) for found in self.spent]
        return document


def _spent(arm: ArmResult, transport: Transport, call: Latency, predicted: Latency) -> Spent:
    way_us = min(transport.ping_us, call.p50_us)
    predict_us = min(predicted.p50_us, call.p50_us - way_us)
    return Spent(
        arm=arm.name,
        batch_rows=call.batch_rows,
        way_us=way_us,
        predict_us=predict_us,
        rest_us=call.p50_us - way_us - predict_us,
    )


def _break_even(device: ArmResult, rest: ArmResult) -> BreakEven:
    both = [(ours, theirs) for ours in device.latencies if (theirs := rest.latency(ours.batch_rows))]
    faster = [ours.batch_rows for ours, theirs in both if theirs.p50_us < ours.p50_us]
    gains = [ours.p50_us - theirs.p50_us for ours, theirs in both]
    return BreakEven(
        device=device.name,
        rest=rest.name,
        from_rows=min(faster, default=None),
        up_to_rows=max((ours.batch_rows for ours, _ in both), default=0),
        spare_rtt_us=max(max(gains, default=0.0), 0.0),
    )
