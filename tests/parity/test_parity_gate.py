from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from edgepack.columns import row_count
from edgepack.contract import Columns
from edgepack.parity import Cases, Tolerance, make_cases, run_parity
from edgepack.parity.coverage import coverage


@dataclass
class Device:
    """A Program as a runner, with an optional fault."""

    program: Any
    fault: Any = None
    runtime: str = "fake 1.0"

    def run(self, columns: Columns) -> dict[str, Any]:
        answers = dict(self.program.run(columns))
        return self.fault(columns, answers) if self.fault else answers


@pytest.fixture(scope="module")
def cases(forest_model: Any) -> Cases:
    return make_cases(forest_model.lowered, folded=forest_model.folded, example=forest_model.columns, budget_rows=1000)


def verdict_of(model: Any, cases: Cases, fault: Any = None, **options: Any) -> Any:
    return run_parity(model.reference, {"onnx": Device(model.folded, fault)}, cases, **options)[0]


def test_an_exact_artifact_is_measured_on_every_row(forest_model: Any, cases: Cases) -> None:
    verdict = verdict_of(forest_model, cases)
    assert verdict.status == "measured"
    assert (verdict.target, verdict.runtime) == ("onnx", "fake 1.0")
    assert verdict.rows == cases.rows
    assert dict(verdict.cases) == cases.counts()


def test_a_verdict_says_what_its_rows_reach_where_it_knows_the_program(forest_model: Any, cases: Cases) -> None:
    assert verdict_of(forest_model, cases).coverage == {}
    found = verdict_of(forest_model, cases, program=forest_model.lowered).coverage
    assert found == coverage(forest_model.lowered, cases.columns, forest_model.reference.predict(cases.columns))
    assert found["leaves"].reached == found["leaves"].reachable > 0


def test_rows_beyond_what_an_artifact_is_for_are_not_covered(forest_model: Any, cases: Cases) -> None:
    ranges = {n: np.array([[-1.0], [1.0]]) * np.ones(x.shape[1]) for n, x in cases.columns.items() if x.dtype != object}
    limited = Narrow(forest_model.folded, ranges=ranges)
    verdict = run_parity(forest_model.reference, {"onnx": limited}, cases, program=forest_model.lowered)[0]
    assert verdict.coverage["leaves"].reached < verdict.coverage["leaves"].reachable


def test_verdicts_come_in_the_order_of_the_targets_and_a_missing_runtime_is_not_run(
    forest_model: Any, cases: Cases
) -> None:
    runners: dict[str, Any] = {"coreml": "needs macOS", "onnx": Device(forest_model.folded)}
    skipped, ran = run_parity(forest_model.reference, runners, cases)
    assert (skipped.target, skipped.status, skipped.reason) == ("coreml", "not run", "needs macOS")
    assert ran.passed


def stops(columns: Columns, answers: Any) -> Any:
    raise RuntimeError("node 3 failed\nwith a long story")


def turns_scores(columns: Columns, answers: Any) -> Any:
    return {**answers, "probabilities": answers["probabilities"][:, ::-1]}


def forgets_label(columns: Columns, answers: Any) -> Any:
    return {"probabilities": answers["probabilities"]}


def loses_a_row(columns: Columns, answers: Any) -> Any:
    return {name: x[1:] for name, x in answers.items()}


def errs_on_one_row(columns: Columns, answers: Any) -> Any:
    wrong = 1e-3 if row_count(columns) == 1 else 0.0
    return {**answers, "probabilities": answers["probabilities"] + wrong}


def errs_in_batches(columns: Columns, answers: Any) -> Any:
    wrong = 0.0 if row_count(columns) == 1 else 1e-3
    return {**answers, "probabilities": answers["probabilities"] + wrong}


def flattens_one_row(columns: Columns, answers: Any) -> Any:
    if row_count(columns) > 1:
        return answers
    return {**answers, "probabilities": answers["probabilities"][0]}


@pytest.mark.parametrize(
    "fault", [stops, turns_scores, forgets_label, loses_a_row, errs_on_one_row, errs_in_batches, flattens_one_row]
)
def test_a_faulty_artifact_fails_with_one_line_and_raises_nothing(forest_model: Any, cases: Cases, fault: Any) -> None:
    verdict = verdict_of(forest_model, cases, fault)
    assert verdict.status == "failed"
    assert not verdict.passed
    assert verdict.reason
    assert "\n" not in verdict.reason


