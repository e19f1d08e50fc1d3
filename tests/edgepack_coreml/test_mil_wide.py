"""Sums and products in pairs of float32 numbers, and rows beside a decision, which show where these are needed."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalogue.case import rows_of, target_of
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    Normalizer,
    PolynomialFeatures,
    PowerTransformer,
    SplineTransformer,
    StandardScaler,
)

from edgepack.contract import EmitOptions, Input
from edgepack.ir import Program
from edgepack.ir import ops as ir
from edgepack.ir.packing import scaled
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack_coreml import mil, target
from edgepack_coreml.beside import beside
from edgepack_coreml.mil import wide

R = np.random.default_rng(5)
WIDTH = 5
KNOTS = np.array([-1.0, 0.25, 1.0])
SPLINE = ir.Piecewise(
    edges=(KNOTS,) * WIDTH,
    right=True,
    origin=tuple(R.normal(size=4) for _ in range(WIDTH)),
    coef=tuple(R.normal(size=(4, 1, 4)) for _ in range(WIDTH)),
)
BOTH = ir.Binary(function="multiply")
SCALED = ir.Affine(center=R.normal(size=WIDTH), divisor=R.uniform(1, 3, WIDTH), offset=R.normal(size=WIDTH))
MIXED = ir.Linear(coef=R.normal(size=(WIDTH, WIDTH)), intercept=R.normal(size=WIDTH))
WHOLE = ir.Linear(coef=scaled(R.normal(size=(WIDTH, WIDTH)), axis=0).numbers, intercept=R.normal(size=WIDTH))
ROW = R.normal(size=WIDTH)
CHAINS: dict[str, list[tuple[str, Any, list[str]]]] = {
    "Affine": [("y", SCALED, ["i0"])],
    "Affine, only a factor": [("y", ir.Affine(factor=R.normal(size=WIDTH)), ["i0"])],
    "Linear": [("y", MIXED, ["i0"])],
    "Linear of pairs": [("a", SCALED, ["i0"]), ("y", MIXED, ["a"])],
    "Linear of whole numbers": [("y", WHOLE, ["i0"])],
    "Linear of whole numbers and pairs": [("a", SCALED, ["i0"]), ("y", WHOLE, ["a"])],
    "Affine of pairs": [("a", MIXED, ["i0"]), ("y", SCALED, ["a"])],
    "product": [("y", BOTH, ["i0", "i0"])],
    "product of pairs": [("a", SCALED, ["i0"]), ("b", MIXED, ["i0"]), ("y", BOTH, ["a", "b"])],
    "difference": [("a", SCALED, ["i0"]), ("y", ir.Binary(function="subtract"), ["i0", "a"])],
    "sum": [("a", SCALED, ["i0"]), ("b", MIXED, ["i0"]), ("y", ir.Binary(function="add"), ["b", "a"])],
    "sum of tables": [("a", SCALED, ["i0"]), ("b", MIXED, ["i0"]), ("y", ir.Sum(), ["a", "i0", "b"])],
    "Select": [("a", SCALED, ["i0"]), ("y", ir.Select(columns=np.array([4, 0, 0, 2, 1])), ["a"])],
    "Concat": [
        ("a", SCALED, ["i0"]),
        ("b", ir.Select(columns=np.array([3, 1])), ["a"]),
        ("c", ir.Select(columns=np.array([0, 2, 4])), ["i0"]),
        ("y", ir.Concat(), ["b", "c"]),
    ],
    "Constant": [("a", ir.Constant(row=ROW), ["i0"]), ("y", BOTH, ["i0", "a"])],
    "Impute": [("a", SCALED, ["i0"]), ("y", ir.Impute(fill=ROW, sentinel=np.nan), ["a"])],
    "Where": [
        ("a", SCALED, ["i0"]),
        ("b", MIXED, ["i0"]),
        ("c", ir.Constant(row=np.array([1.0, 0, 1, 0, 0])), ["i0"]),
        ("y", ir.Where(), ["c", "a", "b"]),
    ],
    "Piecewise": [("y", SPLINE, ["i0"])],
    "Piecewise of pairs": [("a", SCALED, ["i0"]), ("y", SPLINE, ["a"])],
}


def told(program: Any, chain: list[tuple[str, Any, list[str]]], reference: np.ndarray) -> Any:
    """A Program that ends with what is left when a row's own answer is taken away, which float32 has no digits for."""
    rest = ir.Affine(center=reference)
    return program([Input(name="X", kind="number", width=WIDTH)], [*chain, ("z", rest, ["y"])], {"value": "z"})


