from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import edgepack_coreml
import edgepack_onnx
from edgepack.contract import Columns, EmitOptions, Runner
from edgepack.ir import Program
from edgepack.ir.ops import Affine, Forest, Impute, Linear, OneHot
from edgepack.parity import Tolerance, make_cases, run_parity
from edgepack.parity.explain import Explanation, Stages, first_failing, steps_of
from edgepack.passes import PASSES

TARGETS = {"onnx": edgepack_onnx.target, "coreml": edgepack_coreml.target}


def programs_of(lowered: Program) -> dict[str, Program]:
    programs = {"lowering": lowered}
    for name, rewrite in PASSES.items():
        programs[f"pass {name}"] = lowered = rewrite(lowered)
    return programs


def faulty(program: Program, kind: type, **changed: Any) -> Program:
    """The Program with one op of a kind changed."""
    at, node = next((k, node) for k, node in enumerate(program.nodes) if isinstance(node.op, kind))
    op: Any = replace(node.op, **{name: change(getattr(node.op, name)) for name, change in changed.items()})  # type: ignore[type-var]
    return replace(program, nodes=(*program.nodes[:at], replace(node, op=op), *program.nodes[at + 1 :]))


@dataclass
class Lying:
    """A runtime that is off by a tenth."""

    runner: Runner
    runtime: str = "lying 1.0"

    def run(self, columns: Columns) -> Any:
        answers = dict(self.runner.run(columns))
        name = "value" if "value" in answers else "probabilities"
        return {**answers, name: answers[name] + 0.1}


def explained(model: Any, programs: Mapping[str, Program], runner: Runner, evaluators: Any = None) -> Explanation:
    stages = Stages(
        reference=model.reference,
        programs=lambda: programs,
        evaluators=evaluators or {},
        tolerance=Tolerance(),
    )
    cases = make_cases(model.lowered, folded=model.folded, example=model.columns, budget_rows=400)
    verdict = run_parity(model.reference, {"onnx": runner}, cases, stages=stages)[0]
    assert verdict.status == "failed"
    assert "first parts at" in verdict.reason
    assert "\n" not in verdict.reason
    server, _ = model.reference.answers(cases.columns)
    device = runner.run(cases.columns)
    name = next(iter(set(server) - {"label"}))
    wrong = np.abs(server[name] - device[name]).reshape(cases.rows, -1).max(axis=1) > 1e-5
    row = {name: x[[int(wrong.argmax())]] for name, x in cases.columns.items()}
    found = stages.explain("onnx", runner, row)
    assert found is not None
    assert str(found) in verdict.reason or found.stage in verdict.reason
    return found


@dataclass
class Run:
    """A Program as a runtime."""

    program: Program
    runtime: str = "program"

    def run(self, columns: Columns) -> Any:
        return dict(self.program.run(columns))


@pytest.mark.parametrize("stage", ["lowering", *(f"pass {name}" for name in PASSES)])
@pytest.mark.parametrize("model", ["random forest", "boosted regressor"], indirect=True)
def test_a_fault_in_any_stage_is_reported_as_that_stage(model: Any, stage: str) -> None:
    programs = programs_of(model.lowered)
    names = list(programs)
    for name in names[names.index(stage) :]:  # what one stage breaks, the later ones keep
        programs[name] = faulty(programs[name], Forest, value=lambda value: value + 0.25)
    found = explained(model, programs, Run(programs[names[-1]]))
    assert found.stage == stage
    assert found.tolerance > 1e-6
    assert set(found.row) == {i.name for i in model.lowered.interface.inputs}
    assert found.before != found.after


@pytest.mark.parametrize("target", TARGETS)
def test_a_fault_in_the_file_and_one_in_the_runtime_are_told_apart(
    forest_model: Any, target: str, tmp_path: Path
) -> None:
    chosen = TARGETS[target]
    interface = forest_model.lowered.interface
    path = chosen.emit(forest_model.folded, tmp_path, EmitOptions()).path
    programs = programs_of(forest_model.lowered)
    evaluators: Any = {"onnx": lambda: chosen.evaluate(path, interface)} if hasattr(chosen, "evaluate") else {}
    told = {"onnx": ("artifact", "runtime"), "coreml": ("artifact or runtime", "artifact or runtime")}[target]
    found = explained(forest_model, programs, Lying(chosen.open(path, interface)), evaluators)
    assert found.stage == told[1]
    assert found.tolerance == pytest.approx(0.1)
    for mutant in chosen.mutants(path, interface, each=1, seed=0):
        if mutant.kind == "leaf":
            mutant.plant(path)
    found = explained(forest_model, programs, chosen.open(path, interface), evaluators)
    assert found.stage == told[0]


