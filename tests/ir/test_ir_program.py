"""Programs: what holds together, what runs, and the text that people read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from zoo import classes, columns_of, fitted, table, target, usual

from edgepack.contract import Input, Interface
from edgepack.ir import Node, Program, Type, TypeMismatch, to_text
from edgepack.ir.ops import Affine, ArgMax, Concat, Label, Lookup, Select
from edgepack.lower import lower
from edgepack.passes import optimize

INPUTS = (
    Input(name="x", kind="number", width=2),
    Input(name="s", kind="string", categories=("a", "b")),
)
INTERFACE = Interface(inputs=INPUTS, outputs=("value",))
KEYED = Lookup(keys=np.array(["a", "b"], object), table=np.array([[1.0], [2.0], [np.nan], [-1.0]]))
NODES = (
    Node(name="v0", op=KEYED, inputs=("i1",), step="encode → OrdinalEncoder"),
    Node(name="v1", op=Concat(), inputs=("i0", "v0")),
    Node(name="v2", op=Select(columns=np.array([2])), inputs=("v1",)),
)
PROGRAM = Program(interface=INTERFACE, nodes=NODES, outputs={"value": "v2"})
ROWS: dict[str, Any] = {
    "x": np.array([[1.0, 2.0], [0.1, np.nan]]),
    "s": np.array([["b"], [None]], object),
}


def test_types_of_every_value() -> None:
    assert PROGRAM.types() == {
        "i0": Type("number", 2),
        "i1": Type("string", 1),
        "v0": Type("number", 1),
        "v1": Type("number", 3),
        "v2": Type("number", 1),
    }
    assert [str(t) for t in PROGRAM.types().values()][:2] == ["number[2]", "string[1]"]


def test_a_run_and_all_its_values() -> None:
    assert PROGRAM.run(ROWS)["value"].tolist() == [2.0, -1.0]
    values = PROGRAM.values(ROWS)
    assert values["v1"].shape == (2, 3)
    assert values["i0"][1, 0] == float(np.float32(0.1))
    assert ROWS["x"][1, 0] == 0.1


def test_what_no_output_needs_is_told_apart() -> None:
    beside = Node(name="v3", op=Select(columns=np.array([0])), inputs=("v1",))
    assert [node.name for node in replace(PROGRAM, nodes=(*NODES, beside)).needed()] == ["v0", "v1", "v2"]
    assert [node.name for node in replace(PROGRAM, outputs={"value": "v0"}).needed()] == ["v0"]


def test_a_run_in_parts_answers_every_row_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table()
    model = fitted(
        make_pipeline(usual(), RandomForestClassifier(3, random_state=0)),
        frame,
        classes(target(frame), ["a", "b", "c"]),
    )
    program = lower(model, frame)
    columns = columns_of(frame, program.interface)
    whole = program.run(columns)
    assert program.width == sum(kind.width for kind in program.types().values())
    for numbers in (1, 7 * program.width + 1):
        monkeypatch.setattr("edgepack.ir.program.NUMBERS", numbers)
        sizes = [len(part["zone"]) for part in program.parts(columns)]
        assert max(sizes) == max(1, numbers // program.width)
        assert sum(sizes) == len(frame)
        answers = program.run(columns)
        assert all(np.array_equal(answers[output], whole[output]) for output in whole)
        nothing = program.run({name: x[:0] for name, x in columns.items()})
        assert {output: len(x) for output, x in nothing.items()} == dict.fromkeys(whole, 0)


def test_numbers_are_rounded_to_the_input_type() -> None:
    double = replace(PROGRAM, interface=replace(INTERFACE, input_dtype="float64"))
    assert double.values(ROWS)["i0"][1, 0] == 0.1


def test_nodes_by_name() -> None:
    node = PROGRAM.node_of("v1")
    assert node is not None and isinstance(node.op, Concat)
    assert PROGRAM.node_of("i0") is None


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an output without a value": ({"outputs": {"value": "v9"}}, "output value: no value named v9"),
    "another output": ({"outputs": {"label": "v2"}}, r"outputs \['label'\] are not the interface's \('value',\)"),
    "a value twice": ({"nodes": (*NODES, NODES[0])}, "v0: defined twice"),
    "an input's name": ({"nodes": (replace(NODES[0], name="i0"), *NODES[1:])}, "i0: defined twice"),
    "use before definition": ({"nodes": (NODES[1], NODES[0], NODES[2])}, "v1: v0 not defined before it"),
    "unknown values": ({"nodes": (replace(NODES[0], inputs=("u", "w")),)}, "v0: u, w not defined before it"),
    "types that do not fit": ({"nodes": (replace(NODES[0], inputs=("i0",)),)}, r"Lookup\(number\[2\]\): takes"),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_program_that_does_not_hold_together_is_refused(mistake: str) -> None:
    changed, message = WRONG[mistake]
    with pytest.raises(TypeMismatch, match=message):
        replace(PROGRAM, **changed)


def test_labels_and_probabilities() -> None:
    inputs = (Input(name="x", kind="number", width=3),)
    interface = Interface(inputs=inputs, outputs=("label", "probabilities"), classes=("u", "v", "w"))
    nodes = (
        Node(name="v0", op=ArgMax(), inputs=("i0",)),
        Node(name="v1", op=Label(classes=np.array(["u", "v", "w"])), inputs=("v0",)),
    )
    program = Program(interface=interface, nodes=nodes, outputs={"label": "v1", "probabilities": "i0"})
    got = program.run({"x": np.array([[0.0, 1.0, 0.0]])})
    assert got["label"].tolist() == ["v"] and got["probabilities"].shape == (1, 3)


def test_one_wide_values_come_as_a_column_of_numbers() -> None:
    one = replace(PROGRAM, outputs={"value": "v1"})
    assert one.run(ROWS)["value"].shape == (2, 3)


GOLDEN = Path(__file__).with_name("golden")


def rounded(last: Any) -> Any:
    frame = table(120)
    y = target(frame).round(3)
    return fitted(
        make_pipeline(usual(), last), frame, y if isinstance(last, Ridge) else classes(y, ["low", "high"])
    ), frame


@pytest.mark.parametrize("name", ["small", "linear", "forest"])
def test_the_text_is_as_it_was(name: str) -> None:
    if name == "small":
        text = to_text(PROGRAM)
    else:
        model, frame = rounded(Ridge() if name == "linear" else RandomForestClassifier(3, max_depth=3, random_state=0))
        lowered = lower(model, frame)
        text = to_text(lowered) + to_text(optimize(lowered))
    assert text == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_the_text_shortens_arrays() -> None:
    op = Affine(center=np.arange(50.0), factor=np.full(50, np.nan))
    inputs = (Input(name="x", kind="number", width=50),)
    program = Program(
        interface=Interface(inputs=inputs, outputs=("value",), value_width=50),
        nodes=(Node(name="v0", op=op, inputs=("i0",)),),
        outputs={"value": "v0"},
    )
    assert "v0 = Affine(i0, center=float64[50] 0…49, factor=float64[50] nan)" in to_text(program)


def test_a_program_answers_the_rows_that_it_was_made_from() -> None:
    model, frame = rounded(Ridge())
    program = lower(model, frame)
    got = program.run(columns_of(frame, program.interface))["value"]
    assert np.allclose(got, model.predict(frame), rtol=1e-12)
