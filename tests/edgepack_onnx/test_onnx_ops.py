"""Every op beside its numpy meaning, on adversarial rows."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Input
from edgepack.ir import ops
from edgepack.ir.ops import (
    Affine,
    ArgMax,
    Clip,
    Complement,
    Concat,
    Elementwise,
    Impute,
    Indicate,
    Label,
    Linear,
    Normalize,
    OneHot,
    Select,
    Sigmoid,
    Single,
    Softmax,
    Step,
    Sum,
)
from edgepack_onnx.labels import artifact_labels
from edgepack_onnx.ops import WRITERS

THIRDS = np.array([1 / 3, -2 / 3, 1e-3])


def test_every_op_of_the_program_has_a_writer() -> None:
    assert {getattr(ops, name) for name in ops.__all__} - {ops.Op} == set(WRITERS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "op",
    [
        Affine(center=THIRDS),
        Affine(divisor=THIRDS),
        Affine(factor=THIRDS),
        Affine(offset=THIRDS),
        Affine(center=THIRDS, divisor=THIRDS[::-1].copy(), factor=THIRDS * 7, offset=np.full(3, 0.1)),
        Affine(),
        Clip(low=np.array([-1.0, 0.0, -np.inf]), high=np.array([1.0, 0.5, 1e30])),
        Clip(low=np.full(3, -0.25), high=np.full(3, 0.25)),
        Impute(fill=THIRDS, sentinel=np.nan),
        Impute(fill=np.array([1.0, np.nan, 2.0]), sentinel=np.nan),
        Impute(fill=THIRDS, sentinel=-1.0),
        Indicate(sentinel=np.nan),
        Indicate(sentinel=0.5),
        Single(),
        Select(columns=np.array([2, 0, 2])),
        Select(columns=np.array([0, 1, 2])),
        Select(columns=np.array([1])),
    ],
    ids=lambda op: type(op).__name__ if not isinstance(op, str) else op,
)
def test_exact_ops_give_the_same_bits(op: Any, dtype: str, one_op: Any, rows: Any, same: Any) -> None:
    same(one_op(op, 3, input_dtype=dtype), rows(3))


@pytest.mark.parametrize("size", [1, 2, 5])
def test_one_hot_marks_the_named_column_and_nothing_else(size: int, one_op: Any, rows: Any, same: Any) -> None:
    same(one_op(OneHot(size=size)), rows(1, extra=[3.0, 4.0, 5.0]))


@pytest.mark.parametrize("outputs", [1, 2, 3])
@pytest.mark.parametrize("intercept", [0.0, 1e-3])
def test_linear_is_right_to_some_units_in_the_last_place(
    outputs: int, intercept: float, one_op: Any, rows: Any, answers: Any
) -> None:
    rng = np.random.default_rng(outputs)
    op = Linear(coef=rng.normal(size=(outputs, 6)), intercept=np.full(outputs, intercept))
    program, columns = one_op(op, 6), {"x": rng.normal(size=(200, 6)).astype(np.float32).astype(np.float64)}
    bound = (np.abs(columns["x"]) @ np.abs(op.coef).T + abs(intercept)) * 16 * np.finfo(np.float64).eps
    given, expected = answers(program, columns)["value"], program.run(columns)["value"]
    assert np.all(np.abs(given - expected).reshape(bound.shape) <= bound)


@pytest.mark.parametrize(("op", "width"), [(Sigmoid(), 2), (Softmax(), 3), (Normalize(), 3), (Complement(), 1)])
def test_links_are_right_to_some_units_in_the_last_place(
    op: Any, width: int, one_op: Any, rows: Any, same: Any
) -> None:
    columns = rows(width, beyond=False)
    columns["x"] = np.clip(columns["x"], -30, 30)
    if isinstance(op, Normalize):  # of probabilities, which are not negative
        columns["x"] = 1 / (1 + np.exp(-columns["x"]))
    same(one_op(op, width), columns, ulps=8)


def test_a_row_of_zeros_has_nothing_to_be_divided_by(one_op: Any, same: Any) -> None:
    same(one_op(Normalize(), width=3), {"x": np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 1.0], [0.0, 5.0, 0.0]])})


def test_a_sigmoid_far_out_neither_overflows_nor_leaves_its_range(one_op: Any, answers: Any) -> None:
    x = np.array([[-1e300], [-800.0], [-40.0], [40.0], [800.0], [np.inf], [-np.inf]])
    given = answers(one_op(Sigmoid(), input_dtype="float64"), {"x": x})["value"]
    np.testing.assert_allclose(given, one_op(Sigmoid(), input_dtype="float64").run({"x": x})["value"], atol=1e-300)


def test_the_complement_of_a_sigmoid_is_within_1e_15(make_program: Any, answers: Any, rows: Any) -> None:
    program = make_program(
        [Input(name="x", kind="number")],
        [("v0", Sigmoid(), ["i0"]), ("v1", Complement(), ["v0"])],
        {"value": "v1"},
        value_width=2,
    )
    columns = rows(1, beyond=False)
    np.testing.assert_allclose(answers(program, columns)["value"], program.run(columns)["value"], rtol=0, atol=1e-15)


@pytest.mark.parametrize(("strict", "threshold"), product([True, False], [0.0, 0.5, -1e-8]))
def test_a_step_takes_equality_as_it_says(
    strict: bool, threshold: float, make_program: Any, same: Any, rows: Any
) -> None:
    program = make_program(
        [Input(name="x", kind="number")],
        [("v0", Step(threshold=threshold, strict=strict), ["i0"]), ("v1", Label(classes=np.array([0, 1])), ["v0"])],
        {"label": "v1"},
        classes=(0, 1),
        input_dtype="float64",
    )
    near = [threshold, np.nextafter(threshold, 1), np.nextafter(threshold, -1), np.nan, np.inf, -np.inf, -0.0, 5e-324]
    same(program, {"x": np.array(near)[:, None]})


@pytest.mark.parametrize("width", [1, 2, 4])
def test_arg_max_takes_the_first_of_equals(width: int, make_program: Any, same: Any) -> None:
    classes = tuple(range(10, 10 + width))
    program = make_program(
        [Input(name="x", kind="number", width=width)],
        [("v0", ArgMax(), ["i0"]), ("v1", Label(classes=np.array(classes)), ["v0"])],
        {"label": "v1"},
        classes=classes,
    )
    same(program, {"x": np.random.default_rng(0).integers(0, 3, (300, width)).astype(np.float64)})


@pytest.mark.parametrize(
    "classes",
    [(0, 1, 2), (3, 1, 7), (False, True), (0.0, 1.0), (-1.0, 2.0), (0.5, 1.5), ("no", "yes"), ("0", "é", "")],
    ids=str,
)
def test_labels_come_back_in_the_dtype_they_were_fitted_in(classes: Any, make_program: Any, answers: Any) -> None:
    fitted = np.array(classes)
    program = make_program(
        [Input(name="x", kind="number", width=len(classes))],
        [("v0", ArgMax(), ["i0"]), ("v1", Label(classes=fitted), ["v0"])],
        {"label": "v1"},
        classes=classes,
    )
    columns = {"x": np.eye(len(classes))[[0, 1, *range(len(classes))]]}
    label = answers(program, columns)["label"]
    assert label.dtype == fitted.dtype
    np.testing.assert_array_equal(label, program.run(columns)["label"])


def test_an_artifact_holds_whole_labels_as_int64_and_all_others_as_text() -> None:
    assert artifact_labels((False, True)).tolist() == [0, 1]
    assert artifact_labels((-1.0, 2.0)).tolist() == [-1, 2]
    assert artifact_labels((0.5, 1.0)).tolist() == ["0.5", "1.0"]
    assert artifact_labels(("b", "a")).tolist() == ["b", "a"]
    assert artifact_labels((3, 7)).dtype == np.int64


def test_class_indices_can_be_numbers_too(make_program: Any, same: Any) -> None:
    program = make_program(
        [Input(name="x", kind="number", width=3)],
        [("v0", ArgMax(), ["i0"]), ("v1", Affine(offset=np.array([0.5])), ["v0"])],
        {"value": "v1"},
    )
    same(program, {"x": np.eye(3)})


def test_joining_inputs_in_their_order_costs_no_node(make_program: Any, emitted: Any) -> None:
    inputs = [Input(name=name, kind="number") for name in "abcd"]
    program = make_program(
        inputs,
        [
            ("v0", Concat(), ["i0", "i1", "i2", "i3"]),
            ("v1", Select(columns=np.arange(4)), ["v0"]),
            ("v2", Elementwise(function="negative"), ["v1"]),
        ],
        {"value": "v2"},
        value_width=4,
    )
    assert [node.op_type for node in emitted(program).graph.node] == ["Cast", "Neg"]


def test_any_rearrangement_of_inputs_is_one_gather(make_program: Any, emitted: Any, same: Any) -> None:
    inputs = [Input(name="a", kind="number", width=2), Input(name="b", kind="number"), Input(name="c", kind="number")]
    program = make_program(
        inputs,
        [
            ("v0", Select(columns=np.array([1])), ["i0"]),
            ("v1", Concat(), ["i2", "v0", "i1", "i0"]),
            ("v2", Select(columns=np.array([4, 0, 1])), ["v1"]),
        ],
        {"value": "v2"},
        value_width=3,
    )
    assert [node.op_type for node in emitted(program).graph.node] == ["Cast", "Gather"]
    rng = np.random.default_rng(0)
    same(program, {"a": rng.normal(size=(9, 2)), "b": rng.normal(size=(9, 1)), "c": rng.normal(size=(9, 1))})


def test_computed_and_given_columns_join_in_order(make_program: Any, same: Any, rows: Any) -> None:
    inputs = [Input(name="x", kind="number"), Input(name="y", kind="number")]
    program = make_program(
        inputs,
        [
            ("v0", Affine(factor=np.array([3.0])), ["i1"]),
            ("v1", Indicate(sentinel=np.nan), ["i0"]),
            ("v2", Concat(), ["v0", "i0", "v1", "i1", "v0"]),
        ],
        {"value": "v2"},
        value_width=5,
    )
    same(program, {"x": rows(1)["x"], "y": rows(1)["x"][::-1]})


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_sums_add_left_to_right(count: int, make_program: Any, same: Any, rows: Any) -> None:
    inputs = [Input(name=f"x{k}", kind="number", width=2) for k in range(count)]
    program = make_program(inputs, [("v0", Sum(), [f"i{k}" for k in range(count)])], {"value": "v0"}, value_width=2)
    same(program, {i.name: np.roll(rows(2)["x"], k, 0) for k, i in enumerate(inputs)})


@pytest.mark.parametrize("sentinel", [None, "a", ""])
def test_missing_strings_are_filled_and_told(sentinel: Any, make_program: Any, same: Any, rows: Any) -> None:
    inputs = [
        Input(name="x", kind="string", accepts_missing=True, missing_token="<NA>"),
        Input(name="y", kind="string", accepts_missing=True, missing_token="∅"),
    ]
    keys = np.array(["a", "b", "é", ""], object)
    table = np.arange(6.0)[:, None]
    program = make_program(
        inputs,
        [
            ("v0", Concat(), ["i0", "i1"]),
            ("v1", Impute(fill=np.array(["b", "é"], object), sentinel=sentinel), ["v0"]),
            ("v2", Select(columns=np.array([0])), ["v1"]),
            ("v3", Select(columns=np.array([1])), ["v1"]),
            ("v4", ops.Lookup(keys=keys, table=table), ["v2"]),
            ("v5", ops.Lookup(keys=keys, table=table), ["v3"]),
            ("v6", Indicate(sentinel=sentinel), ["v0"]),
            ("v7", Concat(), ["v4", "v6", "v5"]),
        ],
        {"value": "v7"},
        value_width=4,
    )
    words = rows(2, "string")["x"]
    words[words == "<NA>"] = "zzz"  # the token is no value of its own
    same(program, {"x": words[:, :1], "y": words[:, 1:]})


def test_an_output_that_is_an_input_passes_through(make_program: Any, same: Any, rows: Any) -> None:
    program = make_program([Input(name="x", kind="number")], [], {"value": "i0"})
    same(program, rows(1))
