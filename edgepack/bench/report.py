"""A benchmark for people: a terminal table and Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgepack.bench.result import ArmResult, BenchResult, BreakEven, Latency, Spent

if TYPE_CHECKING:
    from rich.table import Table


def to_table(result: BenchResult) -> Table:
    """A rich table: one row per arm and batch size."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title="Latency",
        title_justify="left",
        title_style="bold",
        caption=Text("\n".join(_notes(result))),
        caption_justify="left",
    )
    headers = _headers(result)
    for k, header in enumerate(headers):
        table.add_column(header, justify="left" if k < 2 else "right", overflow="fold")
    for arm in result.arms:
        for row in _rows(result, arm):
            table.add_row(*(Text(cell) for cell in row))
        table.add_section()
    return table


def to_markdown(result: BenchResult) -> str:
    """A Markdown table: one row per arm and batch size."""
    headers = _headers(result)
    lines = ["| " + " | ".join(headers) + " |", "| --- | --- |" + " ---: |" * (len(headers) - 2)]
    for arm in result.arms:
        lines += ["| " + " | ".join(_escaped(cell) for cell in row) + " |" for row in _rows(result, arm)]
    return "\n".join([*lines, "", *(f"- {note}" for note in _notes(result))]) + "\n"


def _headers(result: BenchResult) -> list[str]:
    base = result.slowest_path
    against = f"× {base.name}" if base else "×"
    return ["arm", "runtime", "rows", "p50", "p90", "p99", "max", "rows/s", "load", "first answer", "size", against]


def _rows(result: BenchResult, arm: ArmResult) -> list[list[str]]:
    load = "–" if arm.load_ms is None else f"{arm.load_ms:.1f} ms"
    cold = "–" if arm.cold is None else _time(arm.cold.answer_ms * 1e3)
    size = "–" if arm.size_bytes is None else f"{arm.size_bytes:,} B"
    if not arm.latencies:
        return [[arm.name, f"not run: {arm.reason}", *["–"] * 6, load, cold, size, "–"]]
    return [
        [arm.name if k == 0 else "", arm.runtime if k == 0 else "", *_figures(latency)]
        + ([load, cold, size] if k == 0 else ["", "", ""])
        + [_speedup(result.speedup(arm, latency.batch_rows))]
        for k, latency in enumerate(arm.latencies)
    ]


def _figures(latency: Latency) -> list[str]:
    times = [_time(us) for us in (latency.p50_us, latency.p90_us, latency.p99_us, latency.max_us)]
    return [f"{latency.batch_rows:,}", *times, f"{latency.rows_per_s:,.0f}"]


def _time(us: float) -> str:
    if us >= 1e6:
        return f"{us / 1e6:,.2f} s"
    return f"{us:,.1f} µs" if us < 1000 else f"{us / 1000:,.2f} ms"


def _speedup(ratio: float | None) -> str:
    if ratio is None:
        return "–"
    return f"{ratio:,.0f}×" if ratio >= 100 else f"{ratio:.2g}×" if ratio < 10 else f"{ratio:.0f}×"


def _notes(result: BenchResult) -> list[str]:
    parts = [f"{result.host}; arms in turn, {result.rounds} rounds"]
    if any(arm.cold for arm in result.arms):
        parts.append("first answer: from the start of a fresh process, its files in the cache, to one row's answer")
    for arm in result.arms:
        if arm.cold:
            load = _time(arm.cold.load_ms * 1e3)
            parts.append(f"{arm.name}: cold, {load} to load and {_time(arm.cold.first_call_us)} for the first row")
        if arm.peak_rss_bytes is not None:
            parts.append(f"{arm.name}: {arm.peak_rss_bytes / 1e6:.0f} MB peak RSS of its process")
        if arm.instructions_per_row is not None:
            parts.append(f"{arm.name}: {arm.instructions_per_row:,.0f} instructions per single row (callgrind)")
        if arm.instructions_reason:
            parts.append(f"{arm.name}: instructions not counted, {arm.instructions_reason}")
        if t := arm.transport:
            parts.append(
                f"{arm.name}: connect {_time(t.connect_us)}, /ping {_time(t.ping_us)} (the floor of a call), "
                f"{t.request_bytes:,} bytes up and {t.response_bytes:,} down per single-row call"
            )
        if arm.transport and (megabytes := arm.transport.megabytes_per_1000_calls) is not None:
            parts.append(f"{arm.name}: {megabytes:.2f} MB per 1,000 single-row calls (estimate: HTTP alone)")
        if arm.is_evaluator and arm.latencies:
            parts.append(f"{arm.name}: the evaluator checks answers; only Apple's runtime says how long a device takes")
    parts += [_spent(found) for found in result.spent if found.batch_rows == 1]
    parts += [_break_even(found) for found in result.break_evens]
    return parts


def _spent(found: Spent) -> str:
    return (
        f"{found.arm}: of a single-row call {_time(found.way_us)} is the way, {_time(found.predict_us)} the estimator, "
        f"{_time(found.rest_us)} JSON, schema and web server"
    )


def _break_even(found: BreakEven) -> str:
    if found.from_rows is None:
        return f"{found.device} is faster than {found.rest} up to {found.up_to_rows:,} rows"
    gain = f"by {_time(found.spare_rtt_us)} at most"
    return f"{found.rest} is faster than {found.device} from {found.from_rows:,} rows, {gain}"


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
