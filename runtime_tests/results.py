"""Verdicts of many artifacts on many runtimes: as a table, and beside a table that was committed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from edgepack.contract import Verdict

FLOOR = 1e-12
"""Differences up to here are those of the last bits, which another processor adds up otherwise."""
REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A run.

    Attributes:
        spoke: by runtime, what it says of itself.
        verdicts: by artifact and runtime; `not run` where the artifact cannot be written for it.
        skipped: by runtime, why it did not run.
    """

    spoke: Mapping[str, str] = field(default_factory=dict)
    verdicts: Mapping[str, Mapping[str, Verdict]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether any answer is not scikit-learn's."""
        return any(verdict.status == "failed" for row in self.verdicts.values() for verdict in row.values())

    def summary(self) -> list[str]:
        """A line per runtime: how many artifacts pass, or why it was skipped."""
        lines = []
        for name, title in self.spoke.items():
            found = [row[name].status for row in self.verdicts.values()]
            refused = found.count("not run")
            passed = len(found) - refused - found.count("failed")
            told = f"; {refused} cannot be written for it" if refused else ""
            lines.append(f"{name} ({title}): {passed} of {len(found) - refused} pass{told}")
        return [*lines, *(f"{name}: SKIPPED, {reason}" for name, reason in self.skipped.items())]

    def to_markdown(self) -> str:
        """A row per artifact, a column per runtime: the largest difference, or why it failed; the summary below."""
        lines = ["| artifact | rows | " + " | ".join(self.spoke) + " |", "| --- | ---: |" + " --- |" * len(self.spoke)]
        for name, row in self.verdicts.items():
            rows = max(verdict.rows for verdict in row.values())
            lines.append(f"| {name} | {rows:,} | " + " | ".join(_cell(row[runtime]) for runtime in self.spoke) + " |")
        return "\n".join([*lines, "", *(f"- {line}" for line in self.summary())]) + "\n"


def read_cells(text: str) -> dict[str, dict[str, str]]:
    """What a table of `Results.to_markdown` says, by artifact and runtime."""
    rows = [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    if len(rows) < 3:
        raise ValueError("no table of results; write one with --out")
    return {row[0]: dict(zip(rows[0][2:], row[2:], strict=True)) for row in rows[2:]}


def differences(results: Results, golden: str, forms: Mapping[str, str], *, part: str = "") -> Iterator[str]:
    """A line for all that is not as in the committed text.

    The last bits of a difference are the processor's, so a number may be ten times the largest of its artifact's row in
    the table, and up to `FLOOR` any. What passed there and fails, or is refused, or is new, or is gone, differs. A
    runtime that was skipped there is judged by its answers alone.

    Args:
        golden: what `Results.to_markdown` once gave.
        forms: by runtime, the kind of artifact that it is asked: only those of one kind are alike.
        part: of the artifacts' names, where not all were asked.
    """
    cells = read_cells(golden)
    known = {runtime for row in cells.values() for runtime in row}
    skipped = {line[2:].partition(": SKIPPED")[0] for line in golden.splitlines() if ": SKIPPED" in line}
    yield from (f"{runtime}: not in the table" for runtime in results.spoke if runtime not in known | skipped)
    if results.spoke:
        yield from (f"{name}: gone" for name in cells if part in name and name not in results.verdicts)
    for name, row in results.verdicts.items():
        if name not in cells:
            yield f"{name}: not in the table"
            continue
        for runtime in row.keys() & known:
            was, now = cells[name][runtime], _cell(row[runtime])
            alike = [_number(cell) for other, cell in cells[name].items() if forms.get(other) == forms.get(runtime)]
            most = max(FLOOR, 10 * max((number for number in alike if number), default=0.0))
            found = _number(now)
            if was != now and (REFUSED in (was, now) or found is None or found > most):
                yield f"{name} on {runtime}: {now}, in the table {was}"


def _number(cell: str) -> float | None:
    """The difference that a cell tells; None for a failure or a refusal."""
    try:
        return float(cell.split(",")[0])
    except ValueError:
        return None


def _cell(verdict: Verdict) -> str:
    if verdict.status == "not run":
        return REFUSED
    if not verdict.passed:
        return f"**failed**: {verdict.reason.replace('|', '/')[:120]}"
    error = max((output.smallest_passing_tolerance for output in verdict.outputs), default=0.0)
    ties = f", {verdict.tied_rows} ties" if verdict.tied_rows else ""
    return f"{error:.1g}{ties}"
