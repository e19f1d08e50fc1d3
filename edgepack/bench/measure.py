"""Arms timed in turn on the same rows."""

from __future__ import annotations

import os
import platform
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgepack.bench.native import NativeCall, NativeRunner
from edgepack.bench.network import Network
from edgepack.bench.proxy import DelayingProxy
from edgepack.bench.rest import RestClient, payload
from edgepack.bench.result import ArmResult, BenchResult, ColdStart, Transport
from edgepack.bench.statistics import latency
from edgepack.contract import Interface, Runner
from edgepack.errors import EdgepackError, UsageError
from edgepack.rows import columns_of

BATCHES = (1, 32, 1000)
ROUNDS = 10
WARM_UP = 3
SLICES = 64
TURN_S = 0.25
RELOADS = 3

Progress = Callable[[str, int, int], None]
Call = Callable[[int], object]
"""Answers the k-th slice of rows."""


@dataclass(slots=True, kw_only=True)
class _Arm:
    """An arm and what it has shown so far; `slices` prepares a call for a batch size."""

    result: ArmResult
    slices: Callable[[int], Call]
    native: NativeRunner | None = None
    calls: dict[int, Call] = field(default_factory=dict)
    cost_us: dict[int, float] = field(default_factory=dict)
    times_us: dict[int, list[list[float]]] = field(default_factory=dict)


def bench(
    runners: Mapping[str, Callable[[], Runner] | str],
    rows: Any,
    *,
    interface: Interface,
    estimator: Any = None,
    server: str | None = None,
    server_rss: Callable[[], int | None] | None = None,
    server_ready_ms: float | None = None,
    networks: Sequence[Network] = (),
    natives: Mapping[str, Callable[[], NativeRunner]] | None = None,
    instructions: bool = False,
    colds: Mapping[str, Callable[[], ColdStart]] | None = None,
    sizes: Mapping[str, int] | None = None,
    batches: Sequence[int] = BATCHES,
    repeats: int = 200,
    on_progress: Progress | None = None,
) -> BenchResult:
    """Latencies of every arm: each artifact, scikit-learn in this process, and a model server.

    The arms take turns in `ROUNDS` rounds, so that whatever else the machine does meets all of them alike. An arm that
    fails says why in its `reason` and is left out.

    Args:
        runners: per target, what opens its artifact; or the reason why its runtime is not there.
        rows: as the estimator takes them, with the dtypes that the server's signature wants; repeated as needed.
        interface: the model's.
        estimator: the fitted estimator, for the `scikit-learn` arm.
        server: a model server's address, for the `REST` arm.
        server_rss: the most memory that the server has held, asked when all is done.
        server_ready_ms: how long the server took to start, if it has answered nothing yet.
        networks: the server is asked through each of these too, simulated on this machine.
        natives: further arms in processes without Python, by name. Their rows must be enough for the largest batch.
        instructions: whether to count those of the further arms, after everything has been timed.
        colds: per target, what measures its cold starts.
        sizes: bytes per target.
        batches: rows per call.
        repeats: how many single-row calls are timed per arm; larger batches, and arms that take long, are called less
            often.

    Raises:
        UsageError: no rows, or an address that is none.
    """
    if not len(rows):
        raise UsageError("0 rows to time; give at least one")
    arms: list[_Arm] = []
    if networks and server is None:
        raise UsageError(
            f"--network {networks[0].name} without a server to ask through it; add --serve or --server URL"
        )
    for target, opener in runners.items():
        arm = _device_arm(target, opener, rows, interface, (sizes or {}).get(target))
        arms.append(_started(arm, (colds or {}).get(target)))
    if estimator is not None:
        result = ArmResult(name="scikit-learn", kind="server", runtime=f"scikit-learn {_sklearn_version()}, in process")
        arms.append(_Arm(result=result, slices=lambda size: _estimator_call(estimator, rows, size)))
    with ExitStack() as stack:
        arms += [_native_arm(stack, name, opener) for name, opener in (natives or {}).items()]
        if server is not None:
            arms.append(_rest_arm(stack.enter_context(RestClient(server)), rows, server_ready_ms))
        arms += [_network_arm(stack, str(server), network, rows) for network in networks]
        _prepare(arms, batches)
        _take_turns(arms, batches, repeats, on_progress or (lambda _what, _done, _total: None))
        for arm in arms:
            if instructions and arm.native:
                arm.result = _counted(arm.result, arm.native)
            if server_rss and arm.result.name == "REST" and arm.times_us:
                arm.result = replace(arm.result, peak_rss_bytes=server_rss())
    return BenchResult(host=_host(), rounds=ROUNDS, arms=tuple(_finished(arm) for arm in arms))


