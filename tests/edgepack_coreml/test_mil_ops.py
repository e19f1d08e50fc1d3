"""Every op as an ML Program, run from the saved file beside its own numpy meaning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.contract import EmitOptions, Input
from edgepack.ir import ops as ir
from edgepack.ir.ops.arithmetic import BINARY, REDUCTIONS
from edgepack.ir.ops.elementwise import FUNCTIONS
from edgepack.ir.ops.neighbors import METRICS
from edgepack_coreml import mil, target
from edgepack_coreml.mil.writers import WRITERS

Make = Callable[..., Any]
NAN = float("nan")
WIDTH = 4
R = np.random.default_rng(3)
SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, 0.1, 7.25, 1e-30, 1e30, -1e30, 3.4028234663852886e38]
EXACT, CLOSE = 0.0, 4e-7
"""Relative to the larger of 1 and the answer."""

EDGES = (np.array([0.1, 0.5, 0.5, 2.0]), np.array([]), np.array([-1.0]), np.array([-0.3, 0.1, 1 / 3]))
POINTS = R.normal(size=(9, WIDTH)) * [1, 1e3, 0.1, 1]
POINTS[3] = 0.0
POINTS[5] = POINTS[6]
TABLE = np.array([[1.0, NAN], [3.0, 0.1], [5.0, -6.0], [7.0, 8.0], [NAN, 10.0]])


def piecewise(outputs: int, degree: int) -> ir.Piecewise:
    origin = tuple(R.normal(size=len(e) + 1) for e in EDGES)
    coef = tuple(R.normal(size=(len(e) + 1, outputs, degree + 1)) for e in EDGES)
    return ir.Piecewise(edges=EDGES, right=True, origin=origin, coef=coef)


def coupled(pairs: list[int], classes: int) -> list[tuple[str, Any, list[str]]]:
    inside = ir.Clip(low=np.full(len(pairs), 1e-6), high=np.full(len(pairs), 1 - 1e-6))
    steps = [ir.Select(columns=np.array(pairs)), ir.Sigmoid(), inside, ir.Coupling(classes=classes)]
    return [(name, op, [given]) for name, op, given in zip("abcy", steps, ["i0", *"abc"], strict=True)]


COLUMN, PAIR = ir.Select(columns=np.array([2])), ir.Select(columns=np.array([3, 0]))
CASES: dict[str, tuple[float, list[tuple[str, Any, list[str]]]]] = {
    "Affine": (
        CLOSE,
        [
            (
                "y",
                ir.Affine(
                    center=np.array([0.1, 1e9, 0, 2000.3]),
                    divisor=np.array([3.0, 7, 0.1, 2]),
                    offset=np.array([0.0, 1, -2, 0.3]),
                ),
                ["i0"],
            )
        ],
    ),
    "Affine, one column constant": (
        CLOSE,
        [("y", ir.Affine(factor=np.array([0.0, 1, 2, 3]), offset=np.array([5.5, 0, 1, 0.1])), ["i0"])],
    ),
    "Clip": (
        EXACT,
        [("y", ir.Clip(low=np.array([-1.0, -np.inf, 0, 0.5]), high=np.array([1.0, 2, np.inf, 0.5])), ["i0"])],
    ),
    "Select": (EXACT, [("y", ir.Select(columns=np.array([3, 0, 0, 2, 1])), ["i0"])]),
    "Concat": (EXACT, [("a", COLUMN, ["i0"]), ("b", PAIR, ["i0"]), ("y", ir.Concat(), ["b", "a", "i0"])]),
    "Single": (EXACT, [("y", ir.Single(), ["i0"])]),
    "Sum": (CLOSE, [("y", ir.Sum(), ["i0", "i0", "i0"])]),
    "Where": (EXACT, [("a", COLUMN, ["i0"]), ("y", ir.Where(), ["i0", "a", "i0"])]),
    "Where, one condition": (EXACT, [("a", COLUMN, ["i0"]), ("y", ir.Where(), ["a", "i0", "a"])]),
    "Constant": (EXACT, [("a", ir.Constant(row=np.array([0.5, 2.0])), ["i0"]), ("y", ir.Concat(), ["a", "i0"])]),
    "Constant alone": (EXACT, [("y", ir.Constant(row=np.array([0.5, 2.0])), ["i0"])]),
    "the input alone": (EXACT, [("y", ir.Concat(), ["i0"])]),
    "Impute": (EXACT, [("y", ir.Impute(fill=np.array([1.0, 2, 3, 0.5]), sentinel=NAN), ["i0"])]),
    "Impute 0": (EXACT, [("y", ir.Impute(fill=np.array([1.0, 2, 3, NAN]), sentinel=0.0), ["i0"])]),
    "Impute 0.1": (EXACT, [("y", ir.Impute(fill=np.array([1.0, 2, 3, 4]), sentinel=0.1), ["i0"])]),
    "Indicate": (EXACT, [("y", ir.Indicate(sentinel=None), ["i0"])]),
    "Indicate 7.25": (EXACT, [("y", ir.Indicate(sentinel=7.25), ["i0"])]),
    "Lookup": (
        CLOSE,
        [("a", COLUMN, ["i0"]), ("y", ir.Lookup(keys=np.array([2.0, -1.0, 0.1]), table=TABLE), ["a"])],
    ),
    "Lookup, no keys": (CLOSE, [("a", COLUMN, ["i0"]), ("y", ir.Lookup(keys=np.array([]), table=TABLE[3:]), ["a"])]),
    "OneHot": (EXACT, [("a", COLUMN, ["i0"]), ("y", ir.OneHot(size=4), ["a"])]),
    "Step": (EXACT, [("a", COLUMN, ["i0"]), ("y", ir.Step(threshold=0.1, strict=True), ["a"])]),
    "Step, not strict": (EXACT, [("a", COLUMN, ["i0"]), ("y", ir.Step(threshold=0.1, strict=False), ["a"])]),
    "Step at 0.5": (EXACT, [("a", COLUMN, ["i0"]), ("y", ir.Step(threshold=0.5, strict=False), ["a"])]),
    "ArgMax": (EXACT, [("y", ir.ArgMax(), ["i0"])]),
    "Linear": (CLOSE * 4, [("y", ir.Linear(coef=R.normal(size=(3, WIDTH)), intercept=R.normal(size=3)), ["i0"])]),
    "Sigmoid": (CLOSE, [("y", ir.Sigmoid(), ["i0"])]),
    "Softmax": (CLOSE, [("y", ir.Softmax(), ["i0"])]),
    "Normalize": (CLOSE, [("a", ir.Elementwise(function="absolute"), ["i0"]), ("y", ir.Normalize(), ["a"])]),
    "Complement": (CLOSE, [("a", COLUMN, ["i0"]), ("b", ir.Sigmoid(), ["a"]), ("y", ir.Complement(), ["b"])]),
    "Power": (CLOSE, [("y", ir.Power(exponent=np.array([2.0, 0.5, -1.0, 1 / 3])), ["i0"])]),
    "Nearest": (EXACT, [("y", ir.Nearest(k=2), ["i0"])]),
    "WeightedMedian": (EXACT, [("y", ir.WeightedMedian(weights=np.array([0.125, 0.75, 0.25, 0.375])), ["i0"])]),
    "WeightedMedian of equals": (EXACT, [("y", ir.WeightedMedian(weights=np.full(WIDTH, 1 / 3)), ["i0"])]),
    "Coupling": (CLOSE, coupled([0, 1, 2], 3)),
    "Coupling of two": (CLOSE, coupled([2], 2)),
    "Bucket": (EXACT, [("y", ir.Bucket(edges=EDGES, right=False), ["i0"])]),
    "Bucket, right": (EXACT, [("y", ir.Bucket(edges=EDGES, right=True), ["i0"])]),
    "Piecewise": (CLOSE * 4, [("y", piecewise(1, 1), ["i0"])]),
    "Piecewise, cubic": (CLOSE * 8, [("y", piecewise(3, 3), ["i0"])]),
    **{f"Elementwise, {f}": (CLOSE, [("y", ir.Elementwise(function=f), ["i0"])]) for f in FUNCTIONS},
    **{
        f"Binary, {f}": (CLOSE, [("a", COLUMN, ["i0"]), ("y", ir.Binary(function=f), ["i0", "a"])]) for f in BINARY
    },
    **{
        f"Reduce, {f}, {groups}": (CLOSE * 4, [("y", ir.Reduce(function=f, groups=groups), ["i0"])])
        for f in REDUCTIONS
        for groups in (1, 2, 4)
    },
    **{
        f"Distances, {metric}": (CLOSE * 2, [("y", ir.Distances(points=POINTS, metric=metric, p=3.0), ["i0"])])
        for metric in METRICS
    },
}  # fmt: skip
NO_NAN = {"Softmax", "ArgMax", "Nearest", "WeightedMedian", "WeightedMedian of equals", "Where", "Where, one condition"}
MODERATE = {
    "Affine", "Binary, fmod", "Binary, multiply", "Elementwise, cos", "Elementwise, sin", "Linear", "Normalize",
    "Piecewise", "Piecewise, cubic", "Power", "Softmax", "Sum",
}  # fmt: skip
"""Compared up to 1e6: beyond, float32 overflows in the middle, or has no digits left."""


def rows_of(name: str, rows: int = 400) -> np.ndarray:
    """`(rows, 4)` float32 values; every special number, and the neighbours of every edge and threshold."""
    r = np.random.default_rng(5)
    special = np.array(SPECIAL)
    edges = np.float32(np.concatenate([*EDGES, [0.1, 0.5, 7.25]]))
    beside = [np.nextafter(edges, np.float32(side)).astype(np.float64) for side in (-np.inf, np.inf)]
    pool = np.concatenate([special, edges.astype(np.float64), *beside])
    if name.split(",")[0] not in NO_NAN and not name.startswith(("Distances", "Reduce", "Nearest", "Weighted")):
        pool = np.append(pool, [NAN] * 3)
    x = r.normal(size=(rows, WIDTH)) * 2
    at = r.random(x.shape) < 0.5
    x[at] = r.choice(pool, int(at.sum()))
    limit = 1e6 if name in MODERATE or name.startswith(("Distances", "Reduce")) else np.inf
    return np.where(np.abs(x) > limit, 1.5, x).astype(np.float32).astype(np.float64)


def emitted(program: Any, into: Path, ios: Any = 15) -> Path:
    planned = mil.plan(program, ios)
    assert planned.problems == ()
    mil.write(planned, program.interface, EmitOptions(ios=ios), into / "M.mlpackage")
    return into / "M.mlpackage"


def test_every_op_has_a_writer_and_a_case() -> None:
    named = {op for _, chain in CASES.values() for _, op, _ in chain}
    known = {getattr(ir, name) for name in ir.__all__} - {ir.Op, ir.Label, ir.OnnxBlock, ir.Count, ir.IntegerLinear}
    assert set(WRITERS) == known
    assert {type(op) for op in named} == known - {ir.Forest}


@pytest.mark.parametrize("name", CASES)
def test_the_file_says_what_the_op_means(program: Make, tmp_path: Path, name: str) -> None:
    tolerance, chain = CASES[name]
    p = program([Input(name="X", kind="number", width=WIDTH)], chain, {"value": "y"})
    rows = {"X": rows_of(name)}
    wanted = p.run(rows)["value"]
    answers = target.open(emitted(p, tmp_path), p.interface).run(rows)["value"]
    with np.errstate(all="ignore"):
        representable = np.abs(wanted) <= np.finfo(np.float32).max
        wanted = np.where(representable | np.isnan(wanted), wanted, np.sign(wanted) * np.inf)
        scaled = np.abs(answers - wanted) / np.maximum(np.abs(wanted), 1)
    same = (answers == wanted) | (np.isnan(answers) & np.isnan(wanted))
    worst = np.where(same, 0.0, np.nan_to_num(scaled, nan=np.inf)).reshape(len(rows["X"]), -1)
    k = int(worst.max(axis=1).argmax())
    assert worst[k].max() <= tolerance, f"{rows['X'][k]}: {np.atleast_1d(answers[k])}, not {np.atleast_1d(wanted[k])}"


@pytest.mark.parametrize("metric", ["euclidean", "minkowski"])
def test_a_row_that_is_too_far_away_is_infinitely_far(program: Make, tmp_path: Path, metric: str) -> None:
    scaled = ("a", ir.Affine(divisor=np.full(WIDTH, 0.5)), ["i0"])
    chain = [scaled, ("y", ir.Distances(points=POINTS, metric=metric, p=3.0), ["a"])]
    p = program([Input(name="X", kind="number", width=WIDTH)], chain, {"value": "y"})
    far = target.open(emitted(p, tmp_path), p.interface).run({"X": np.array([[3e38, 0, 0, 0], [-3e38, 1, 3e38, 0]])})
    assert np.isposinf(far["value"]).all()