def test_a_fault_says_what_stopped(forest_model: Any, cases: Cases) -> None:
    assert verdict_of(forest_model, cases, stops).reason == "fake 1.0 stopped: RuntimeError: node 3 failed"


def test_a_tolerance_can_be_chosen(forest_model: Any, cases: Cases) -> None:
    assert verdict_of(forest_model, cases, errs_in_batches, tolerance=Tolerance(probabilities=0.01)).passed


def test_long_labels_of_single_rows_are_not_cut(forest_model: Any, cases: Cases) -> None:
    def narrow(columns: Columns, answers: Any) -> Any:
        label = np.asarray(answers["label"]).astype(str)
        return {**answers, "label": label if row_count(columns) == 1 else label.astype("<U3")}

    assert verdict_of(forest_model, cases, narrow).passed


def test_rows_that_the_server_refuses_are_left_out_and_counted(forest_model: Any, cases: Cases) -> None:
    age = cases.columns["age"].copy()
    age[5:8] = np.inf
    verdict = verdict_of(forest_model, Cases(columns={**cases.columns, "age": age}, origins=cases.origins))
    assert verdict.passed
    assert (verdict.rows, verdict.refused_rows) == (cases.rows - 3, 3)
    assert sum(verdict.cases.values()) == verdict.rows


def test_progress_runs_from_nothing_to_every_row(forest_model: Any, cases: Cases) -> None:
    seen: list[tuple[str, int, int]] = []
    verdict_of(forest_model, cases, on_progress=lambda *step: seen.append(step))
    assert seen[0] == ("server", 0, cases.rows)
    assert seen[-1] == ("onnx", cases.rows, cases.rows)


@dataclass
class Narrow(Device):
    """A device that says that it is not for numbers beyond its ranges."""

    ranges: Any = None
    tie_width: float = 2e-6


def narrow_verdict(model: Any, cases: Cases, fault: Any = None, *, reach: float) -> Any:
    given = {name: x for name, x in model.columns.items() if x.dtype != object}
    ends = {name: np.stack([np.nanmin(x, axis=0), np.nanmax(x, axis=0)]) for name, x in given.items()}
    ranges = {name: e + np.array([[-reach], [reach]]) * (e[1] - e[0]) for name, e in ends.items()}
    runners = {"coreml": Narrow(model.folded, fault, ranges=ranges)}
    return run_parity(model.reference, runners, cases)[0]


def wrong_far_out(columns: Columns, answers: Any) -> Any:
    far = np.any([(np.abs(x) > 1e6).any(axis=1) for x in columns.values() if x.dtype != object], axis=0)
    return {**answers, "probabilities": np.where(far[:, None], np.nan, answers["probabilities"])}


def test_rows_beyond_an_artifacts_own_ranges_are_left_out_and_counted(forest_model: Any, cases: Cases) -> None:
    assert not narrow_verdict(forest_model, cases, wrong_far_out, reach=1e38).passed
    verdict = narrow_verdict(forest_model, cases, wrong_far_out, reach=2.0)
    assert verdict.passed
    assert verdict.beyond_rows > 0
    assert verdict.rows + verdict.beyond_rows == cases.rows
    assert f"{verdict.beyond_rows} rows beyond the numbers that the artifact is for were left out" in verdict.reason
    assert verdict.tie_width == 2e-6
    assert not narrow_verdict(forest_model, cases, turns_scores, reach=2.0).passed


def test_an_artifact_that_is_not_for_the_models_own_rows_fails(forest_model: Any, cases: Cases) -> None:
    verdict = narrow_verdict(forest_model, cases, reach=-0.1)
    assert verdict.status == "failed"
    assert "given rows have numbers that the artifact is not for; use another target" in verdict.reason


def test_an_artifact_that_is_for_none_of_the_rows_fails(forest_model: Any, cases: Cases) -> None:
    ranges = {n: np.full((2, x.shape[1]), 1e37) for n, x in cases.columns.items() if x.dtype != object}
    numbers = {n: np.where(np.isfinite(x), x, 0.0) for n, x in cases.columns.items() if n in ranges}
    far = Cases(columns={**cases.columns, **numbers}, origins=np.full(cases.rows, "combinations", object))
    runners = {"coreml": Narrow(forest_model.folded, ranges=ranges)}
    verdict = run_parity(forest_model.reference, runners, far)[0]
    assert (verdict.status, verdict.rows, verdict.beyond_rows) == ("failed", 0, cases.rows)
