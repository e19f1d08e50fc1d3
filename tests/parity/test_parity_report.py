from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from edgepack.contract import Covered, Verdict
from edgepack.parity import compare, not_run
from edgepack.parity.report import to_document, to_junit, to_markdown, to_reasons, to_table


def verdicts() -> list[Verdict]:
    columns = {"s": np.array([["a|b `x`"], ["\x00[red]"]], object)}
    server = {"value": np.array([1.0, 2.0])}
    return [
        compare("onnx", "onnxruntime [1]", server, server, columns=columns, cases={"data": 2}, refused_rows=7),
        compare("coreml", "evaluator", server, {"value": np.array([1.0, np.nan])}, columns=columns),
        not_run("c", "no <compiler>\x01 & no qemu"),
    ]


def test_junit_counts_and_a_verdict_that_did_not_run_is_skipped() -> None:
    suite = ElementTree.fromstring(to_junit(verdicts())).find("testsuite")
    assert suite is not None
    assert {k: suite.get(k) for k in ("tests", "failures", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
    }
    passed, failed, skipped = suite.findall("testcase")
    assert passed.find("failure") is None
    assert passed.find("skipped") is None
    assert failed.find("failure") is not None
    message = skipped.find("skipped")
    assert message is not None
    assert message.get("message") == "no <compiler>\N{REPLACEMENT CHARACTER} & no qemu"


def test_markdown_has_a_row_per_verdict_and_the_worst_rows_of_a_failure() -> None:
    lines = to_markdown(verdicts()).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 5
    assert {line.count("|") - line.count("\\|") for line in table} == {8}
    assert "**measured**" in table[2]
    assert "2 (+7 refused)" in table[2]
    assert "**failed**" in table[3]
    assert "**not run**" in table[4]
    assert sum(line.startswith("- `") for line in lines) == 1


def test_the_table_shows_brackets_as_they_are() -> None:
    console = Console(width=200, file=io.StringIO())
    console.print(to_table(verdicts()))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "onnxruntime [1]" in text
    assert "not run" in text


def test_a_reason_is_told_once_below_the_table_with_all_that_have_it() -> None:
    first, failed, skipped = verdicts()
    again = replace(failed, target="d")
    same = replace(skipped, runtime="gcc", reason=failed.reason)
    assert [str(text) for text in to_reasons([first, failed, again, skipped, same])] == [
        f"\ncoreml, d failed: {failed.reason}",
        "\nc on – not run: no <compiler>\x01 & no qemu",
        f"\nc on gcc not run: {failed.reason}",
    ]
    assert f"coreml, d **failed**: {failed.reason}" in to_markdown([first, failed, again])


def test_the_document_is_strict_json_and_says_whether_all_passed() -> None:
    document: Any = json.loads(json.dumps(to_document(verdicts()), allow_nan=False))
    assert not document["passed"]
    assert [v["passed"] for v in document["verdicts"]] == [True, False, False]
    assert document["verdicts"][1]["outputs"][0]["max_abs_error"] == "inf"
    assert to_document(verdicts()[:1])["passed"]


@pytest.mark.parametrize("write", [to_junit, to_markdown, to_document, to_table, to_reasons])
def test_no_verdicts_are_no_error(write: Any) -> None:
    assert write([]) is not None


def test_reports_tell_what_the_rows_reach() -> None:
    reached = {
        "leaves": Covered(reached=999, reachable=1000, unreachable=2),
        "edges": Covered(reached=4, reachable=4),
        "ties": Covered(reached=0, reachable=3),
    }
    given = [replace(verdicts()[0], coverage=reached)]
    console = Console(width=300, file=io.StringIO())
    console.print(to_table(given))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "leaves 99.9 %, edges 100 %, ties 0 %" in shown
    assert "999 of 1,000 leaves (2 proved out of reach), 4 of 4 edges, 0 of 3 ties" in to_markdown(given)
    assert "999 of 1,000 leaves" in to_junit(given)
    assert to_document(given)["verdicts"][0]["coverage"]["leaves"] == {
        "reached": 999,
        "reachable": 1000,
        "unreachable": 2,
    }
