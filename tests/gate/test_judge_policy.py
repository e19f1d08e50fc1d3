from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from edgepack.bundle.manifest import BundledArtifact
from edgepack.contract import Artifact, Verdict
from edgepack.errors import BudgetError, EdgepackError, ParityError
from edgepack.gate import Budget, Check, Policy, judge, report, require_all
from edgepack.runtimes import Spec

HERE = Verdict(target="onnx", runtime="onnxruntime 1.32.0 x86_64", status="measured", rows=9)
ENTRY = BundledArtifact(
    artifact=Artifact(target="onnx", path=Path("onnx/model.onnx"), format="ONNX", min_runtime="onnxruntime 1.20"),
    files=(),
    size_bytes=1000,
    compressed_size_bytes=600,
)


def checks_of(verdicts: list[Any], measured: Any = None, **demands: Any) -> tuple[Check, ...]:
    """`measured` stands for times and for instructions alike."""
    policy, found = Policy(path=Path("edgepack.toml"), **demands), measured or {}
    return judge(policy, verdicts, [ENTRY], p50_us=found, instructions=found)


def on(runtime: str, status: Any = "measured") -> Verdict:
    return Verdict(target="onnx", runtime=runtime, status=status, reason="why")


@pytest.mark.parametrize(
    ("target", "verdicts", "passed"),
    [
        ("onnx", [HERE], True),
        ("coreml", [HERE], False),
        ("onnx", [HERE, on("onnxruntime 1.26.0 x86_64", "failed")], False),
        ("onnx", [on("", "not run")], False),
    ],
)
def test_a_required_target_is_there_and_passes_everywhere(target: str, verdicts: list[Verdict], passed: bool) -> None:
    (check,) = checks_of(verdicts, targets=(target,))
    assert (check.passed, check.kind) == (passed, "parity")


@pytest.mark.parametrize(
    ("word", "runtime", "status", "passed"),
    [
        ("onnxruntime==1.20.1", "onnxruntime 1.20.1 x86_64", "measured", True),
        ("onnxruntime==1.20.1", "onnxruntime 1.20.10 x86_64", "measured", False),
        ("onnxruntime==1.20.1", "onnxruntime==1.20.1", "not run", False),
        ("onnxruntime==1.20.1", "onnxruntime 1.20.1 x86_64", "failed", False),
        ("node", "onnxruntime-node 1.30.0 x64, Node v20", "measured", True),
        ("node==1.20.1", "onnxruntime-node 1.30.0 x64, Node v20", "measured", False),
        ("web", "onnxruntime-node 1.30.0 x64, Node v20", "measured", False),
        ("arm64", "onnxruntime 1.32.0 aarch64", "measured", True),
        ("arm64", "onnxruntime 1.32.0 x86_64", "measured", False),
        ("arm64", "arm64", "not run", False),
    ],
)
def test_a_required_runtime_has_run_and_passed(word: str, runtime: str, status: str, passed: bool) -> None:
    (check,) = checks_of([HERE, on(runtime, status)], runtimes=(Spec.parse(word),))
    assert check.passed is passed


@dataclass(frozen=True, slots=True)
class Place:
    reached: int
    reachable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering(Verdict):
    coverage: Any = None


@pytest.mark.parametrize(
    ("coverage", "passed"),
    [
        ({"leaves": Place(9, 10), "ties": Place(0, 0)}, True),
        ({"leaves": Place(10, 10), "categories": Place(8, 10)}, False),
        ({}, False),
        (None, False),
    ],
)
def test_every_kind_of_place_is_covered_and_silence_is_not_enough(coverage: Any, passed: bool) -> None:
    verdict = Covering(target="onnx", runtime="here", status="measured", coverage=coverage)
    (check,) = checks_of([verdict], coverage=0.9)
    assert check.passed is passed


@pytest.mark.parametrize(
    ("budget", "measured", "passed"),
    [
        ({"size_bytes": 1000}, {}, True),
        ({"size_bytes": 999}, {}, False),
        ({"compressed_size_bytes": 599}, {}, False),
        ({"p50_us": 50.0}, {"onnx": 50.0}, True),
        ({"p50_us": 50.0}, {"onnx": 50.1}, False),
        ({"p50_us": 50.0}, {"onnx": "no runtime"}, False),
        ({"p50_us": 50.0}, {}, False),
        ({"instructions_per_row": 20_000.0}, {"onnx": 20_000.0}, True),
        ({"instructions_per_row": 20_000.0}, {"onnx": 20_000.5}, False),
        ({"instructions_per_row": 20_000.0}, {"onnx": "not counted: no valgrind"}, False),
    ],
)
def test_a_budget_holds_to_the_byte(budget: Any, measured: Any, passed: bool) -> None:
    (check,) = checks_of([HERE], measured, budgets={"onnx": Budget(**budget)})
    assert (check.passed, check.kind) == (passed, "budget")
    (absent,) = checks_of([HERE], measured, budgets={"coreml": Budget(size_bytes=10**9)})
    assert (absent.passed, absent.found) == (False, "not in the bundle")


FAILED = on("onnxruntime 1.26.0 x86_64", "failed")
OVER = Check(kind="budget", name="onnx: size_bytes", passed=False, found="2 of 1")
ABSENT = Check(kind="parity", name="required runtime node", passed=False, found="not run")
FINE = Check(kind="budget", name="onnx: p50_us", passed=True, found="1 of 2")


@pytest.mark.parametrize(
    ("verdicts", "checks", "error", "lines"),
    [
        ([HERE], [FINE], None, 0),
        ([HERE], [OVER, FINE], BudgetError, 1),
        ([HERE], [OVER, ABSENT], ParityError, 2),
        ([FAILED], [OVER], ParityError, 2),
        ([FAILED], [], ParityError, 1),
    ],
)
def test_the_exit_code_is_of_the_gravest_kind(
    verdicts: list[Verdict], checks: list[Check], error: type[EdgepackError] | None, lines: int
) -> None:
    if error is None:
        require_all(verdicts, checks)
        return
    with pytest.raises(error) as caught:
        require_all(verdicts, checks)
    assert len(str(caught.value).splitlines()) == lines


def test_annotations_are_one_escaped_line_per_finding() -> None:
    odd = Verdict(target="onnx", runtime="r", status="failed", reason="50 % of\nrows::error::x")
    absent = on("web", "not run")
    assert report.to_annotations([HERE, odd, absent], [OVER, FINE]) == [
        "::error title=edgepack parity%3A failed::onnx on r: 50 %25 of%0Arows::error::x",
        "::warning title=edgepack parity%3A not run::onnx on web: why",
        "::error title=edgepack budget::onnx: size_bytes: 2 of 1",
    ]


def test_junit_counts_verdicts_and_demands() -> None:
    root = ElementTree.fromstring(report.to_junit([HERE, FAILED, on("web", "not run")], [OVER, FINE]))
    assert [root.get(k) for k in ("tests", "failures", "skipped", "errors")] == ["5", "2", "1", "0"]
    assert len(root.findall(".//testcase")) == 5
    assert len(root.findall(".//failure")) == 2


def test_the_document_has_passed_only_where_every_check_has() -> None:
    assert report.to_document([HERE], [FINE])["passed"] is True
    document = report.to_document([HERE], [OVER])
    assert document["passed"] is False
    assert document["checks"][0]["found"] == "2 of 1"


def test_markdown_keeps_its_table_whatever_a_reason_holds() -> None:
    text = report.to_markdown([HERE], [Check(kind="parity", name="a|b", passed=False, found="x\ny")])
    assert "| a\\|b | **failed** | x y |" in text
