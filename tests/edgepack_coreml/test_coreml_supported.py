"""Sums over kernels become support vector regressors, in doubles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB

from edgepack.contract import EmitOptions, Input
from edgepack.errors import EdgepackError
from edgepack.ir import Program
from edgepack.ir.ops import Affine, Bucket, Concat, Distances, Elementwise, Label, Linear, Power, Reduce, Step
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack_coreml import target
from edgepack_coreml.evaluate import Evaluator
from edgepack_coreml.proto import messages

Make = Callable[..., Any]
R = np.random.default_rng(5)
POINTS = R.normal(size=(7, 3))
INPUTS = [Input(name="a", kind="number"), Input(name="b", kind="number", width=2)]
BENT = Affine(factor=np.full(7, 0.2), offset=np.full(7, 1.0))
SQUARES = Distances(points=POINTS, metric="sqeuclidean")


def products(offset: float) -> Linear:
    return Linear(coef=POINTS, intercept=np.full(7, offset))


KERNELS: dict[str, list[Any]] = {
    "rbf": [SQUARES, Affine(factor=np.full(7, -0.3)), Elementwise(function="exp")],
    "poly": [products(0.5), Power(exponent=np.full(7, 3.0))],
    "poly, bent": [products(0.0), BENT, Power(exponent=np.full(7, 2.0))],
    "sigmoid": [products(-0.2), Elementwise(function="tanh")],
}


def chain_of(name: str, outputs: int) -> list[tuple[str, Any, list[str]]]:
    weights = np.random.default_rng(1).normal(size=(outputs, 7))
    weights[:, 2] = 0.0
    ops = [*KERNELS[name], Linear(coef=weights, intercept=np.arange(outputs) + 0.25)]
    named = [(f"v{k}", op, [f"v{k - 1}" if k else "x"]) for k, op in enumerate(ops)]
    return [("x", Concat(), ["i1", "i0"]), *named, ("y", Concat(), [named[-1][0]])]


def rows(count: int = 100) -> dict[str, Any]:
    x = R.normal(size=(count, 3)).astype(np.float32).astype(np.float64)
    x[:7] = POINTS[:, [2, 0, 1]].astype(np.float32)
    return {"a": x[:, :1], "b": x[:, 1:]}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("outputs", [1, 3])
def test_each_sum_is_one_regressor(name: str, outputs: int, program: Make, agree: Make) -> None:
    kinds = agree(program(INPUTS, chain_of(name, outputs), {"value": "y"}), rows(), 1e-13)
    assert [k for k in kinds if k != "featureVectorizer"] == ["supportVectorRegressor"] * outputs


def test_a_sum_decides_a_label(program: Make, agree: Make) -> None:
    chain = chain_of("rbf", 1)
    chain += [("k", Step(threshold=0.0, strict=True), ["y"]), ("l", Label(classes=np.array(["x", "y"])), ["k"])]
    agree(program(INPUTS, chain, {"label": "l"}, ("x", "y")), rows())


@pytest.mark.parametrize("right", [True, False])
def test_signs_of_sums_are_votes(right: bool, program: Make, agree: Make) -> None:
    x = np.array([0.0, -0.0, 1e-30, -1e-30, 2.0, -2.0])
    weights = Linear(coef=np.array([[1.0], [-1.0]]), intercept=np.zeros(2))
    bucket = Bucket(edges=(np.zeros(1),) * 2, right=right)
    chain = [("s", weights, ["i0"]), ("v", bucket, ["s"]), ("y", Linear(coef=np.eye(2), intercept=np.zeros(2)), ["v"])]
    agree(program(INPUTS[:1], chain, {"value": "y"}), {"a": x.astype(np.float32).astype(np.float64)[:, None]})


def turned(intercept: Any) -> list[tuple[str, Any, list[str]]]:
    """Squares of weighted sums, scaled, and added by twos and threes."""
    return [
        ("x", Concat(), ["i1", "i0"]),
        ("t", Linear(coef=POINTS[:6], intercept=np.asarray(intercept, np.float64)), ["x"]),
        ("s", Elementwise(function="square"), ["t"]),
        ("a", Affine(divisor=np.arange(1.0, 7.0)), ["s"]),
        ("y", Reduce(function="sum", groups=2), ["a"]),
    ]


@pytest.mark.parametrize("intercept", [np.zeros(6), np.full(6, 2.0), np.arange(6.0) - 2])
def test_sums_of_squares_are_one_regressor_each(intercept: Any, program: Make, agree: Make) -> None:
    kinds = agree(program(INPUTS, turned(intercept), {"value": "y"}), rows(), 1e-13)
    assert kinds.count("supportVectorRegressor") == 2
    assert ("glmRegressor" in kinds) == (len(set(intercept)) > 1)  # a column of ones


def test_squares_of_large_and_centred_numbers_keep_their_digits(program: Make, agree: Make) -> None:
    chain = [
        ("x", Concat(), ["i1", "i0"]),
        ("c", Affine(center=np.array([1.0, -3e5, 1 / 3])), ["x"]),
        ("s", Elementwise(function="square"), ["c"]),
        ("y", Reduce(function="sum"), ["s"]),
    ]
    far = {"a": np.array([[0.0], [1e30], [1 / 3]]), "b": np.array([[1.0, -3e5], [1e18, 2.0], [1.0, -299999.96875]])}
    agree(program(INPUTS, chain, {"value": "y"}), far, 1e-15)


def test_a_missing_number_spoils_its_own_square_alone(program: Make, agree: Make) -> None:
    chain = [("x", Concat(), ["i1", "i0"]), ("y", Elementwise(function="square"), ["x"])]
    given = {"a": np.array([[np.nan], [2.0]]), "b": np.array([[1.5, -2.0], [np.nan, 1e-3]])}
    agree(program(INPUTS, chain, {"value": "y"}), given, 1e-15)


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        (Affine(factor=np.full(7, 0.3)), "it grows"),
        (Affine(factor=-np.arange(1.0, 8.0)), "each point has its own"),
        (Affine(factor=np.full(7, -0.3), offset=np.ones(7)), "it is moved"),
    ],
)
def test_what_is_no_kernel_becomes_an_ml_program(op: Affine, kind: str, program: Make, tmp_path: Path) -> None:
    from edgepack_coreml.plan import plan

    chain = chain_of("rbf", 1)
    chain[2] = ("v1", op, ["v0"])
    assert plan(program(INPUTS, chain, {"value": "y"})).problems, kind


def regressor(model: Any) -> Any:
    stages = model.pipelineRegressor.pipeline.models
    return next(s for s in stages if s.WhichOneof("Type") == "supportVectorRegressor") if stages else model


@pytest.fixture
def model(program: Make, save: Make) -> Any:
    made: Program = program(INPUTS, chain_of("rbf", 1), {"value": "y"})
    return messages().Model.FromString(save(made).read_bytes())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.coefficients.alpha.append(1.0), "7 coefficients for vectors"),
        (lambda s: s.denseSupportVectors.vectors[0].values.append(1.0), "numbers"),
        (lambda s: s.sparseSupportVectors.SetInParent(), "sparseSupportVectors"),
        (lambda s: s.kernel.Clear(), "kernel None"),
    ],
)
def test_what_the_evaluator_does_not_know(model: Any, change: Callable[[Any], Any], message: str) -> None:
    change(regressor(model).supportVectorRegressor)
    with pytest.raises(EdgepackError, match=message):
        Evaluator(model)


@pytest.mark.parametrize(
    "change",
    [
        lambda s: setattr(s.kernel.rbfKernel, "gamma", 0.31),
        lambda s: setattr(s, "rho", s.rho + 1e-3),
        lambda s: s.coefficients.alpha.__setitem__(1, 0.0),
        lambda s: s.denseSupportVectors.vectors[1].values.__setitem__(1, 0.0),
    ],
)
def test_every_parameter_counts(model: Any, change: Callable[[Any], Any]) -> None:
    given = {"a": rows()["a"][:, 0], "b": rows()["b"]}
    before = Evaluator(model).run(given)["value"]
    change(regressor(model).supportVectorRegressor)
    assert np.abs(np.asarray(Evaluator(model).run(given)["value"]) - np.asarray(before)).max() > 1e-5


@pytest.mark.parametrize("classes", [2, 3])
def test_a_normal_distribution_is_one_regressor_per_class(classes: int, tmp_path: Path) -> None:
    x = R.normal(size=(90, 3))
    model = GaussianNB().fit(x, np.arange(90) % classes)
    program = optimize(lower(model, x, fallback=False))
    saved = messages().Model.FromString(target.emit(program, tmp_path, EmitOptions()).path.read_bytes())
    stages = [s.WhichOneof("Type") for s in saved.pipelineClassifier.pipeline.models]
    assert stages.count("supportVectorRegressor") == classes
    assert stages[-1] == "glmClassifier"


def test_classes_are_not_compared_by_squares_of_float64_numbers() -> None:
    """They overflow: scikit-learn takes the first class, and Core ML has NaN for the difference of two infinities."""
    x, y = R.normal(size=(60, 2)), np.arange(60) % 2
    problems = target.check(optimize(lower(GaussianNB().fit(x, y), x, input_dtype="float64")))
    assert ["float64" in problem.reason for problem in problems] == [True]
