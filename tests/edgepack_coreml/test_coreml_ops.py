"""Each op as Core ML stages: the model's answers are the Program's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgepack.contract import Input
from edgepack.ir.ops import (
    Affine,
    Clip,
    Concat,
    Impute,
    Indicate,
    Linear,
    Lookup,
    OneHot,
    Select,
    Step,
    Sum,
)

Make = Callable[..., Any]
NAN = float("nan")


def wide(n: int = 3) -> Input:
    return Input(name="X", kind="number", width=n)


def scalars(*names: str) -> list[Input]:
    return [Input(name=name, kind="number") for name in names]


def text(name: str = "city", **more: Any) -> Input:
    return Input(name=name, kind="string", categories=("a", "b", "é"), **more)


def total(width: int, outputs: int = 1) -> Linear:
    """Distinct weights, so that a swapped column shows."""
    coef = 1.0 + np.arange(outputs * width, dtype=np.float64).reshape(outputs, width) / 8
    return Linear(coef=coef, intercept=np.arange(outputs) + 0.5)


def finite(columns: dict[str, Any]) -> dict[str, Any]:
    """Missing numbers filled, for ops in front of sums that would hide what they do to the others."""
    return {k: np.nan_to_num(v, nan=0.25) if v.dtype != object else v for k, v in columns.items()}


@pytest.mark.parametrize("inputs", [[wide()], scalars("age", "fare (USD)", "größe")], ids=["wide", "columns"])
def test_impute(agree: Make, program: Make, inputs: list[Input]) -> None:
    names = [f"i{k}" for k in range(len(inputs))]
    p = program(
        inputs,
        [
            ("x", Concat(), names),
            ("v", Impute(fill=np.array([1.5, -2.0, 0.1]), sentinel=NAN), ["x"]),
            ("y", total(3), ["v"]),
        ],
        {"value": "y"},
    )
    stages = agree(p, tolerance=1e-15)
    assert stages.count("imputer") == 1


def test_impute_of_one_column_needs_no_array(agree: Make, program: Make) -> None:
    p = program(
        scalars("age"),
        [("v", Impute(fill=np.array([7.0]), sentinel=0.0), ["i0"]), ("y", total(1), ["v"])],
        {"value": "y"},
    )
    assert agree(p, tolerance=1e-15) == ["imputer", "glmRegressor"]


AFFINES = {
    "standard": Affine(center=np.array([1.0, 0.1, -3.0]), divisor=np.array([3.0, 0.7, 1e3])),
    "minmax": Affine(factor=np.array([0.1, 2.0, 1.0]), offset=np.array([0.5, -1.0, 0.0])),
    "inverse": Affine(center=np.array([1.0, 0.1, 2.0]), divisor=np.array([3.0, 0.7, 1e3]), offset=np.ones(3)),
    "all": Affine(
        center=np.full(3, 0.3), divisor=np.full(3, 0.7), factor=np.full(3, 1.1), offset=np.array([0.1, 0.2, 0.3])
    ),
    "zero": Affine(factor=np.zeros(3), offset=np.array([0.1, 0.2, 0.3])),
}


@pytest.mark.parametrize("name", AFFINES)
def test_affine(agree: Make, program: Make, columns: Make, name: str) -> None:
    p = program([wide()], [("v", AFFINES[name], ["i0"]), ("y", total(3), ["v"])], {"value": "y"})
    stages = agree(p, tolerance=1e-14, given=finite(columns(p)))
    assert "scaler" in stages


@pytest.mark.parametrize("inputs", [[wide()], scalars("a", "b", "c")], ids=["wide", "columns"])
def test_clip(agree: Make, program: Make, inputs: list[Input]) -> None:
    low, high = np.array([-1.0, -np.inf, 0.1]), np.array([1.0, 0.5, np.inf])
    names = [f"i{k}" for k in range(len(inputs))]
    chain = [("x", Concat(), names), ("v", Clip(low=low, high=high), ["x"]), ("y", total(3, outputs=3), ["v"])]
    agree(program(inputs, chain, {"value": "y"}), tolerance=1e-15, extra=[1.0, -1.0, 0.5, 0.1])


def test_clip_of_the_answer_holds_for_infinities(agree: Make, program: Make) -> None:
    chain = [("z", total(1), ["i0"]), ("y", Clip(low=np.zeros(1), high=np.ones(1)), ["z"])]
    p = program(scalars("x"), chain, {"value": "y"})
    agree(p, {"x": np.array([[-np.inf], [np.inf], [NAN], [-0.5], [0.2], [3.0]])}, tolerance=1e-15)


@pytest.mark.parametrize("sentinel", [NAN, 0.0, None])
def test_indicate_numbers(agree: Make, program: Make, sentinel: float) -> None:
    chain = [("v", Indicate(sentinel=sentinel), ["i0"]), ("y", total(3), ["v"])]
    agree(program([wide()], chain, {"value": "y"}), tolerance=1e-15)


@pytest.mark.parametrize("sentinel", [None, "a", "é"])
def test_indicate_strings(agree: Make, program: Make, sentinel: str | None) -> None:
    chain = [("s", Concat(), ["i0", "i1"]), ("v", Indicate(sentinel=sentinel), ["s"]), ("y", total(2), ["v"])]
    stages = agree(program([text(), text("deck")], chain, {"value": "y"}), tolerance=1e-15)
    assert stages[:2] == ["categoricalMapping"] * 2


@pytest.mark.parametrize("strict", [True, False])
def test_step(agree: Make, program: Make, strict: bool) -> None:
    chain = [("v", Step(threshold=0.1, strict=strict), ["i0"]), ("y", total(1), ["v"])]
    agree(program(scalars("x"), chain, {"value": "y"}), tolerance=1e-15, extra=[0.1])


def test_select_of_columns_with_repeats(agree: Make, program: Make, columns: Make) -> None:
    chain = [("v", Select(columns=np.array([2, 0, 2])), ["i0"]), ("y", total(3), ["v"])]
    p = program([wide()], chain, {"value": "y"})
    agree(p, tolerance=1e-15, given=finite(columns(p)))


def test_a_missing_number_that_is_not_selected_changes_nothing(agree: Make, program: Make) -> None:
    chain = [("v", Select(columns=np.array([2, 0])), ["i0"]), ("y", total(2), ["v"])]
    p = program([wide()], chain, {"value": "y"})
    agree(p, {"X": np.array([[1.0, NAN, 2.0], [1.0, np.inf, 2.0]])}, tolerance=1e-15)


NUMBER_LOOKUP = Lookup(
    keys=np.array([3.0, -1.0, 0.1, 1e30]),
    table=np.array([[1.0, 0.3], [2.0, 0.1], [3.0, 9.0], [4.0, 7.0], [-1.0, 0.0], [0.5, 0.7]]),
)


def test_number_lookup(agree: Make, program: Make) -> None:
    p = program(
        scalars("x"), [("v", NUMBER_LOOKUP, ["i0"]), ("y", total(2), ["v"])], {"value": "y"}, input_dtype="float64"
    )
    rows = {"x": np.array([3.0, -1.0, 0.1, 1e30, np.nextafter(3.0, 4), 0.0, NAN, -0.0, np.inf])[:, None]}
    assert agree(p, rows, tolerance=1e-15) == ["treeEnsembleRegressor", "glmRegressor"]


def test_one_hot_numbers(agree: Make, program: Make, columns: Make) -> None:
    keys = np.array([1.0, 2.0, 5.0])
    index = Lookup(keys=keys, table=np.array([[2.0], [0.0], [1.0], [-1.0], [-1.0]]))
    chain = [("c", index, ["i0"]), ("v", OneHot(size=3), ["c"]), ("y", total(3, outputs=2), ["v"])]
    p = program(scalars("x"), chain, {"value": "y"})
    agree(p, {"x": np.array([[1.0], [2.0], [5.0], [3.0], [NAN]])}, tolerance=1e-15)
    direct = [("v", OneHot(size=3), ["i0"]), ("y", total(3), ["v"])]
    agree(program(scalars("x"), direct, {"value": "y"}), tolerance=1e-15, extra=[0.0, 1.0, 2.0, 3.0])


def string_lookup(*rows: Any) -> Lookup:
    return Lookup(keys=np.array(["a", "b", "é"], object), table=np.array(rows, np.float64).reshape(5, -1))


STRING_LOOKUPS = {
    "codes": string_lookup(0, 1, 2, -1, -1),
    "codes with a missing one": string_lookup(0, 1, 2, 7, 3),
    "weights": string_lookup(0.1, -0.7, 3.3, 0, 0),
    "weights of unknown and missing": string_lookup(0.1, -0.7, 3.3, 0.4, 0.9),
    "two outputs": string_lookup([0.1, 1], [-0.7, 2], [3.3, 3], [0.4, 4], [0, 5]),
}


@pytest.mark.parametrize("name", STRING_LOOKUPS)
def test_string_lookup_in_a_sum(agree: Make, program: Make, name: str) -> None:
    lookup = STRING_LOOKUPS[name]
    outputs = lookup.table.shape[1]
    chain = [
        ("v", Impute(fill=np.zeros(1), sentinel=NAN), ["i1"]),
        ("z", total(1, outputs), ["v"]),
        ("w", lookup, ["i0"]),
        ("y", Sum(), ["z", "w"]),
    ]
    stages = agree(program([text(), *scalars("x")], chain, {"value": "y"}), tolerance=1e-14)
    assert ("oneHotEncoder" in stages) == ("codes" not in name)


ONE_HOTS = {
    "all zeros when unknown": string_lookup(0, 1, 2, -1, -1),
    "another order": string_lookup(2, 0, 1, -1, -1),
    "missing has a column": string_lookup(0, 1, 2, -1, 3),
    "infrequent share a column": string_lookup(0, 3, 3, 3, -1),
    "a dropped first": string_lookup(-1, 0, 1, -1, -1),
    "a column that nothing makes hot": string_lookup(0, 1, 3, -1, -1),
}


@pytest.mark.parametrize("name", ONE_HOTS)
@pytest.mark.parametrize("filled", [False, True])
def test_one_hot_strings(agree: Make, program: Make, name: str, filled: bool) -> None:
    size = int(ONE_HOTS[name].table.max()) + 1
    first = [("f", Impute(fill=np.array(["b"], object), sentinel=None), ["i0"])] if filled else []
    chain = [
        *first,
        ("c", ONE_HOTS[name], ["f" if filled else "i0"]),
        ("v", OneHot(size=size), ["c"]),
        ("y", total(size), ["v"]),
    ]
    stages = agree(program([text()], chain, {"value": "y"}), tolerance=1e-15)
    direct = "share" not in name and "nothing" not in name and not (filled and "missing" in name)
    assert ("categoricalMapping" in stages) == (not direct)


def test_ops_on_codes_are_worked_out_beforehand(agree: Make, program: Make) -> None:
    """Scaling, imputing or looking up codes changes the table, and costs no stage."""
    sides = Lookup(keys=np.array([0.0, 2.0]), table=np.array([[0.5, 1.0], [0.25, 0.0], [9.0, 9.0], [7.0, 7.0]]))
    chain = [
        ("c", string_lookup(0, 1, 2, NAN, NAN), ["i0"]),
        ("m", Indicate(sentinel=NAN), ["c"]),
        ("f", Impute(fill=np.array([2.0]), sentinel=NAN), ["c"]),
        ("s", Affine(center=np.array([0.3]), divisor=np.array([0.7])), ["c"]),
        ("g", Impute(fill=np.array([0.1]), sentinel=NAN), ["s"]),
        ("t", Step(threshold=0.5, strict=True), ["f"]),
        ("l", sides, ["c"]),
        ("x", Concat(), ["m", "f", "g", "t", "l"]),
        ("y", total(6), ["x"]),
    ]
    stages = agree(program([text()], chain, {"value": "y"}), tolerance=1e-15)
    assert set(stages) == {"categoricalMapping", "oneHotEncoder", "glmRegressor"}


@pytest.mark.parametrize("sentinel", [None, "a", ""])
def test_impute_strings(agree: Make, program: Make, sentinel: str | None) -> None:
    chain = [
        ("f", Impute(fill=np.array(["é"], object), sentinel=sentinel), ["i0"]),
        ("c", string_lookup(0.1, 0.2, 0.3, 0.4, 0.5), ["f"]),
        ("y", total(1), ["c"]),
    ]
    agree(program([text(missing_token="(none)")], chain, {"value": "y"}), tolerance=1e-15)


def test_sums_of_sums_are_one_sum(agree: Make, program: Make, columns: Make) -> None:
    chain = [
        ("a", total(3, outputs=4), ["i0"]),
        ("b", Affine(factor=np.arange(4) + 0.5, offset=np.ones(4)), ["a"]),
        ("y", total(4, outputs=2), ["b"]),
    ]
    p = program([wide()], chain, {"value": "y"})
    assert agree(p, finite(columns(p)), tolerance=1e-13) == ["glmRegressor", "glmRegressor", "featureVectorizer"]


def test_a_plain_linear_model_is_one_stage(agree: Make, program: Make) -> None:
    p = program(scalars("a", "b"), [("x", Concat(), ["i1", "i0"]), ("y", total(2), ["x"])], {"value": "y"})
    assert agree(p, tolerance=1e-15) == ["glmRegressor"]
