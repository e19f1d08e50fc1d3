"""Verdicts for people and for CI: a terminal table, Markdown, JUnit XML, and a JSON document."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from edgepack.contract import Covered, OutputComparison, Verdict

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

HEADERS = ("target", "runtime", "verdict", "rows", "coverage", "label changes", "smallest passing tolerance")
STYLES = {"proved": "bold green", "measured": "green", "failed": "bold red", "not run": "yellow"}


def to_table(verdicts: Sequence[Verdict]) -> Table:
    """A rich table with one row per verdict."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title="Parity with scikit-learn", title_justify="left", title_style="bold")
    for header in HEADERS:
        table.add_column(header, justify="right" if header in ("rows", "label changes") else "left", overflow="fold")
    for verdict in verdicts:
        target, runtime, status, *rest = _cells(verdict)
        # Text, because a runtime's message may hold what rich would take for markup
        table.add_row(Text(target), Text(runtime), Text(status, STYLES[status]), *(Text(cell) for cell in rest))
    return table


def to_reasons(verdicts: Sequence[Verdict]) -> list[Text]:
    """Why a verdict is what it is, a paragraph for all that have the same reason; a table's column is too narrow."""
    from rich.text import Text

    return [
        Text.assemble(("\n" + ", ".join(names), "bold"), " ", (status, STYLES[status]), f": {reason}")
        for names, status, reason in _reasons(verdicts)
    ]


def to_markdown(verdicts: Sequence[Verdict]) -> str:
    """A Markdown table with one row per verdict, the reasons, and the worst rows of those that failed."""
    lines = ["| " + " | ".join(HEADERS) + " |", "| " + " | ".join("---" for _ in HEADERS) + " |"]
    for verdict in verdicts:
        target, runtime, status, *rest = (_escaped(cell) for cell in _cells(verdict))
        lines.append("| " + " | ".join([target, runtime, f"**{status}**", *rest]) + " |")
    for names, status, reason in _reasons(verdicts):
        lines += ["", f"{_escaped(', '.join(names))} **{status}**: {_escaped(reason)}"]
    for verdict in verdicts:
        if verdict.machine is not None:
            lines += ["", f"{_escaped(verdict.target)} ran on {_escaped(str(verdict.machine))}."]
        if counts := ", ".join(f"{count:,} {origin}" for origin, count in verdict.cases.items()):
            lines += ["", f"Rows for {_escaped(verdict.target)}: {counts}."]
        if reached := ", ".join(_told(kind, covered) for kind, covered in verdict.coverage.items()):
            lines += ["", f"Reached for {_escaped(verdict.target)}: {reached}."]
        if verdict.status == "failed" and verdict.worst_rows:
            lines += ["", f"Worst rows of {_escaped(verdict.target)}:", ""]
            lines += [f"- `{_one_line(row)}`" for row in verdict.worst_rows]
    return "\n".join(lines) + "\n"


