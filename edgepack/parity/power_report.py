"""The self-test for people and for CI."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edgepack.parity.power import Power, Trial

if TYPE_CHECKING:
    from rich.table import Table

HEADERS = ("target", "mistake", "planted", "caught", "change nothing", "missed", "missed by plain sampling")


def to_table(power: Power) -> Table:
    """A rich table with a row per target and kind of mistake."""
    from rich.table import Table

    title = f"Mistakes planted in the artifacts, shown {power.rows:,} rows each"
    table = Table(title=title, title_justify="left", title_style="bold")
    for k, header in enumerate(HEADERS):
        table.add_column(header, justify="left" if k < 2 else "right")
    for target, kind in dict.fromkeys((trial.target, trial.kind) for trial in power.trials):
        table.add_row(target, kind, *_counts([t for t in power.trials if (t.target, t.kind) == (target, kind)]))
    table.add_row("all", "", *_counts(list(power.trials)), style="bold")
    return table


def to_lines(power: Power) -> list[str]:
    """Every mistake that was not caught, with the reason why, and every target that none was planted in."""
    lines = [f"{t.target}: {t.outcome}: {t.kind} at {t.place} ({t.reason})" for t in power.trials if not _caught(t)]
    return [*lines, *(f"{target}: not tested: {reason}" for target, reason in power.untried.items())]


def to_document(power: Power) -> dict[str, Any]:
    """A document that JSON holds: every trial, and the rates."""
    return {
        "passed": not power.missed,
        "rows": power.rows,
        "sampled_miss_rate": power.sampled_miss_rate,
        "untried": dict(power.untried),
        "trials": [asdict(trial) for trial in power.trials],
    }


def _counts(trials: list[Trial]) -> list[str]:
    outcomes = Counter(trial.outcome for trial in trials)
    semantic = [trial for trial in trials if trial.outcome != "equivalent"]
    unseen = sum(not trial.sampled for trial in semantic)
    share = f"{unseen} ({unseen / len(semantic):.0%})" if semantic else "–"
    return [str(len(trials)), *(str(outcomes[name]) for name in ("caught", "equivalent", "missed")), share]


def _caught(trial: Trial) -> bool:
    return trial.outcome == "caught"
