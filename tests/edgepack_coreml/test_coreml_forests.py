"""Forests: every branch is the Program's, at every boundary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Input
from edgepack.ir.ops import Affine, ArgMax, Concat, Forest, Impute, Label, Linear, Lookup, OneHot, Sum
from edgepack_coreml.plan import plan

Make = Callable[..., Any]
NAN = float("nan")


def grow(
    features: int,
    outputs: int,
    *,
    trees: int = 5,
    depth: int = 4,
    compare: Any = "float32",
    mean: bool = False,
    cuts: Any = (0.1, 0.5, -0.0, 1e-45, 1.0),
    equal: Any = (),
    value: Callable[..., Any] | None = None,
) -> Forest:
    """Full random trees; `equal` names the features that are asked for equality with 0, 1, 2."""
    rng = np.random.default_rng(trees * 31 + depth)
    size = 2 ** (depth + 1) - 1
    node = np.tile(np.arange(size), trees)
    start = np.repeat(np.arange(trees) * size, size)
    leaf = node >= 2**depth - 1
    feature = np.where(leaf, 0, rng.integers(0, features, len(node)))
    is_equal = ~leaf & np.isin(feature, list(equal))
    threshold = np.where(leaf, 0.0, rng.choice(np.array([*cuts, *rng.normal(size=20)]), len(node)))
    drawn = rng.normal(size=(len(node), outputs)) if value is None else value(rng, (len(node), outputs))
    return Forest(
        feature=feature,
        threshold=np.where(is_equal, rng.integers(0, 3, len(node)), threshold),
        equal=is_equal,
        nan_left=~leaf & (rng.random(len(node)) < 0.5),
        left=np.where(leaf, -1, 2 * node + 1 + start),
        right=np.where(leaf, -1, 2 * node + 2 + start),
        value=np.where(leaf[:, None], drawn, 0.0),
        roots=np.arange(trees) * size,
        base=np.zeros(outputs) if mean else rng.normal(size=outputs),
        divisor=float(trees) if mean else 1.0,
        features=features,
        compare=compare,
    )


def cuts_of(forest: Forest) -> list[float]:
    return np.unique(forest.threshold[~forest.is_leaf]).tolist()


INPUTS = {
    "wide": [Input(name="X", kind="number", width=4)],
    "columns": [Input(name=name, kind="number") for name in ("age", "fare (USD)", "größe", "class")],
}


@pytest.mark.parametrize("inputs", INPUTS)
@pytest.mark.parametrize("compare", ["float32", "float64"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_regressor_is_one_stage_and_the_program_to_the_last_bit(
    agree: Make, program: Make, inputs: str, compare: str, dtype: str
) -> None:
    forest = grow(4, 1, compare=compare)
    names = [f"i{k}" for k in range(len(INPUTS[inputs]))]
    p = program(INPUTS[inputs], [("x", Concat(), names), ("y", forest, ["x"])], {"value": "y"}, input_dtype=dtype)
    assert agree(p, extra=cuts_of(forest)) == ["treeEnsembleRegressor"]


def test_doubles_on_a_float32_model_are_rounded_first(save: Make, program: Make) -> None:
    """An app may pass any Double: between two float32 numbers the nearer one decides, as on the server."""
    from edgepack_coreml.evaluate import load

    forest = grow(4, 1)
    p = program(INPUTS["wide"], [("y", forest, ["i0"])], {"value": "y"})
    t = np.repeat(np.array(cuts_of(forest)), 3) * np.tile([1, 1 + 1e-9, 1 - 1e-9], len(cuts_of(forest)))
    x = np.random.default_rng(0).choice(t, (500, 4))
    answers = load(save(p)).run({"X": x})
    np.testing.assert_array_equal(answers["value"], p.run({"X": x})["value"])


def test_a_mean_is_divided_in_the_leaves(agree: Make, program: Make) -> None:
    forest = grow(4, 1, trees=7, mean=True)
    agree(program(INPUTS["wide"], [("y", forest, ["i0"])], {"value": "y"}), tolerance=1e-15, extra=cuts_of(forest))


def test_several_outputs_are_several_regressors(agree: Make, program: Make) -> None:
    p = program(INPUTS["wide"], [("y", grow(4, 3), ["i0"])], {"value": "y"})
    assert agree(p) == ["treeEnsembleRegressor"] * 3 + ["featureVectorizer"]


def test_a_scaled_answer_is_scaled_in_the_leaves(agree: Make, program: Make) -> None:
    chain = [("z", grow(4, 1), ["i0"]), ("y", Affine(factor=np.array([3.3]), offset=np.array([100.0])), ["z"])]
    assert agree(program(INPUTS["wide"], chain, {"value": "y"}), tolerance=1e-14) == ["treeEnsembleRegressor"]


def test_a_forest_and_a_sum_add_up(agree: Make, program: Make) -> None:
    chain = [
        ("f", Impute(fill=np.zeros(4), sentinel=NAN), ["i0"]),
        ("a", grow(4, 1), ["f"]),
        ("b", Linear(coef=np.ones((1, 4)), intercept=np.ones(1)), ["f"]),
        ("s", Sum(), ["a", "b"]),
        ("y", Affine(divisor=np.array([2.0])), ["s"]),
    ]
    x = np.random.default_rng(0).normal(size=(200, 4))
    stages = agree(program(INPUTS["wide"], chain, {"value": "y"}), {"X": x}, tolerance=1e-14)
    assert stages == ["imputer", "treeEnsembleRegressor", "glmRegressor"]


CODES = {
    "codes": (0.0, 1.0, 2.0, -1.0, -1.0),
    "missing codes": (0.0, 1.0, 2.0, NAN, NAN),
    "values": (0.5, 0.25, 1e-45, 3.3, NAN),
}


@pytest.mark.parametrize("name", CODES)
@pytest.mark.parametrize("compare", ["float32", "float64"])
def test_categories_beside_numbers(agree: Make, program: Make, name: str, compare: str) -> None:
    forest = grow(3, 2, depth=5, compare=compare, equal=(1,), mean=True, value=lambda rng, size: rng.random(size))
    lookup = Lookup(keys=np.array(["a", "b", "é"], object), table=np.array(CODES[name])[:, None])
    inputs = [
        Input(name="age", kind="number"),
        Input(name="city", kind="string"),
        Input(name="fare", kind="number"),
    ]
    chain = [("c", lookup, ["i1"]), ("x", Concat(), ["i0", "c", "i2"]), ("p", forest, ["x"]), *label("p")]
    p = program(inputs, chain, {"label": "l", "probabilities": "p"}, classes=("no", "yes"))
    if name == "values" and compare == "float32":
        assert [problem.reason for problem in plan(p).problems] == [
            "asks whether float64 numbers equal a float32 number"
        ]
        return
    stages = agree(p, tolerance=1e-15, extra=cuts_of(forest))
    assert stages[-1] == "treeEnsembleClassifier"


def label(scores: str, classes: Any = ("no", "yes")) -> list[Any]:
    return [("a", ArgMax(), [scores]), ("l", Label(classes=np.array(classes)), ["a"])]


def test_splits_on_some_hot_columns_only(agree: Make, program: Make) -> None:
    lookup = Lookup(keys=np.array(["a", "b", "é"], object), table=np.array([0.0, 1, 2, -1, -1])[:, None])
    forest = grow(2, 1)
    chain = [
        ("c", lookup, ["i1"]),
        ("h", OneHot(size=3), ["c"]),
        ("x", Concat(), ["h", "i0"]),
        (
            "y",
            Forest(
                **{**parts(forest), "feature": np.where(forest.feature == 0, 2, 3) * ~forest.is_leaf, "features": 4}
            ),
            ["x"],
        ),
    ]
    inputs = [Input(name="age", kind="number"), Input(name="city", kind="string")]
    agree(program(inputs, chain, {"value": "y"}), extra=cuts_of(forest))


def parts(forest: Forest) -> dict[str, Any]:
    return {f.name: getattr(forest, f.name) for f in fields(forest) if f.init}


EXACT = {
    "a subtraction": Affine(center=np.array([0.3, 1.0, -2.0, 0.1])),
    "a product": Affine(factor=np.array([0.3, 1.1, -2.0, 0.1])),
    "a division by powers of two": Affine(divisor=np.array([0.5, 4.0, 1024.0, 1.0])),
    "a product and a sum": Affine(factor=np.array([0.3, 1.1, -2.0, 0.1]), offset=np.array([0.3, 1.0, -2.0, 0.1])),
    "all but a division": Affine(center=np.full(4, 0.7), factor=np.full(4, 0.3), offset=np.full(4, 0.1)),
}


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("compare", ["float32", "float64"])
def test_steps_that_core_ml_rounds_alike_may_stand_before_splits(
    agree: Make, program: Make, name: str, compare: str
) -> None:
    forest = grow(4, 1, compare=compare, cuts=(0.1, -0.2, 0.39, 0.55))
    x = np.random.default_rng(1).normal(size=(3000, 4)).astype(np.float32).astype(np.float64)
    p = program(INPUTS["wide"], [("v", EXACT[name], ["i0"]), ("y", forest, ["v"])], {"value": "y"})
    values = p.values({"X": x})["v"]
    cuts = np.unique(np.concatenate([values[:20].ravel(), forest.threshold]))
    sharp = Forest(**{**parts(forest), "threshold": np.random.default_rng(2).choice(cuts, len(forest.threshold))})
    sharp_program = program(INPUTS["wide"], [("v", EXACT[name], ["i0"]), ("y", sharp, ["v"])], {"value": "y"})
    agree(sharp_program, {"X": x})


def test_an_imputed_value_that_is_no_float32_is_compared_as_it_is(agree: Make, program: Make) -> None:
    """0.1 is above float32(0.1)'s lower neighbour and below float32(0.1): neither may stand in for it."""
    forest = grow(1, 1, compare="float64", cuts=(0.1, np.nextafter(0.1, 0), np.nextafter(0.1, 1)))
    for fill in (0.1, np.nextafter(0.1, 0), np.nextafter(0.1, 1)):
        chain = [("v", Impute(fill=np.array([fill]), sentinel=NAN), ["i0"]), ("y", forest, ["v"])]
        agree(program([Input(name="x", kind="number")], chain, {"value": "y"}), extra=[0.1])