def to_junit(verdicts: Sequence[Verdict]) -> str:
    """JUnit XML: a test case per verdict; `failed` is a failure, `not run` is skipped and never green."""
    failures = sum(v.status == "failed" for v in verdicts)
    skipped = sum(v.status == "not run" for v in verdicts)
    counts = {"tests": str(len(verdicts)), "failures": str(failures), "errors": "0", "skipped": str(skipped)}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "edgepack parity", **counts})
    for verdict in verdicts:
        name = f"{verdict.target} on {verdict.runtime}" if verdict.runtime else verdict.target
        case = ElementTree.SubElement(suite, "testcase", {"classname": "edgepack.parity", "name": _xml_text(name)})
        if verdict.status == "not run":
            ElementTree.SubElement(case, "skipped", {"message": _xml_text(verdict.reason)})
        elif not verdict.passed:
            failure = ElementTree.SubElement(case, "failure", {"message": _xml_text(verdict.reason)})
            failure.text = _xml_text("\n".join(_one_line(row) for row in verdict.worst_rows))
        ElementTree.SubElement(case, "system-out").text = _xml_text(_summary(verdict))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def to_document(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """A document that JSON holds: every verdict's fields, infinite numbers as text."""
    return {
        "passed": all(verdict.passed for verdict in verdicts),
        "verdicts": [{**_finite(asdict(verdict)), "passed": verdict.passed} for verdict in verdicts],
    }


def _cells(verdict: Verdict) -> list[str]:
    ran = verdict.rows > 0
    rows = f"{verdict.rows:,}" + (f" (+{verdict.refused_rows:,} refused)" if verdict.refused_rows else "")
    changes = f"{verdict.label_changes}" + (f" ({_ties(verdict)})" if verdict.tied_rows else "")
    has_label = any(output.output == "label" for output in verdict.outputs)
    return [
        verdict.target,
        _runtime(verdict),
        verdict.status,
        rows if ran else "–",
        ", ".join(f"{kind} {_share(covered)}" for kind, covered in verdict.coverage.items()) or "–",
        changes if has_label or verdict.tied_rows else "–",
        ", ".join(_smallest(output) for output in verdict.outputs if output.measure != "exact") or "–",
    ]


def _reasons(verdicts: Sequence[Verdict]) -> list[tuple[list[str], str, str]]:
    """Who has which verdict for which reason, if it has one; the runtime is named where a target has several."""
    targets = [verdict.target for verdict in verdicts]
    found: dict[tuple[str, str], list[str]] = {}
    for verdict in verdicts:
        if verdict.reason:
            name = f"{verdict.target} on {_runtime(verdict)}" if targets.count(verdict.target) > 1 else verdict.target
            found.setdefault((verdict.status, verdict.reason), []).append(name)
    return [(names, status, reason) for (status, reason), names in found.items()]


def _runtime(verdict: Verdict) -> str:
    """`onnxruntime 1.32.0 x86_64`; with the architecture where the runtime does not name it."""
    machine = verdict.machine
    named = machine is None or machine.architecture in verdict.runtime
    return f"{verdict.runtime or '–'}" + ("" if named or machine is None else f", {machine.architecture}")


def _ties(verdict: Verdict) -> str:
    near = f", {verdict.near_tied_rows} of them within {verdict.tie_width:.0e}" if verdict.near_tied_rows else ""
    return f"{verdict.tied_rows} ties{near}"


def _smallest(output: OutputComparison) -> str:
    return f"{output.output} {output.smallest_passing_tolerance:.2g} {output.measure} (of {output.tolerance:.0e})"


def _share(covered: Covered) -> str:
    """`100 %`; rounded down, so that it says 100 only where nothing reachable is left."""
    share = 1.0 if not covered.reachable else covered.reached / covered.reachable
    return f"{math.floor(share * 1000) / 10:g} %"


def _told(kind: str, covered: Covered) -> str:
    closed = f" ({covered.unreachable:,} proved out of reach)" if covered.unreachable else ""
    return f"{covered.reached:,} of {covered.reachable:,} {kind}{closed}"


def _summary(verdict: Verdict) -> str:
    cells = zip(HEADERS, _cells(verdict), strict=True)
    lines = [f"{header}: {cell}" for header, cell in cells if cell not in ("", "–")]
    lines += [f"why: {verdict.reason}"] if verdict.reason else []
    lines += [f"{origin}: {count} rows" for origin, count in verdict.cases.items()]
    return "\n".join([*lines, *(_told(kind, covered) for kind, covered in verdict.coverage.items())])


def _one_line(row: Any) -> str:
    import json

    return json.dumps(row, ensure_ascii=False, default=str).replace("`", "'")


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _xml_text(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold, not even escaped. Source: XML 1.0, production 2 (Char)."""
    return re.sub("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\N{REPLACEMENT CHARACTER}", text)


def _finite(value: Any) -> Any:
    match value:
        case dict():
            return {key: _finite(v) for key, v in value.items()}
        case list() | tuple():
            return [_finite(v) for v in value]
        case float() if not math.isfinite(value):
            return str(value)
        case _:
            return value
