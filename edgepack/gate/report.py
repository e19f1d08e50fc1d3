"""The gate's findings where CI shows them: GitHub's annotations and job summary, JUnit XML, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from edgepack.contract import Verdict
from edgepack.gate.judge import Check
from edgepack.parity import report


def to_annotations(verdicts: Sequence[Verdict], checks: Sequence[Check]) -> list[str]:
    """A workflow command per finding: `::error` for what failed, `::warning` for what did not run.

    Source: GitHub Actions, "Workflow commands"; a message's `%`, CR and LF are escaped, in a property `:` and `,` too.
    """
    lines = []
    for verdict in verdicts:
        if not verdict.passed:
            level = "error" if verdict.status == "failed" else "warning"
            where = f"{verdict.target} on {verdict.runtime}" if verdict.runtime else verdict.target
            lines.append(_command(level, f"edgepack parity: {verdict.status}", f"{where}: {verdict.reason}"))
    lines += [_command("error", f"edgepack {c.kind}", f"{c.name}: {c.found}") for c in checks if not c.passed]
    return lines


def to_markdown(verdicts: Sequence[Verdict], checks: Sequence[Check]) -> str:
    """The verdicts' tables, and one with a row per demand."""
    text = report.to_markdown(verdicts)
    if not checks:
        return text
    lines = ["", "| demand | | found |", "| --- | --- | --- |"]
    lines += [f"| {_cell(c.name)} | {'passed' if c.passed else '**failed**'} | {_cell(c.found)} |" for c in checks]
    return text + "\n".join(lines) + "\n"


def to_junit(verdicts: Sequence[Verdict], checks: Sequence[Check]) -> str:
    """The verdicts' suite, and a second one with a test case per demand."""
    text = report.to_junit(verdicts)
    if not checks:
        return text
    root = ElementTree.fromstring(text)
    failures = sum(not c.passed for c in checks)
    counts = {"tests": len(checks), "failures": failures, "errors": 0, "skipped": 0}
    told = {key: str(count) for key, count in counts.items()}
    suite = ElementTree.SubElement(root, "testsuite", {"name": "edgepack policy", **told})
    for check in checks:
        case = ElementTree.SubElement(suite, "testcase", {"classname": f"edgepack.{check.kind}", "name": check.name})
        if not check.passed:
            ElementTree.SubElement(case, "failure", {"message": check.found})
        ElementTree.SubElement(case, "system-out").text = check.found
    for key, count in counts.items():
        root.set(key, str(int(root.get(key, "0")) + count))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def to_document(verdicts: Sequence[Verdict], checks: Sequence[Check]) -> dict[str, Any]:
    """The verdicts' document with every check beside them; `passed` holds for both."""
    document = report.to_document(verdicts)
    return {
        **document,
        "passed": document["passed"] and all(c.passed for c in checks),
        "checks": [asdict(c) for c in checks],
    }


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
