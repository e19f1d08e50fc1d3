"""A difference of two bundles for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from edgepack.report.difference import AnswerChange, BundleDifference, Change
from edgepack.report.numbers import figure

if TYPE_CHECKING:
    from rich.table import Table


def to_tables(found: BundleDifference) -> Iterator[Table | str]:
    """A table per part that differs, answers and sizes first."""
    yield _table(
        f"{found.before} → {found.after}: each one's golden rows, answered by the other's artifact",
        ("target", "rows of", "rows", "label changes", "largest |Δ|", "remark"),
        [_answer_cells(found, change) for change in found.answers],
    )
    yield _table(
        "Sizes",
        ("target", "before", "after", "before, compressed", "after, compressed"),
        [
            (
                s.target,
                *(
                    figure(n, "size")
                    for n in (s.before_bytes, s.after_bytes, s.before_compressed_bytes, s.after_compressed_bytes)
                ),
            )
            for s in found.sizes
        ],
    )
    if found.latencies:
        rows = [(c.target, figure(c.before_us, "time"), figure(c.after_us, "time")) for c in found.latencies]
        yield _table("One row, median", ("target", "before", "after"), rows)
    for title, changes in (
        ("Inputs, outputs and classes", found.interface),
        ("Operations", found.program),
        ("Lineage", found.lineage),
    ):
        yield _changes(title, changes) if changes else f"{title}: unchanged"


def _answer_cells(found: BundleDifference, change: AnswerChange) -> tuple[str, ...]:
    errors = ", ".join(f"{o.output} {figure(o.max_abs_error, 'error')}" for o in change.outputs if o.measure != "exact")
    rows_of = found.before if change.rows_of == "before" else found.after
    labels = figure(change.label_changes, "count")
    return change.target, rows_of, figure(change.rows, "count"), labels, errors or "–", change.reason


def _changes(title: str, changes: Sequence[Change]) -> Table:
    return _table(title, ("what", "before", "after"), [(c.what, c.before or "–", c.after or "–") for c in changes])


def _table(title: str, headers: Sequence[str], rows: Sequence[tuple[str, ...]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold")
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