def answered(whole: Program, rows: dict[str, Any], folder: Path, *, doubled: bool) -> np.ndarray:
    planned = mil.plan(whole, 15, doubled=doubled)
    assert not planned.problems
    mil.write(planned, whole.interface, EmitOptions(name="m"), folder / "m.mlpackage")
    return target.open(folder / "m.mlpackage", whole.interface).run(rows)["value"]


@pytest.mark.parametrize("name", CHAINS)
def test_a_pair_holds_what_float32_has_no_digits_for(name: str, program: Any, tmp_path: Path) -> None:
    x = R.normal(size=(40, WIDTH)).astype(np.float32).astype(np.float64)
    if name == "Impute":
        x[::3, 1] = np.nan
    plain = program([Input(name="X", kind="number", width=WIDTH)], CHAINS[name], {"value": "y"})
    reference = plain.run({"X": x[:1]})["value"].reshape(-1)
    whole = told(program, CHAINS[name], reference)
    near = {"X": (x[0] * (1 + R.uniform(-1e-6, 1e-6, (40, WIDTH)))).astype(np.float32).astype(np.float64)}
    if name == "Impute":
        near["X"][::3] = x[0]
    exact = whole.run(near)["value"]
    size = max(1.0, np.abs(x[0]).max(), np.abs(reference).max())
    errors = {
        doubled: np.abs(answered(whole, near, tmp_path, doubled=doubled) - exact).max() / size
        for doubled in (False, True)
    }
    assert errors[True] < 2e-10
    if name not in ("Select", "Constant", "Impute", "Concat", "Affine", "Affine, only a factor"):
        assert errors[False] > 10 * errors[True]


@pytest.mark.parametrize("op", [ir.Sigmoid(), ir.Softmax(), ir.ArgMax(), ir.Step(threshold=0.3, strict=True)])
def test_what_is_behind_scores_sees_both_parts(op: Any, program: Any, tmp_path: Path) -> None:
    """Scores in the hundreds that differ by a hundredth of what float32 tells apart."""
    center = np.array([300.1, 300.1, -50.0, 0.1, 0.1])
    shift = ir.Affine(center=-center if isinstance(op, ir.Softmax | ir.ArgMax) else center)
    chain = [("a", shift, ["i0"])]
    if isinstance(op, ir.Step):
        chain.append(("b", ir.Select(columns=np.array([0])), ["a"]))
    whole = program([Input(name="X", kind="number", width=WIDTH)], [*chain, ("y", op, [chain[-1][0]])], {"value": "y"})
    x = np.tile(np.array([0.0, 0.0, -50.0, 0.0, 0.0]), (400, 1)) + R.uniform(-1e-6, 1e-6, (400, WIDTH))
    if isinstance(op, ir.Step):
        x[:, 0] = 300.4 + R.uniform(-1e-4, 1e-4, 400)
    rows = {"X": x.astype(np.float32).astype(np.float64)}
    exact = whole.run(rows)["value"]
    errors = {d: np.abs(answered(whole, rows, tmp_path, doubled=d) - exact).max() for d in (False, True)}
    assert errors[True] <= (0.0 if isinstance(op, ir.ArgMax | ir.Step) else 1.2e-7)
    if not isinstance(op, ir.Step):
        assert errors[False] > errors[True] or isinstance(op, ir.Sigmoid)