def _prepare(arms: Sequence[_Arm], batches: Sequence[int]) -> None:
    """Makes every arm's calls and runs each a few times; an arm that fails is out."""
    for arm in arms:
        if arm.result.reason:
            continue
        try:
            for size in batches:
                call = arm.slices(size)
                arm.cost_us[size] = min(_times_us(call, 0, WARM_UP))
                arm.calls[size] = call
        except Exception as error:  # a runtime raises what it likes; the other arms still run
            _drop(arm, error)


def _take_turns(arms: Sequence[_Arm], batches: Sequence[int], repeats: int, progress: Progress) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for turn in range(ROUNDS):
            progress("bench", turn, ROUNDS)
            for size in batches:
                wanted = repeats / size ** (1 / 3) / ROUNDS
                for arm in arms:
                    if call := arm.calls.get(size):
                        calls = max(round(min(wanted, TURN_S * 1e6 / arm.cost_us[size])), 1)
                        try:
                            arm.times_us.setdefault(size, []).append(_times_us(call, turn * calls, calls))
                        except Exception as error:  # as above
                            _drop(arm, error)
    progress("bench", ROUNDS, ROUNDS)


def _times_us(call: Call, first: int, calls: int) -> list[float]:
    """How long each call took; no further call once they have taken `TURN_S` together, however busy the machine is."""
    call(first)  # the arm before has had the caches
    if isinstance(call, NativeCall):
        return call.times_us(first, calls)
    times: list[float] = []
    begin = time.perf_counter_ns()
    for k in range(first, first + calls):
        start = time.perf_counter_ns()
        if times and start - begin > TURN_S * 1e9:
            break
        call(k)
        times.append((time.perf_counter_ns() - start) / 1e3)
    return times


def _drop(arm: _Arm, error: Exception) -> None:
    text = str(error).strip() or type(error).__name__
    arm.result = replace(arm.result, reason=text.splitlines()[0][:200])
    arm.calls.clear()
    arm.times_us.clear()


def _finished(arm: _Arm) -> ArmResult:
    found = tuple(latency(size, times) for size, times in arm.times_us.items())
    return replace(arm.result, latencies=found)


def _device_arm(
    target: str, opener: Callable[[], Runner] | str, rows: Any, interface: Interface, size_bytes: int | None
) -> _Arm:
    result = ArmResult(name=target, kind="device", size_bytes=size_bytes)
    arm = _Arm(result=result, slices=_no_call)
    if isinstance(opener, str):
        arm.result = replace(result, reason=opener)
        return arm
    try:
        first_load_ms, runner = _load_ms(opener)
        again = [_load_ms(opener)[0] for _ in range(RELOADS)]
        columns = columns_of(rows, interface)
        runtime = runner.runtime
    except Exception as error:  # as above
        _drop(arm, error)
        return arm
    arm.result = replace(result, runtime=runtime, first_load_ms=first_load_ms, load_ms=float(np.median(again)))

    def slices(size: int) -> Call:
        parts = [{name: x[at] for name, x in columns.items()} for at in _slices(len(rows), size)]
        return lambda k: runner.run(parts[k % len(parts)])

    arm.slices = slices
    return arm


def _started(arm: _Arm, measure: Callable[[], ColdStart] | None) -> _Arm:
    if measure and not arm.result.reason:
        try:
            arm.result = replace(arm.result, cold=measure())
        except EdgepackError as error:
            _drop(arm, error)
    return arm


