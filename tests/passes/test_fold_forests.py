"""Forests over raw inputs: what is folded, and that the branches stay the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from zoo import NUMBERS, STRINGS, check, classes, fitted, matrix, matrix_target, refolded, table, target, usual

from edgepack.ir import Program
from edgepack.ir.ops import ArgMax, Concat, Forest, Label, Lookup
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack.passes.trace import MONOTONE

FRAME = table()
VALUE = target(FRAME)
X, HOLED = matrix(), matrix(missing=True)
Y, HOLED_Y = matrix_target(X), matrix_target(HOLED)


def forest(**options: Any) -> RandomForestRegressor:
    return RandomForestRegressor(5, max_depth=6, random_state=0, **options)


def kinds(program: Program) -> set[type]:
    return {type(node.op) for node in program.nodes}


LAST: list[Any] = [
    forest(),
    RandomForestClassifier(5, random_state=0, max_depth=6),
    ExtraTreesClassifier(5, random_state=0, max_depth=6),
    GradientBoostingRegressor(n_estimators=8),
    HistGradientBoostingRegressor(max_iter=6, min_samples_leaf=5),
    HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=5),
]


@pytest.mark.parametrize("last", LAST, ids=str)
@pytest.mark.parametrize(
    "numbers",
    [
        make_pipeline(SimpleImputer(), StandardScaler()),
        make_pipeline(SimpleImputer(add_indicator=True), MinMaxScaler(clip=True)),
        make_pipeline(SimpleImputer(strategy="median"), FunctionTransformer(np.tanh), RobustScaler()),
        make_pipeline(FunctionTransformer(np.negative), SimpleImputer(), MinMaxScaler()),
    ],
    ids=str,
)
def test_a_folded_forest_reads_raw_inputs_only(last: Any, numbers: Any) -> None:
    y = classes(VALUE, ["a", "b", "c"]) if hasattr(last, "predict_proba") else VALUE
    program = check(fitted(make_pipeline(usual(numbers, sparse_threshold=0), last), FRAME, y), FRAME)
    before_decision = [n for n in program.nodes if isinstance(n.op, Forest | Lookup | Concat)]
    assert kinds(program) >= {Forest, Lookup, Concat}
    for node in before_decision:
        if isinstance(node.op, Lookup):
            assert node.inputs[0] in ("i4", "i5")
    assert {type(n.op).__name__ for n in program.nodes} <= {
        "Forest", "Lookup", "Concat", "ArgMax", "Label", "Softmax", "Sigmoid", "Complement", "Step",
    }  # fmt: skip
    assert refolded(program).compare == "float64"


def test_a_scaled_forest_on_an_array_is_one_forest() -> None:
    program = check(fitted(make_pipeline(StandardScaler(), MinMaxScaler(), forest()), HOLED, HOLED_Y), HOLED)
    assert [type(n.op) for n in program.nodes] == [Forest]
    assert program.nodes[0].inputs == ("i0",)
    thresholds = refolded(program).threshold
    assert np.array_equal(thresholds, thresholds.astype(np.float32).astype(np.float64))


def test_all_number_inputs_come_first_and_in_order() -> None:
    parts = ColumnTransformer(
        [("s", OneHotEncoder(handle_unknown="ignore"), STRINGS), ("n", SimpleImputer(), ["rooms", "year"])]
    )
    x = FRAME[["year", "slope", "rooms", "zone", "roof"]].assign(slope=1.0)
    program = check(
        fitted(
            make_pipeline(ColumnTransformer([*parts.transformers, ("p", "passthrough", ["slope"])]), forest()), x, VALUE
        ),
        x,
    )
    concat = next(n for n in program.nodes if isinstance(n.op, Concat))
    assert concat.inputs[:3] == ("i0", "i1", "i2")


@pytest.mark.parametrize("name", sorted(MONOTONE))
@pytest.mark.parametrize("last", [LAST[0], LAST[4]], ids=["forest", "histogram"])
def test_monotone_functions_disappear(name: str, last: Any) -> None:
    x = np.abs(X) * 0.05 + 1e-3 if name.startswith("log") or name == "sqrt" else HOLED * 0.05
    x = x[:, :2].astype(np.float32).astype(np.float64)
    model = make_pipeline(FunctionTransformer(getattr(np, name)), StandardScaler(), last)
    program = check(fitted(model, x, matrix_target(x)), x, rows=800)
    assert [type(n.op) for n in program.nodes] == [Forest]


@pytest.mark.parametrize("name", ["square", "absolute", "reciprocal", "sin", "cos"])
def test_functions_that_turn_back_stay(name: str) -> None:
    steps = make_pipeline(StandardScaler(), FunctionTransformer(getattr(np, name)), StandardScaler(), forest())
    program = check(fitted(steps, X, Y), X)
    assert "Elementwise" in {type(n.op).__name__ for n in program.nodes}
    assert [type(n.op).__name__ for n in program.nodes].count("Affine") == 1  # the scaler behind it is folded


@pytest.mark.parametrize("count", [1, 2, 3])
def test_falling_functions_turn_the_branches(count: int) -> None:
    falling = [FunctionTransformer(np.negative) for _ in range(count)]
    for last in (forest(), HistGradientBoostingRegressor(max_iter=5)):
        program = check(fitted(make_pipeline(*falling, StandardScaler(), last), HOLED, HOLED_Y), HOLED)
        assert [type(n.op) for n in program.nodes] == [Forest]


def test_a_negative_weight_turns_the_branches() -> None:
    parts = [("a", StandardScaler(), [0, 1, 2]), ("b", SimpleImputer(), [3, 4])]
    model = make_pipeline(ColumnTransformer(parts, transformer_weights={"a": -2.0, "b": -1}), forest())
    program = check(fitted(model, HOLED, HOLED_Y), HOLED)
    assert [type(n.op) for n in program.nodes] == [Forest]


def test_one_column_through_several_functions() -> None:
    union = FeatureUnion(
        [("x", "passthrough"), ("neg", FunctionTransformer(np.negative)), ("cube", FunctionTransformer(np.cbrt)),
         ("filled", SimpleImputer()), ("flag", SimpleImputer(add_indicator=True))]
    )  # fmt: skip
    program = check(fitted(make_pipeline(union, forest(max_features=0.3)), HOLED, HOLED_Y), HOLED)
    assert [type(n.op) for n in program.nodes] == [Forest]


def test_a_clipped_column_decides_some_splits() -> None:
    model = make_pipeline(MinMaxScaler(clip=True), forest())
    lowered = lower(fitted(model, X, Y), X)
    program = check(model, X)
    assert len(refolded(program).feature) <= len(refolded(lowered).feature)


def test_splits_that_no_input_can_turn_disappear() -> None:
    model = fitted(make_pipeline(FunctionTransformer(np.tanh), forest()), X, Y)
    for tree in model[-1].estimators_:
        inner = tree.tree_.children_left >= 0
        tree.tree_.threshold[inner] = np.where(np.arange(inner.sum()) % 2, 5.0, tree.tree_.threshold[inner])
        tree.tree_.missing_go_to_left[inner] = True
    program = check(model, X)
    lowered = lower(model, X)
    folded, whole = refolded(program), refolded(lowered)
    assert len(folded.feature) < len(whole.feature)
    assert len(folded.roots) == len(whole.roots)


def test_a_forest_decided_down_to_its_leaves_keeps_an_input() -> None:
    model = fitted(make_pipeline(FunctionTransformer(np.tanh), forest()), X, Y)
    for tree in model[-1].estimators_:
        tree.tree_.threshold[tree.tree_.children_left >= 0] = 5.0
        tree.tree_.missing_go_to_left[:] = True
    program = check(model, X)
    assert refolded(program).is_leaf.all() and refolded(program).features == 5


def test_leaves_without_splits_need_no_steps_before_them() -> None:
    model = make_pipeline(usual(), forest())
    program = check(fitted(model, FRAME, np.full(len(FRAME), 3.0)), FRAME)
    assert [type(n.op) for n in program.nodes] == [Concat, Forest]
    strings = make_pipeline(OneHotEncoder(handle_unknown="ignore"), forest())
    check(fitted(strings, FRAME[STRINGS], np.full(len(FRAME), 3.0)), FRAME[STRINGS])


def test_computed_columns_are_folded_as_doubles() -> None:
    steps = make_pipeline(FunctionTransformer(np.square), StandardScaler(), MinMaxScaler(), forest())
    program = check(fitted(steps, X, Y), X)
    assert [type(n.op).__name__ for n in program.nodes] == ["Elementwise", "Forest"]


def test_wide_inputs() -> None:
    x = matrix(120, 400)
    y = x[:, 0] / x[:, 0].std() + x[:, 399] / x[:, 399].std()
    model = make_pipeline(StandardScaler(), RandomForestClassifier(12, random_state=0))
    program = check(fitted(model, x, classes(y, ["a", "b"])), x, rows=400, extremes=False)
    assert [type(n.op) for n in program.nodes] == [Forest, ArgMax, Label] or kinds(program) == {Forest, ArgMax, Label}
    assert refolded(program).features == 400


@pytest.mark.parametrize("last", [LAST[0], LAST[4]], ids=["forest", "histogram"])
@pytest.mark.parametrize("name", ["cbrt", "negative", "arcsinh", "expm1"])
def test_double_inputs(last: Any, name: str) -> None:
    r = np.random.default_rng(0)
    x = r.normal(size=(300, 3)) * [1e-7, 1.0, 30.0]
    x[r.random(x.shape) < 0.1] = np.nan
    steps = make_pipeline(FunctionTransformer(getattr(np, name)), StandardScaler(), last)
    y = np.nan_to_num(x / [1e-7, 1.0, 30.0]) @ [1, 1, 1]
    program = check(fitted(steps, x, y), x, input_dtype="float64")
    if name != "cbrt":  # numpy's turns back by a last digit between neighbouring doubles
        assert [type(n.op) for n in program.nodes] == [Forest]


def test_every_pass_can_be_left_out() -> None:
    model = fitted(make_pipeline(usual(), forest()), FRAME, VALUE)
    lowered = lower(model, FRAME)
    assert "Affine" in {type(n.op).__name__ for n in optimize(lowered, without=frozenset({"fold-forests"})).nodes}
    assert optimize(optimize(lowered)).nodes[-1].op.compare == "float64"  # type: ignore[union-attr]
    again = [type(n.op) for n in optimize(optimize(lowered)).nodes]
    assert again == [type(n.op) for n in optimize(lowered).nodes]


@pytest.mark.parametrize("columns", [NUMBERS, NUMBERS[:1]])
def test_ordinal_codes_of_numbers(columns: list[str]) -> None:
    x = FRAME[columns].round().fillna(7.0)
    coded = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=3)
    check(fitted(make_pipeline(coded, StandardScaler(), forest()), x, VALUE), x)
