"""Dead nodes, lookups behind imputers, decided splits, and where a column comes from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from zoo import STRINGS, check, fitted, table, target, usual

from edgepack.contract import Input, Interface
from edgepack.ir import Node, Program
from edgepack.ir.ops import Affine, Clip, Concat, Elementwise, Forest, Impute, Indicate, Lookup, OneHot, Select
from edgepack.lower import lower
from edgepack.passes import PASSES, optimize
from edgepack.passes.fold_lookups import fold_lookups
from edgepack.passes.prune import prune
from edgepack.passes.rewrite import tidy
from edgepack.passes.trace import Place, Tracer, direction

FRAME = table()
VALUE = target(FRAME)
TWO = Interface(inputs=(Input(name="a", kind="number", width=2), Input(name="b", kind="number")), outputs=("value",))


def program(*nodes: tuple[str, Any, tuple[str, ...]], output: str) -> Program:
    return Program(
        interface=replace(TWO, value_width=1),
        nodes=tuple(Node(name=name, op=op, inputs=inputs) for name, op, inputs in nodes),
        outputs={"value": output},
    )


def test_nodes_that_no_output_needs_go() -> None:
    dead = Affine(offset=np.array([1.0]))
    p = program(
        ("x", dead, ("i1",)), ("keep", Elementwise(function="exp"), ("i1",)), ("y", dead, ("x",)), output="keep"
    )
    q = tidy(p)
    assert [(n.name, type(n.op), n.inputs) for n in q.nodes] == [("v0", Elementwise, ("i1",))]
    assert q.outputs == {"value": "v0"}
    assert tidy(q) == q


def test_an_output_that_is_an_input_stays_one() -> None:
    q = tidy(program(output="i1"))
    assert q.nodes == () and q.outputs == {"value": "i1"}


@pytest.mark.parametrize("strings", ["strings", "numbers"])
def test_imputing_before_a_lookup_joins_it(strings: str) -> None:
    x = (
        FRAME
        if strings == "strings"
        else FRAME.assign(zone=FRAME["rooms"].where(FRAME["slope"] > -1), roof=FRAME["year"].round(-1))
    )
    codes = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    )
    model = fitted(
        make_pipeline(ColumnTransformer([("s", codes, STRINGS)]), FunctionTransformer(np.square), Ridge()), x, VALUE
    )
    folded = check(model, x, exact=False)
    assert [type(n.op) for n in folded.nodes][:2] == [Lookup, Lookup]
    lowered = lower(model, x)
    assert any(isinstance(n.op, Impute) for n in lowered.nodes)
    assert not any(isinstance(n.op, Impute) for n in fold_lookups(lowered).nodes)


def test_other_steps_before_a_lookup_stay() -> None:
    x = FRAME[["rooms", "year"]]
    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    steps = make_pipeline(FunctionTransformer(np.sqrt), SimpleImputer(), hot, FunctionTransformer(np.square), Ridge())
    folded = check(fitted(steps, x, VALUE), x, exact=False)
    assert "Elementwise" in {type(n.op).__name__ for n in folded.nodes}


def stump_chain() -> Forest:
    """x <= 5 (decided), then x <= 1, and a second tree of one decided split."""
    return Forest(
        feature=np.zeros(8, np.int64),
        threshold=np.array([5.0, 1.0, 0, 0, 0, 9.0, 0, 0]),
        equal=np.zeros(8, bool),
        nan_left=np.array([True, False, False, False, False, True, False, False]),
        left=np.array([1, 2, -1, -1, -1, 6, -1, -1]),
        right=np.array([4, 3, -1, -1, -1, 7, -1, -1]),
        value=np.array([[0.0], [0], [10], [20], [30], [0], [1], [2]]),
        roots=np.array([0, 5]),
        base=np.zeros(1),
        divisor=1.0,
        features=1,
        compare="float64",
    )


def test_decided_splits_go_and_every_node_is_known_by_its_old_number() -> None:
    forest = stump_chain()
    decided = np.array([True, False, False, False, False, True, False, False])
    pruned, old = prune(forest, decided)
    assert old.tolist() == [1, 2, 3, 6]
    assert pruned.roots.tolist() == [0, 3]
    x = np.array([[0.0], [1.0], [1.5], [5.0], [np.nan]])
    assert np.array_equal(pruned.run(x), forest.run(x))


def test_a_decided_split_whose_missing_values_go_the_other_way_stays() -> None:
    forest = replace(stump_chain(), nan_left=np.zeros(8, bool))
    pruned, old = prune(forest, np.ones(8, bool))
    assert pruned is forest and old.tolist() == list(range(8))


def test_a_column_is_traced_through_ops_that_treat_it_alone() -> None:
    p = program(
        ("filled", Impute(fill=np.array([1.0, 2.0]), sentinel=float("nan")), ("i0",)),
        ("both", Concat(), ("filled", "i1")),
        ("turned", Select(columns=np.array([2, 1, 0])), ("both",)),
        ("scaled", Affine(center=np.array([1.0, 2.0, 3.0])), ("turned",)),
        ("clipped", Clip(low=np.zeros(3), high=np.array([1.0, 2.0, 3.0])), ("scaled",)),
        ("last", Select(columns=np.array([1])), ("clipped",)),
        output="last",
    )
    path = Tracer(p).path("last", 0)
    assert path.start == Place("i0", 1)
    assert [type(link.op) for link in path.links] == [Impute, Affine, Clip]
    assert path.run(np.array([5.0, 2.5, np.nan])).tolist() == [2.0, 0.5, 0.0]
    assert path.after(2).start == Place("scaled", 1)
    other = Tracer(p).path("clipped", 0)
    assert other.start == Place("i1", 0) and [type(link.op) for link in other.links] == [Affine, Clip]


def test_a_one_hot_column_is_a_lookup_of_its_index() -> None:
    p = program(
        ("hot", OneHot(size=3), ("i1",)),
        ("last", Select(columns=np.array([2])), ("hot",)),
        output="last",
    )
    path = Tracer(p).path("last", 0)
    assert path.run(np.array([0.0, 2.0, -1.0, np.nan])).tolist() == [0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("op", "sign"),
    [
        (Affine(center=np.array([3.0]), divisor=np.array([2.0])), 1),
        (Affine(factor=np.array([-2.0]), offset=np.array([1.0])), -1),
        (Affine(divisor=np.array([-2.0]), factor=np.array([-2.0])), 1),
        (Clip(low=np.zeros(1), high=np.ones(1)), 1),
        (Impute(fill=np.zeros(1), sentinel=float("nan")), 1),
        (Impute(fill=np.zeros(1), sentinel=-1.0), 0),
        (Indicate(sentinel=float("nan")), 1),
        (Elementwise(function="negative"), -1),
        (Elementwise(function="square"), 0),
        (OneHot(size=2), 0),
    ],
)
def test_directions(op: Any, sign: int) -> None:
    assert direction(op, "float32") == sign


def test_a_cube_root_of_doubles_may_turn_back() -> None:
    assert direction(Elementwise(function="cbrt"), "float32") == 1
    assert direction(Elementwise(function="cbrt"), "float64") == 0


def test_passes_by_name() -> None:
    assert list(PASSES) == ["tidy", "fold-forests", "fold-linear", "fold-lookups"]
    model = fitted(make_pipeline(usual(), StandardScaler(with_mean=False), Ridge()), FRAME, VALUE)
    lowered = lower(model, FRAME)
    assert len(optimize(lowered, without=frozenset(PASSES)).nodes) == len(lowered.nodes)
    assert len(optimize(lowered).nodes) < len(lowered.nodes)
