"""Verdicts of many artifacts on many runtimes as one table."""

from __future__ import annotations

from collections.abc import Mapping

from edgepack.contract import Verdict


def to_markdown(verdicts: Mapping[str, Mapping[str, Verdict]], skipped: Mapping[str, str]) -> str:
    """A row per artifact, a column per runtime: the largest difference, or why it failed; skipped runtimes below."""
    runtimes = list(dict.fromkeys(runtime for row in verdicts.values() for runtime in row))
    lines = ["| artifact | rows | " + " | ".join(runtimes) + " |", "| --- | ---: |" + " --- |" * len(runtimes)]
    for name, row in verdicts.items():
        rows = max(verdict.rows for verdict in row.values())
        lines.append(f"| {name} | {rows:,} | " + " | ".join(_cell(row[runtime]) for runtime in runtimes) + " |")
    passed = {r: sum(row[r].passed for row in verdicts.values()) for r in runtimes}
    lines += ["", *(f"{runtime}: {count} of {len(verdicts)} pass" for runtime, count in passed.items())]
    lines += [f"{name}: SKIPPED, {reason}" for name, reason in skipped.items()]
    return "\n".join(lines) + "\n"


def _cell(verdict: Verdict) -> str:
    if not verdict.passed:
        return f"**failed**: {verdict.reason.replace('|', '/')[:120]}"
    error = max((output.smallest_passing_tolerance for output in verdict.outputs), default=0.0)
    ties = f", {verdict.tied_rows} ties" if verdict.tied_rows else ""
    return f"{error:.1g}{ties}"