def test_ties_of_votes_stay_ties(agree: Make, program: Make) -> None:
    """Pure leaves: many rows tie exactly, and the first of the largest wins, as on the server."""

    def votes(rng: Any, size: Any) -> Any:
        return np.eye(size[1])[rng.integers(0, size[1], size[0])]

    forest = grow(4, 3, trees=6, mean=True, value=votes)
    p = program(
        INPUTS["wide"], [("p", forest, ["i0"]), *label("p", (3, 1, 2))], {"label": "l", "probabilities": "p"}, (3, 1, 2)
    )
    x = np.random.default_rng(0).normal(size=(4000, 4))
    top = np.sort(p.run({"X": x})["probabilities"], axis=1)
    assert (top[:, -1] == top[:, -2]).sum() > 100
    agree(p, {"X": x}, tolerance=1e-15)


def test_sums_of_probabilities_do_not_depend_on_the_order_of_trees(save: Make, program: Make) -> None:
    from edgepack_coreml.proto import messages

    forest = grow(4, 3, trees=9, mean=True, value=lambda rng, size: rng.dirichlet(np.ones(size[1]), size[0]))
    p = program(
        INPUTS["wide"],
        [("p", forest, ["i0"]), *label("p", tuple("abc"))],
        {"label": "l", "probabilities": "p"},
        tuple("abc"),
    )
    model = messages().Model.FromString(save(p).read_bytes())
    values = [
        [e.evaluationValue for e in node.evaluationInfo]
        for node in model.treeEnsembleClassifier.treeEnsemble.nodes
        if node.nodeBehavior == 6
    ]
    scaled = np.array(values) * 2.0**52
    assert np.array_equal(scaled, np.rint(scaled))
