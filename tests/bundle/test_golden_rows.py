"""Golden rows come back to the bit, and anything but rows of the interface is refused with its path."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edgepack.bundle.golden import read_golden, write_golden
from edgepack.contract import Input, Interface
from edgepack.errors import SignatureError, UsageError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
CLASSES = [("no", "yes", "nan"), (0, 1, 7), (False, True), (0.5, 1.0, -0.0)]


def objects(rows: list[list[Any]], width: int) -> np.ndarray[Any, Any]:
    array = np.empty((len(rows), width), object)
    for i, row in enumerate(rows):
        array[i, :] = row
    return array


@st.composite
def samples(draw: st.DrawFn) -> tuple[Interface, dict[str, Any], dict[str, Any]]:
    """An interface with columns and answers that fit it."""
    rows, widths = draw(st.integers(0, 4)), [draw(st.sampled_from([1, 1, 3])) for _ in range(3)]
    classes = draw(st.sampled_from([None, *CLASSES]))
    value_width = draw(st.sampled_from([1, 2]))
    outputs = ("label", "probabilities") if classes else ("value",)
    interface = Interface(
        inputs=(
            Input(name="age", kind="number", width=widths[0]),
            Input(name="city", kind="string", width=widths[1]),
            Input(name="größe", kind="number", width=widths[2]),
        ),
        outputs=outputs,
        classes=classes,
        value_width=value_width,
    )
    floats = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)
    numbers = [draw(hnp.arrays(np.float64, (rows, widths[k]), elements=floats)) for k in (0, 2)]
    row = st.lists(st.none() | TEXT, min_size=widths[1], max_size=widths[1])
    texts = draw(st.lists(row, min_size=rows, max_size=rows))
    columns = {"age": numbers[0], "city": objects(texts, widths[1]), "größe": numbers[1]}
    if classes is None:
        shape: tuple[int, ...] = (rows,) if value_width == 1 else (rows, value_width)
        return interface, columns, {"value": draw(hnp.arrays(np.float64, shape, elements=floats))}
    drawn = draw(st.lists(st.sampled_from(classes), min_size=rows, max_size=rows))
    label = objects([[c] for c in drawn], 1)[:, 0] if isinstance(classes[0], str) else np.array(drawn, type(classes[0]))
    return (
        interface,
        columns,
        {
            "label": label,
            "probabilities": draw(hnp.arrays(np.float64, (rows, len(classes)), elements=floats)),
        },
    )


def same(read: np.ndarray[Any, Any], given: np.ndarray[Any, Any]) -> bool:
    if read.dtype == object or given.dtype != np.float64:
        return (read.dtype, read.shape, read.tolist()) == (given.dtype, given.shape, given.tolist())
    nan = np.isnan(given)
    bits = read.view(np.int64) == np.ascontiguousarray(given).view(np.int64)
    return read.shape == given.shape and bool(np.all(np.where(nan, np.isnan(read), bits)))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(samples())
def test_rows_come_back_to_the_bit(tmp_path: Path, sample: Any) -> None:
    interface, columns, answers = sample
    path = write_golden(tmp_path / "golden.json", columns, answers, interface)
    read_columns, read_answers = read_golden(path, interface)
    assert list(read_columns) == list(columns)
    assert list(read_answers) == list(answers)
    for name, values in {**columns, **answers}.items():
        assert same({**read_columns, **read_answers}[name], values), name


INTERFACE = Interface(
    inputs=(
        Input(name="age", kind="number"),
        Input(name="city", kind="string"),
        Input(name="X", kind="number", width=2),
    ),
    outputs=("label", "probabilities"),
    classes=("no", "yes"),
)
COLUMNS = {
    "age": np.array([[0.1], [np.nan]]),
    "city": np.array([["Köln"], [None]], object),
    "X": np.array([[1.0, -0.0], [np.nan, 5e-324]]),
}
ANSWERS = {"label": np.array(["yes", "no"]), "probabilities": np.array([[0.25, 0.75], [1.0, 0.0]])}


@pytest.fixture
def golden(tmp_path: Path) -> Path:
    return write_golden(tmp_path / "golden.json", COLUMNS, ANSWERS, INTERFACE)


def test_the_file_is_what_a_phone_reads(golden: Path) -> None:
    text = golden.read_text(encoding="utf-8")
    assert json.loads(text) == {
        "schema_version": 1,
        "rows": [
            {
                "inputs": {"age": 0.1, "city": "Köln", "X": [1.0, -0.0]},
                "answers": {"label": "yes", "probabilities": [0.25, 0.75]},
            },
            {
                "inputs": {"age": None, "city": None, "X": [None, 5e-324]},
                "answers": {"label": "no", "probabilities": [1.0, 0.0]},
            },
        ],
    }
    assert len(text.splitlines()) == 4
    assert '"Köln"' in text


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('"age": 0.1', '"age": "0.1"', "rows[0].inputs.age: '0.1' is not a number"),
        ('"age": 0.1', '"age": true', "rows[0].inputs.age: True is not a number"),
        ('"age": 0.1', '"age": [0.1]', "rows[0].inputs.age: [0.1] is not a number"),
        ('"age": null', '"Age": null', "rows[1].inputs.age: missing; Age: not in the interface"),
        ('"city": null', '"city": 3', "rows[1].inputs.city: 3 is not text"),
        ('"X": [1.0, -0.0]', '"X": [1.0]', "rows[0].inputs.X: not a list of 2"),
        ('"X": [1.0, -0.0]', '"X": 1.0', "rows[0].inputs.X: not a list of 2"),
        ('"label": "no"', '"label": "maybe"', "rows[1].answers.label: 'maybe' is not one of the classes"),
        ('"label": "no"', '"label": null', "rows[1].answers.label: None is not a label"),
        ("[0.25, 0.75]", "[0.25, null]", "rows[0].answers.probabilities: None is not a number"),
        ("[0.25, 0.75]", "[0.25, 0.75, 0]", "rows[0].answers.probabilities: not a list of 2"),
        ('{"inputs"', '{"x": 1, "inputs"', "rows[0]: not one of inputs and answers"),
        ('"schema_version": 1', '"schema_version": 2', "no rows with schema_version 1"),
        ('"age": 0.1', '"age": 0.1, "age": 0.2', "not strict JSON (key 'age' twice"),
        ('"age": 0.1', '"age": NaN', "NaN is not JSON"),
    ],
)
def test_other_rows_are_refused_with_their_path(golden: Path, before: str, after: str, says: str) -> None:
    text = golden.read_text(encoding="utf-8")
    assert before in text
    golden.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(SignatureError, match=r"^golden\.json: ") as caught:
        read_golden(golden, INTERFACE)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "answers", "says"),
    [
        ({**COLUMNS, "more": COLUMNS["age"]}, ANSWERS, "more: not in the interface"),
        ({"age": COLUMNS["age"]}, ANSWERS, "X: missing; city: missing"),
        (COLUMNS, {"label": ANSWERS["label"]}, "probabilities: missing"),
        ({**COLUMNS, "age": COLUMNS["X"]}, ANSWERS, r"age: shape \(2, 2\), not \(2, 1\)"),
        (COLUMNS, {**ANSWERS, "label": ANSWERS["label"][:1]}, r"label: shape \(1,\), not \(2,\)"),
    ],
)
def test_rows_that_do_not_fit_are_not_written(tmp_path: Path, columns: Any, answers: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        write_golden(tmp_path / "golden.json", columns, answers, INTERFACE)
    assert not (tmp_path / "golden.json").exists()
