from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import edgepack_coreml
import edgepack_onnx
from edgepack.contract import Columns, EmitOptions
from edgepack.errors import ParityError
from edgepack.parity import Tolerance, make_cases
from edgepack.parity.power import Power, SelfTest
from edgepack.parity.power_report import to_document, to_lines, to_table
from edgepack.selftest import require_power

TARGETS = {"onnx": edgepack_onnx.target, "coreml": edgepack_coreml.target}
FOREST_KINDS = {"threshold", "missing", "leaf", "last bits", "output name"}
KINDS = {
    "tree": FOREST_KINDS | {"category", "labels"},
    "random forest": FOREST_KINDS | {"category", "labels"},
    "boosted regressor": FOREST_KINDS,
    "histogram boosted": FOREST_KINDS | {"category", "labels"},
    "logistic": {"weight", "last bits", "category", "labels", "output name"},
    "indicated": {"weight", "last bits", "category", "labels", "output name"},
}


def quiet(_what: str, _done: int, _total: int) -> None:
    return


def self_test(model: Any, rows: int = 3000, **options: Any) -> SelfTest:
    cases = make_cases(model.lowered, folded=model.folded, example=model.columns, budget_rows=rows)
    given: dict[str, Any] = {"tolerance": Tolerance(), **options}
    return SelfTest(reference=model.reference, lowered=model.lowered, cases=cases, sample=model.columns, **given)


def power_of(model: Any, target: str, folder: Path, **options: Any) -> Power:
    artifact = TARGETS[target].emit(model.folded, folder, EmitOptions())
    return self_test(model, **options).run({target: (TARGETS[target], artifact.path)}, quiet)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("model", "kinds"), KINDS.items(), indirect=["model"])
def test_every_mistake_that_changes_answers_is_caught(model: Any, kinds: set[str], target: str, tmp_path: Path) -> None:
    power = power_of(model, target, tmp_path)
    assert power.missed == ()
    assert {trial.kind for trial in power.trials} >= kinds
    assert all(trial.reason for trial in power.trials)
    semantic = [
        trial for trial in power.trials if trial.kind not in ("last bits", "missing", "threshold", "leaf", "table")
    ]
    assert {trial.outcome for trial in semantic} == {"caught"}
    assert {trial.outcome for trial in power.trials if trial.kind == "last bits"} == {"equivalent"}


@pytest.mark.parametrize("target", TARGETS)
def test_plain_sampling_misses_more(forest_model: Any, target: str, tmp_path: Path) -> None:
    power = power_of(forest_model, target, tmp_path)
    assert 0 < power.sampled_miss_rate < 1
    unseen = {trial.kind for trial in power.trials if trial.outcome == "caught" and not trial.sampled}
    assert unseen & {"threshold", "missing"}


def test_rows_that_touch_no_boundary_miss_mistakes(forest_model: Any, tmp_path: Path) -> None:
    artifact = edgepack_onnx.target.emit(forest_model.folded, tmp_path, EmitOptions())
    test = self_test(forest_model)
    rows = {name: x[:40] for name, x in forest_model.columns.items()}
    blind = replace(test, cases=replace(test.cases, columns=rows, origins=np.full(40, "data", object)))
    power = blind.run({"onnx": (edgepack_onnx.target, artifact.path)}, quiet)
    assert power.missed
    assert any(trial.reason.startswith("a row that would show it: {'age'") for trial in power.missed)
    with pytest.raises(ParityError, match=r"onnx: a planted .* was missed; raise --rows"):
        require_power(power)


def test_the_same_seed_plants_the_same_mistakes(forest_model: Any, tmp_path: Path) -> None:
    artifact = edgepack_onnx.target.emit(forest_model.folded, tmp_path, EmitOptions())
    places = [
        [(m.kind, m.place) for m in edgepack_onnx.target.mutants(artifact.path, None, each=3, seed=seed)]  # type: ignore[arg-type]
        for seed in (1, 1, 2)
    ]
    assert places[0] == places[1] != places[2]


def test_a_wrong_artifact_is_no_ground_for_a_self_test(forest_model: Any, tmp_path: Path) -> None:
    artifact = edgepack_onnx.target.emit(forest_model.folded, tmp_path, EmitOptions())
    wrong = next(
        m
        for m in edgepack_onnx.target.mutants(artifact.path, forest_model.lowered.interface, each=1, seed=0)
        if m.kind == "labels"
    )
    wrong.plant(artifact.path)
    with pytest.raises(ParityError, match="onnx: fails without a planted mistake"):
        self_test(forest_model).run({"onnx": (edgepack_onnx.target, artifact.path)}, quiet)


@dataclass(frozen=True)
class Plain:
    """A target that knows no mistakes."""

    name: str = "plain"

    def run(self, columns: Columns) -> Any:
        raise AssertionError


def test_a_target_without_mistakes_is_said_to_be_untested(forest_model: Any, tmp_path: Path) -> None:
    power = self_test(forest_model).run({"plain": (Plain(), tmp_path)}, quiet)  # type: ignore[dict-item]
    assert power.trials == ()
    assert to_lines(power) == ["plain: not tested: no mistakes are known for this form of file"]


def test_the_report_counts_every_trial(forest_model: Any, tmp_path: Path) -> None:
    power = power_of(forest_model, "onnx", tmp_path)
    console = Console(width=200, file=io.StringIO())
    console.print(to_table(power))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert f"{power.rows:,} rows each" in shown
    for kind in {trial.kind for trial in power.trials}:
        assert kind in shown
    assert len(to_document(power)["trials"]) == len(power.trials)
    assert len(to_lines(power)) == sum(trial.outcome != "caught" for trial in power.trials)