@pytest.mark.parametrize(
    ("kind", "changed", "step"),
    [
        (Impute, {"fill": lambda fill: fill - 100}, "columntransformer → pipeline → simpleimputer → SimpleImputer"),
        (Affine, {"divisor": lambda d: d * 1.5}, "columntransformer → pipeline → standardscaler → StandardScaler"),
        (OneHot, {"size": lambda size: size}, ""),
        (Forest, {"base": lambda base: base + 1}, "gradientboostingregressor → GradientBoostingRegressor"),
    ],
)
@pytest.mark.parametrize("model", ["boosted regressor"], indirect=True)
def test_a_fault_in_lowering_names_the_step(model: Any, kind: type, changed: Any, step: str) -> None:
    if not step:  # nothing is changed, so nothing parts
        stages = Stages(
            reference=model.reference, programs=lambda: programs_of(model.lowered), evaluators={}, tolerance=Tolerance()
        )
        row = {name: x[:1] for name, x in model.columns.items()}
        assert stages.explain("onnx", Run(model.folded), row) is None
        return
    wrong = faulty(model.lowered, kind, **changed)
    programs = programs_of(wrong)
    found = explained(model, programs, Run(list(programs.values())[-1]))
    assert (found.stage, found.step) == ("lowering", step)
    assert f"lowering of {step}" in str(found)


def test_steps_come_in_order_with_their_values(logistic_model: Any) -> None:
    rows = logistic_model.frame.head(3)
    found = list(steps_of(logistic_model.estimator, rows))
    assert [name.rpartition(" → ")[2] for name, _ in found] == [
        "SimpleImputer",
        "StandardScaler",
        "OneHotEncoder",
        "LogisticRegression",
    ]
    assert found[-1][1] is None
    assert found[1][1] is not None
    assert found[1][1].shape == (3, 2)


@pytest.mark.parametrize("wrong", [0, 1, 6, 9])
def test_a_failing_row_is_found_by_halving(wrong: int) -> None:
    asked = []

    def passes(at: slice) -> bool:
        asked.append(at)
        return not at.start <= wrong < at.stop

    assert first_failing(passes, 10) == wrong
    assert len(asked) <= 4


@dataclass
class Swapped:
    """A runtime whose labels are all the other class, and which says how near scores it need not tell apart."""

    program: Program
    tie_width: float
    runtime: str = "swapped"

    def run(self, columns: Columns) -> Any:
        answers = dict(self.program.run(columns))
        return {**answers, "label": np.where(answers["label"] == "yes", "no", "yes")}


@pytest.mark.parametrize("is_tie", [True, False])
def test_what_the_runtime_need_not_tell_apart_is_no_place_where_a_stage_parts(
    logistic_model: Any, is_tie: bool
) -> None:
    stages = Stages(
        reference=logistic_model.reference,
        programs=lambda: programs_of(logistic_model.lowered),
        evaluators={},
        tolerance=Tolerance(),
    )
    row = {name: x[:1] for name, x in logistic_model.columns.items()}
    found = stages.explain("onnx", Swapped(logistic_model.folded, tie_width=10.0 if is_tie else 0.0), row)
    assert (found is None) == is_tie
    assert found is None or found.stage == "artifact or runtime"


def test_a_quantized_model_s_file_parts_from_the_quantized_program(logistic_model: Any, tmp_path: Path) -> None:
    from edgepack.quantize import quantize
    from edgepack.quantize.server import QuantizedServer

    small = quantize(logistic_model.folded, "int4").program
    path = TARGETS["onnx"].emit(small, tmp_path, EmitOptions()).path
    stages = Stages(
        reference=QuantizedServer(program=small, original=logistic_model.reference),
        programs=dict,
        evaluators={"onnx": lambda: TARGETS["onnx"].evaluate(path, small.interface)},
        tolerance=Tolerance(probabilities=1e-5),
        meaning=small,
    )
    row = {name: x[:1] for name, x in logistic_model.columns.items()}
    runner = TARGETS["onnx"].open(path, small.interface)
    assert stages.explain("onnx", runner, row) is None
    lied = stages.explain("onnx", Lying(runner), row)
    assert lied is not None
    assert lied.stage == "runtime"
    wrong = TARGETS["onnx"].emit(faulty(small, Linear, intercept=lambda x: x + 1), tmp_path, EmitOptions()).path
    assert wrong == path
    other = stages.explain("onnx", TARGETS["onnx"].open(wrong, small.interface), row)
    assert other is not None
    assert other.stage == "artifact"
