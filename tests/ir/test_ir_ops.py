"""Each op: its numbers beside plain numpy's, and the inputs that it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import Ridge
from sklearn.preprocessing import PolynomialFeatures

from edgepack.ir import Type, TypeMismatch
from edgepack.ir.ops import (
    Affine,
    ArgMax,
    Clip,
    Complement,
    Concat,
    Elementwise,
    Forest,
    Impute,
    Indicate,
    Label,
    Linear,
    Lookup,
    Normalize,
    OneHot,
    OnnxBlock,
    Op,
    Reduce,
    Select,
    Sigmoid,
    Single,
    Softmax,
    Step,
    Sum,
)
from edgepack.ir.ops.elementwise import FUNCTIONS
from edgepack.ir.types import number, string

NAN = float("nan")
X = np.array([[1.0, -2.0, 0.0], [NAN, 1e300, -0.0], [5e-324, -1e-3, 7.5]])
LABEL = Type("label")


def floats(*values: float) -> np.ndarray:
    return np.array(values, np.float64)


def texts(*values: str | None) -> np.ndarray:
    column = np.empty((len(values), 1), object)
    column[:, 0] = values
    return column


STUMP = Forest(
    feature=np.array([1, 0, 0]),
    threshold=floats(0.5, 0, 0),
    equal=np.zeros(3, bool),
    nan_left=np.array([True, False, False]),
    left=np.array([1, -1, -1]),
    right=np.array([2, -1, -1]),
    value=np.array([[0.0], [10.0], [20.0]]),
    roots=np.array([0]),
    base=floats(1.0),
    divisor=1.0,
    features=3,
    compare="float64",
)
BLOCK = OnnxBlock(model=b"", output="y", width=2, estimator=None, method="transform")
KEYED = Lookup(keys=np.array(["a", "b"], object), table=np.arange(8.0).reshape(4, 2))
NUMBERED = Lookup(keys=floats(3, 1), table=np.arange(4.0)[:, None])


FITS: list[tuple[Op, tuple[Type, ...], Type]] = [
    (Affine(center=floats(1, 2, 3)), (number(3),), number(3)),
    (Affine(), (number(9),), number(9)),
    (Clip(low=floats(0, 0), high=floats(1, 1)), (number(2),), number(2)),
    (Elementwise(function="exp"), (number(4),), number(4)),
    (Impute(fill=floats(1, 2), sentinel=NAN), (number(2),), number(2)),
    (Impute(fill=np.array(["a"], object), sentinel=None), (string(1),), string(1)),
    (Indicate(sentinel=None), (string(3),), number(3)),
    (Select(columns=np.array([2, 0, 2])), (string(3),), string(3)),
    (Select(columns=np.array([], np.int64)), (number(3),), number(0)),
    (Concat(), (number(1), number(4)), number(5)),
    (Concat(), (string(2),), string(2)),
    (Linear(coef=np.ones((2, 3)), intercept=floats(0, 0)), (number(3),), number(2)),
    (Sum(), (number(2), number(2)), number(2)),
    (Sum(), (number(2),), number(2)),
    (KEYED, (string(1),), number(2)),
    (NUMBERED, (number(1),), number(1)),
    (OneHot(size=4), (number(1),), number(4)),
    (Sigmoid(), (number(2),), number(2)),
    (Single(), (number(3),), number(3)),
    (Softmax(), (number(2),), number(2)),
    (Normalize(), (number(2),), number(2)),
    (Complement(), (number(1),), number(2)),
    (Step(threshold=0.0, strict=True), (number(1),), number(1)),
    (ArgMax(), (number(4),), number(1)),
    (Label(classes=np.array([1, 2])), (number(1),), LABEL),
    (STUMP, (number(3),), number(1)),
    (BLOCK, (number(7),), number(2)),
]


@pytest.mark.parametrize(("op", "types", "result"), FITS, ids=lambda x: type(x).__name__ if isinstance(x, Op) else None)
def test_types_that_fit(op: Op, types: tuple[Type, ...], result: Type) -> None:
    assert isinstance(op, Op)
    assert op.infer(*types) == result


REFUSED: list[tuple[Op, tuple[Type, ...], str]] = [
    (Affine(center=floats(1, 2)), (number(3),), r"Affine\(number\[3\]\): has parameters of shape \(2,\)"),
    (Affine(offset=np.ones((1, 3))), (number(3),), r"parameters of shape \(1, 3\)"),
    (Affine(), (string(1),), r"Affine\(string\[1\]\): takes \(number\[n\]\)"),
    (Affine(), (number(1), number(1)), r"Affine\(number\[1\], number\[1\]\): takes \(number\[n\]\)"),
    (Affine(), (), r"Affine\(\): takes"),
    (Clip(low=floats(0), high=floats(1)), (number(2),), r"Clip\(number\[2\]\): takes \(number\[1\]\)"),
    (Elementwise(function="sinh"), (number(1),), r"Elementwise\(sinh\): knows absolute, "),
    (Impute(fill=floats(1), sentinel=NAN), (number(2),), r"Impute\(number\[2\]\): has 1 fill values"),
    (Impute(fill=floats(1), sentinel=NAN), (string(1),), r"Impute\(string\[1\]\): has fill values of another kind"),
    (Impute(fill=np.array(["a"], object), sentinel=None), (number(1),), "has fill values of another kind"),
    (Indicate(sentinel=None), (LABEL,), r"Indicate\(label\): takes one table"),
    (Select(columns=np.array([0, 3])), (number(3),), r"Select\(number\[3\]\): column 3 is not in the table"),
    (Select(columns=np.array([-1])), (number(3),), "column -1 is not in the table"),
    (Concat(), (number(1), string(1)), r"Concat\(number\[1\], string\[1\]\): takes tables of one kind"),
    (Concat(), (), r"Concat\(\): takes tables of one kind"),
    (Concat(), (LABEL,), r"Concat\(label\)"),
    (Linear(coef=np.ones((2, 3)), intercept=floats(0, 0)), (number(2),), r"takes \(number\[3\]\)"),
    (Linear(coef=np.ones((2, 3)), intercept=floats(0)), (number(3),), r"2 outputs but intercept of shape \(1,\)"),
    (Sum(), (number(2), number(3)), r"Sum\(number\[2\], number\[3\]\): takes numbers of one width"),
    (Sum(), (string(1),), r"Sum\(string\[1\]\)"),
    (KEYED, (number(1),), r"Lookup\(number\[1\]\): takes \(string\[1\]\)"),
    (KEYED, (string(2),), r"takes \(string\[1\]\)"),
    (NUMBERED, (string(1),), r"takes \(number\[1\]\)"),
    (Lookup(keys=floats(1), table=np.ones((2, 1))), (number(1),), r"1 keys need 3 rows"),
    (OneHot(size=2), (number(2),), r"takes \(number\[1\]\)"),
    (Complement(), (number(2),), r"takes \(number\[1\]\)"),
    (Step(threshold=0.0, strict=True), (number(2),), r"takes \(number\[1\]\)"),
    (ArgMax(), (string(1),), r"takes \(number\[n\]\)"),
    (Label(classes=np.array([1, 2])), (number(2),), r"Label\(number\[2\]\): takes \(number\[1\]\)"),
    (STUMP, (number(2),), r"Forest\(number\[2\]\): takes \(number\[3\]\)"),
    (BLOCK, (string(1),), r"OnnxBlock\(string\[1\]\): takes one table of numbers"),
]


@pytest.mark.parametrize(("op", "types", "message"), REFUSED)
def test_types_that_do_not_fit(op: Op, types: tuple[Type, ...], message: str) -> None:
    with pytest.raises(TypeMismatch, match=message):
        op.infer(*types)


def same(got: Any, want: Any) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert got.shape == want.shape
    assert np.array_equal(got, want, equal_nan=got.dtype.kind == "f")


@pytest.mark.parametrize("parts", range(16))
def test_affine_rounds_every_step_by_itself(parts: int) -> None:
    arrays = {
        "center": floats(0.1, 3, -7),
        "divisor": floats(3, 0.7, 1e-3),
        "factor": floats(1 / 3, -1, 2),
        "offset": X[0],
    }
    chosen = {name: array for k, (name, array) in enumerate(arrays.items()) if parts >> k & 1}
    want = X.copy()
    with np.errstate(all="ignore"):
        for name, array in chosen.items():
            want = {"center": want - array, "divisor": want / array, "factor": want * array, "offset": want + array}[
                name
            ]
    before = X.copy()
    same(Affine(**chosen).run(X), want)
    same(X, before)


def test_affine_overflows_in_silence() -> None:
    same(Affine(divisor=floats(1e-300)).run(np.array([[1e300], [-1e300]])), [[np.inf], [-np.inf]])


def test_clip() -> None:
    same(Clip(low=floats(0, -1, -1), high=floats(0.5, 1, 1)).run(X), [[0.5, -1, 0], [NAN, 1, 0], [5e-324, -1e-3, 1]])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_elementwise_is_numpys_function(name: str) -> None:
    with np.errstate(all="ignore"):
        want = getattr(np, name)(X)
    same(Elementwise(function=name).run(X), want)


def test_numbers_that_float32_does_not_hold_are_rounded() -> None:
    column = np.array([[0.1, 1 + 2.0**-25, 1e300], [5e-324, -3.5e38, NAN], [-0.0, 2.0**-149, 16777217]])
    want = [[float(np.float32(0.1)), 1, np.inf], [0, -np.inf, NAN], [0, 2.0**-149, 16777216]]
    same(Single().run(column), want)


@pytest.mark.parametrize("sentinel", [NAN, None, 0.0, 7.5])
def test_missing_numbers(sentinel: Any) -> None:
    at = np.isnan(X) if sentinel is None or sentinel != sentinel else sentinel == X
    same(Impute(fill=floats(10, 20, 30), sentinel=sentinel).run(X), np.where(at, [10, 20, 30], X))
    same(Indicate(sentinel=sentinel).run(X), at.astype(float))


@pytest.mark.parametrize(
    ("sentinel", "filled", "shown"),
    [(None, ["a", "x", "", "nan"], [0, 1, 0, 0]), ("", ["a", None, "x", "nan"], [0, 0, 1, 0])],
)
def test_missing_strings(sentinel: Any, filled: list[Any], shown: list[float]) -> None:
    column = texts("a", None, "", "nan")
    same(Impute(fill=np.array(["x"], object), sentinel=sentinel).run(column), texts(*filled))
    same(Indicate(sentinel=sentinel).run(column), np.array(shown, float)[:, None])


def test_columns_are_moved() -> None:
    same(Select(columns=np.array([2, 0, 2])).run(X), X[:, [2, 0, 2]])
    same(Concat().run(X, X[:, :1]), np.hstack([X, X[:, :1]]))
    both = Concat().run(texts("a", None), texts("b", "c"))
    assert both.tolist() == [["a", "b"], [None, "c"]]


def test_weighted_sums() -> None:
    coef, intercept = np.array([[1.0, 2, 3], [-1, 0.5, 0]]), floats(0.1, -4)
    rows = X[[0, 2]]
    same(Linear(coef=coef, intercept=intercept).run(rows), rows @ coef.T + intercept)
    same(Sum().run(np.array([[0.1]]), np.array([[0.2]]), np.array([[0.3]])), [[0.1 + 0.2 + 0.3]])


def test_strings_are_looked_up() -> None:
    same(KEYED.run(texts("b", "a", "c", None, "", "A")), [[2, 3], [0, 1], [4, 5], [6, 7], [4, 5], [4, 5]])
    same(KEYED.unknown, [4, 5])
    same(KEYED.missing, [6, 7])


def test_numbers_are_looked_up_in_any_order_of_keys() -> None:
    column = np.array([[1.0], [3.0], [2.0], [NAN], [np.nextafter(3, 4)], [-1e300], [np.inf]])
    same(NUMBERED.run(column), np.array([[1.0], [0], [2], [3], [2], [2], [2]]))
    zero = Lookup(keys=floats(0), table=np.array([[5.0], [6], [7]]))
    same(zero.run(np.array([[0.0], [-0.0], [1e-320]])), [[5.0], [5], [6]])


@pytest.mark.parametrize("column", [np.array([[1.0], [NAN]]), texts("a", None)])
def test_a_table_without_keys_knows_unknown_and_missing(column: np.ndarray) -> None:
    keys = np.empty(0, column.dtype)
    same(Lookup(keys=keys, table=np.array([[1.0], [2.0]])).run(column), [[1.0], [2.0]])


def test_one_hot() -> None:
    index = np.array([[0.0], [2.0], [-1.0], [3.0], [NAN], [0.5]])
    same(OneHot(size=3).run(index), [[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]])


def test_links() -> None:
    scores = np.array([[0.0, 1.0, -2.0], [800.0, -800.0, 0.0], [-750.0, -750.0, -750.0]])
    same(Sigmoid().run(scores), expit(scores))
    assert np.allclose(Softmax().run(scores), softmax(scores, axis=1), rtol=1e-15, atol=0)
    same(Normalize().run(np.array([[1.0, 3.0], [0.0, 0.0]])), [[0.25, 0.75], [0.0, 0.0]])
    same(Complement().run(np.array([[0.3], [1.0]])), [[1 - 0.3, 0.3], [0.0, 1.0]])


@pytest.mark.parametrize(("strict", "want"), [(True, [0.0, 0.0, 1.0, 0.0]), (False, [0.0, 1.0, 1.0, 0.0])])
def test_a_step_and_its_edge(strict: bool, want: list[float]) -> None:
    column = np.array([[-1e-300], [-0.0], [5e-324], [NAN]])
    same(Step(threshold=0.0, strict=strict).run(column), np.array(want)[:, None])


def test_the_first_of_equal_scores_wins() -> None:
    same(ArgMax().run(np.array([[0.0, 1, 1], [2, 2, 2], [-1, -3, -0.5]])), [[1.0], [0], [2]])


@pytest.mark.parametrize("classes", [[3, 7], ["b", "a"], [False, True], [0.5, 1.5]])
def test_labels_keep_their_type(classes: list[Any]) -> None:
    got = Label(classes=np.array(classes)).run(np.array([[1.0], [0.0], [1.0]]))
    assert got.tolist() == [classes[1], classes[0], classes[1]]
    assert got.dtype == np.array(classes).dtype


def test_a_block_is_the_estimator_itself() -> None:
    rows = X[[0, 2]]
    poly = PolynomialFeatures(2).fit(rows)
    block = OnnxBlock(model=b"", output="y", width=10, estimator=poly, method="transform")
    same(block.run(rows), poly.transform(rows))
    ridge = Ridge().fit(rows, [1.0, 2.0])
    same(
        OnnxBlock(model=b"", output="y", width=1, estimator=ridge, method="predict").run(rows),
        ridge.predict(rows)[:, None],
    )


def test_groups_of_no_rows_are_no_rows() -> None:
    assert Reduce(function="sum", groups=2).run(np.empty((0, 4))).shape == (0, 2)