def test_every_piece_has_twelve_bits_and_they_add_up() -> None:
    numbers = R.normal(size=1000) * 10.0 ** R.integers(-20, 20, 1000)
    upper, lower, rest = wide._pieces(numbers)
    for part in (upper, lower):
        assert np.all(np.ldexp(np.frexp(part)[0], 12) % 1 == 0)
    assert np.all(np.abs(upper + lower + rest - numbers) <= 2.0**-47 * np.abs(numbers))


def fitted(*steps: Any, learns: str = "binary") -> Program:
    x = rows_of("plain")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(*steps).fit(x, target_of(learns, x))
    return optimize(lower(model, x, fallback=False))


@pytest.mark.parametrize("learns", ["binary", "words"])
@pytest.mark.parametrize("first", [[StandardScaler(), PolynomialFeatures()], [SplineTransformer(degree=3)]])
def test_a_steep_model_is_written_in_pairs(first: list[Any], learns: str, tmp_path: Path) -> None:
    two, three = SGDClassifier(loss="log_loss", alpha=1e-7, random_state=0), LogisticRegression(C=1e4, max_iter=300)
    steep = fitted(*first, two if learns == "binary" else three, learns=learns)
    artifact = target.emit(steep, tmp_path, EmitOptions(name="m"))
    assert "sums and products are pairs of float32 numbers" in artifact.notes
    runner = target.open(artifact.path, steep.interface)
    x = {"X": rows_of("plain")}
    rows = beside(steep, x, 200)
    assert len(rows["X"]) == 400
    assert np.abs(runner.run(rows)["probabilities"] - steep.run(rows)["probabilities"]).max() < 5e-7


def test_a_flat_model_stays_in_single_numbers(tmp_path: Path) -> None:
    artifact = target.emit(
        fitted(SplineTransformer(degree=1), LogisticRegression(C=0.01)), tmp_path, EmitOptions(name="m")
    )
    assert not any("pairs" in note for note in artifact.notes)


@pytest.mark.parametrize("learns", ["value", "binary"])
def test_a_root_of_what_float32_computes_is_refused_where_it_begins_and_not_elsewhere(learns: str) -> None:
    """A spline's values end at 0 beside a knot, with an error of 3e-8 there, whose cube root is 0.003."""
    root = FunctionTransformer(np.cbrt)
    last = LinearRegression() if learns == "value" else LogisticRegression()
    (problem,) = target.check(fitted(Normalizer("l1"), SplineTransformer(degree=1), root, last, learns=learns))
    assert problem.reason == "float32, in which Core ML computes this, has too few digits for its answers"
    assert target.check(fitted(StandardScaler(), root, last, learns=learns)) == []


def test_a_steep_model_behind_functions_of_float32_is_refused_where_it_is_written() -> None:
    (problem,) = target.check(fitted(PowerTransformer(), PolynomialFeatures(), SGDClassifier(random_state=0)))
    assert problem.reason == "float32, in which Core ML computes this, has too few digits for its answers"


def test_rows_beside_a_decision_differ_in_a_last_bit_and_in_their_label() -> None:
    whole = fitted(SplineTransformer(degree=1), SGDClassifier(random_state=0))
    rows = beside(whole, {"X": rows_of("plain")}, 8)
    labels = whole.run(rows)["label"]
    assert np.all(labels[:8] != labels[8:])
    assert np.abs(rows["X"][:8] - rows["X"][8:]).max() < 1e-5 * np.abs(rows["X"]).max()


def test_where_a_leap_decides_there_is_no_row_beside_it() -> None:
    """Behind a bin's edge the score is another at once, on every runtime."""
    from sklearn.preprocessing import KBinsDiscretizer

    binned = KBinsDiscretizer(n_bins=3, encode="onehot-dense", quantile_method="averaged_inverted_cdf")
    whole = fitted(binned, PowerTransformer(), SGDClassifier(random_state=0))
    assert len(beside(whole, {"X": rows_of("plain")}, 9)["X"]) == 0
