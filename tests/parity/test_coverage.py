from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Columns, Covered, Input, Interface
from edgepack.ir import Node, Program
from edgepack.ir.ops import Clip, Forest
from edgepack.parity import make_cases
from edgepack.parity.coverage import coverage
from edgepack.parity.places import Places
from edgepack.parity.pools import pools
from edgepack.parity.trace import trace

FORESTS = ["tree", "random forest", "boosted regressor", "histogram boosted"]


def covered(program: Program, columns: Columns) -> dict[str, Covered]:
    return coverage(program, columns, program.run(columns))


def everything(program: Program) -> Columns:
    """Every combination of the values that the program can tell apart."""
    nothing = {
        i.name: np.empty((0, i.width), object if i.kind == "string" else float) for i in program.interface.inputs
    }
    values: list[list[Any]] = []
    for pool in pools([program], nothing).values():
        missing: list[Any] = [None if pool.all.dtype == object else np.nan] if pool.missing else []
        values.append([*pool.all.tolist(), *missing])
    rows = list(itertools.product(*values))
    return {
        i.name: np.array([row[k] for row in rows], object if i.kind == "string" else float)[:, None]
        for k, i in enumerate(program.interface.inputs)
    }


@pytest.mark.parametrize("model", FORESTS, indirect=True)
def test_cases_reach_everything_that_can_be_reached(model: Any) -> None:
    cases = make_cases(model.lowered, folded=model.folded, example=model.columns, budget_rows=1000)
    found = covered(model.lowered, cases.columns)
    for kind in ("leaves", "split sides", "missing paths", "categories"):
        assert found[kind].reached == found[kind].reachable, kind
    assert found["split sides"].reachable + found["split sides"].unreachable == found["leaves"].reachable * 2 - 2 * len(
        next(node.op for node in model.lowered.nodes if isinstance(node.op, Forest)).roots
    )


@pytest.mark.parametrize("model", FORESTS, indirect=True)
def test_what_is_called_unreachable_is_what_no_combination_of_values_reaches(model: Any) -> None:
    whole, few = covered(model.lowered, everything(model.lowered)), covered(model.lowered, model.columns)
    for kind in ("leaves", "split sides", "missing paths"):
        assert whole[kind].reached == whole[kind].reachable
        assert few[kind].unreachable == whole[kind].unreachable


@pytest.mark.parametrize("model", FORESTS, indirect=True)
def test_a_place_that_no_row_reaches_is_counted(model: Any) -> None:
    one = {name: x[:1] for name, x in model.columns.items()}
    found = covered(model.lowered, one)
    assert found["leaves"].reached < found["leaves"].reachable
    assert found["split sides"].reached < found["split sides"].reachable
    assert found["categories"] == Covered(reached=1, reachable=5)


def test_ties_count_when_two_classes_share_the_best_score(logistic_model: Any) -> None:
    rows = {name: x[:3] for name, x in logistic_model.columns.items()}
    near = np.array([[0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
    assert coverage(logistic_model.lowered, rows, {"probabilities": near})["ties"] == Covered(reached=1, reachable=1)
    clear = {"probabilities": near[1:]}
    rows = {name: x[1:] for name, x in rows.items()}
    assert coverage(logistic_model.lowered, rows, clear)["ties"] == Covered(reached=0, reachable=1)


def contradictory() -> Program:
    """One tree over a clipped number: `x <= 1`, and below it `x <= 2`, whose right side nothing reaches."""
    forest = Forest(
        feature=np.zeros(5, np.int64),
        threshold=np.array([1.0, 2.0, 0, 0, 0]),
        equal=np.zeros(5, np.bool_),
        nan_left=np.zeros(5, np.bool_),
        left=np.array([1, 3, -1, -1, -1]),
        right=np.array([2, 4, -1, -1, -1]),
        value=np.array([[0.0], [0], [5], [6], [7]]),
        roots=np.zeros(1, np.int64),
        base=np.zeros(1),
        divisor=1,
        features=1,
        compare="float64",
    )
    nodes = (
        Node(name="v0", op=Clip(low=np.array([-3.0]), high=np.array([3.0])), inputs=("i0",)),
        Node(name="v1", op=forest, inputs=("v0",)),
    )
    interface = Interface(inputs=(Input(name="x", kind="number"),), outputs=("value",))
    return Program(interface=interface, nodes=nodes, outputs={"value": "v1"})


def test_a_side_behind_a_contradiction_is_proved_unreachable() -> None:
    program = contradictory()
    cases = make_cases(program, budget_rows=200)
    found = covered(program, cases.columns)
    assert found["leaves"] == Covered(reached=2, reachable=2, unreachable=1)
    assert found["split sides"] == Covered(reached=3, reachable=3, unreachable=1)
    assert found["edges"].reached == found["edges"].reachable > 0
    assert "missing paths" not in {kind for kind, c in found.items() if c.reachable}


def test_edges_that_no_row_touches_are_counted() -> None:
    program = contradictory()
    found = covered(program, {"x": np.array([[0.0], [2.0]])})
    assert found["edges"].reached == 0 < found["edges"].reachable


def test_nothing_is_proved_about_columns_that_turn() -> None:
    program = contradictory()
    forest = program.nodes[1].op
    assert isinstance(forest, Forest)
    places = Places(forest, trace(program)["v0"], pools([program], {"x": np.zeros((1, 1))}))
    assert places.unreachable(np.array([4])).tolist() == [True]
    places.finder.pooled.exact[:] = False
    assert places.unreachable(np.array([4])).tolist() == [False]


def test_one_class_alone_has_no_ties() -> None:
    clip = Clip(low=np.zeros(1), high=np.ones(1))
    nodes = (Node(name="v0", op=clip, inputs=("i0",), step="clip"),)
    interface = Interface(inputs=(Input(name="x", kind="number"),), outputs=("value",))
    program = Program(interface=interface, nodes=nodes, outputs={"value": "v0"})
    x = np.linspace(-1, 2, 7)[:, None]
    assert "ties" not in coverage(program, {"x": x}, {"probabilities": np.ones((7, 1))})