def _native_arm(stack: ExitStack, name: str, opener: Callable[[], NativeRunner]) -> _Arm:
    arm = _Arm(result=ArmResult(name=name, kind="device"), slices=_no_call)
    try:
        runner = stack.enter_context(opener())
    except EdgepackError as error:
        _drop(arm, error)
        return arm
    loaded = replace(
        arm.result,
        runtime=runner.runtime,
        load_ms=runner.load_ms,
        cold=runner.cold,
        peak_rss_bytes=runner.peak_rss_bytes,
    )
    arm.result, arm.native, arm.slices = loaded, runner, lambda size: NativeCall(runner=runner, size=size)
    return arm


def _counted(result: ArmResult, runner: NativeRunner) -> ArmResult:
    try:
        return replace(result, instructions_per_row=runner.instructions_per_row())
    except EdgepackError as error:
        return replace(result, instructions_reason=str(error))


def _rest_arm(client: RestClient, rows: Any, ready_ms: float | None = None) -> _Arm:
    arm = _Arm(result=ArmResult(name="REST", kind="rest", runtime=client.url), slices=_no_call)
    try:
        body = payload(_part(rows, _slices(len(rows), 1)[0]))
        start = time.perf_counter_ns()
        answer = client.invoke(body)
        first_us = (time.perf_counter_ns() - start) / 1e3
        connect_us = float(np.median([client.connect_us() for _ in range(ROUNDS)]))
        ping_us = float(np.median(_times_us(lambda _: client.ping(), 0, 5 * ROUNDS)))
    except Exception as error:  # as above
        _drop(arm, error)
        return arm
    transport = Transport(connect_us=connect_us, ping_us=ping_us, request_bytes=len(body), response_bytes=len(answer))
    arm.result = replace(arm.result, transport=transport)
    if ready_ms is not None:
        cold = ColdStart(load_ms=ready_ms, first_call_us=first_us, answer_ms=ready_ms + first_us / 1e3)
        arm.result = replace(arm.result, cold=cold)

    def slices(size: int) -> Call:
        bodies = [payload(_part(rows, at)) for at in _slices(len(rows), size)]
        return lambda k: client.invoke(bodies[k % len(bodies)])

    arm.slices = slices
    return arm


def _network_arm(stack: ExitStack, server: str, network: Network, rows: Any) -> _Arm:
    """The server behind a simulated network."""
    name = f"REST, {network.name}"
    if not network.reachable:
        reason = "no network: only an artifact answers"
        return _Arm(result=ArmResult(name=name, kind="rest", reason=reason), slices=_no_call)
    proxy = stack.enter_context(DelayingProxy(server, network))
    client = stack.enter_context(RestClient(proxy.url))
    arm = _rest_arm(client, rows)
    if arm.result.transport:
        body = payload(_part(rows, _slices(len(rows), 1)[0]))
        before = proxy.carried_bytes
        client.invoke(body)
        carried = proxy.carried_bytes - before
        transport = replace(
            arm.result.transport, wire_bytes=carried, network=str(network), network_source=network.source
        )
        arm.result = replace(arm.result, transport=transport)
    arm.result = replace(arm.result, name=name, runtime=f"{server}, simulated {network}")
    return arm


def _estimator_call(estimator: Any, rows: Any, size: int) -> Call:
    parts = [_part(rows, at) for at in _slices(len(rows), size)]
    method = getattr(estimator, "predict_proba", estimator.predict)
    return lambda k: method(parts[k % len(parts)])


def _no_call(_size: int) -> Call:
    raise UsageError("an arm that did not load has no calls")


def _slices(count: int, size: int) -> list[Any]:
    """Row numbers of different slices, each `size` long; they go around where there are too few rows."""
    return [(np.arange(size) + k * size) % count for k in range(min(SLICES, max(count // size, 1)))]


def _part(rows: Any, at: Any) -> Any:
    return rows.iloc[at] if hasattr(rows, "iloc") else np.asarray(rows)[at]


def _load_ms(opener: Callable[[], Runner]) -> tuple[float, Runner]:
    start = time.perf_counter_ns()
    runner = opener()
    return (time.perf_counter_ns() - start) / 1e6, runner


def _sklearn_version() -> str:
    import sklearn

    version: str = sklearn.__version__
    return version


def _host() -> str:
    system, machine = platform.system(), platform.machine()
    return f"host: {system} {machine}, {os.cpu_count()} cores, Python {platform.python_version()}; not a phone"
