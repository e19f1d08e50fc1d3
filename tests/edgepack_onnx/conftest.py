"""Tiny Programs, written as ONNX models, and run beside themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgepack.contract import EmitOptions, Input, Interface
from edgepack.ir import Node, Program
from edgepack.ir.ops import Op
from edgepack_onnx import target

NEWEST, OLDEST = "1.32", "1.15"

NUMBERS = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 1.5, 2.5, 1e-45, -1e-45, 1e-8, 0.1, 1e30, -1e30, 3.4028234663852886e38]
BEYOND = [np.nan, np.inf, -np.inf]
WORDS = ["a", "b", "c", "é", "e\u0301", "日本", "", " ", "A", "nan", "<NA>", None]


@pytest.fixture
def make_program() -> Callable[..., Program]:
    """Programs from `(name, op, inputs)` triples."""

    def make(
        inputs: Sequence[Input],
        chain: Sequence[tuple[str, Op, Sequence[str]]],
        outputs: Mapping[str, str],
        classes: Sequence[Any] | None = None,
        input_dtype: Any = "float32",
        value_width: int = 1,
    ) -> Program:
        nodes = tuple(Node(name=n, op=op, inputs=tuple(i), step=type(op).__name__) for n, op, i in chain)
        interface = Interface(
            inputs=tuple(inputs),
            input_dtype=input_dtype,
            outputs=tuple(outputs),
            classes=None if classes is None else tuple(classes),
            value_width=value_width,
        )
        return Program(interface=interface, nodes=nodes, outputs=dict(outputs))

    return make


@pytest.fixture
def one_op(make_program: Callable[..., Program]) -> Callable[..., Program]:
    """A Program of one op over one input `x`, whose result is the value."""

    def make(op: Op, width: int = 1, kind: Any = "number", **more: Any) -> Program:
        out = op.infer(*[_type(kind, width)]).width
        given = Input(name="x", kind=kind, width=width, accepts_missing=True)
        return make_program([given], [("v0", op, ["i0"])], {"value": "v0"}, value_width=out, **more)

    return make


def _type(kind: Any, width: int) -> Any:
    from edgepack.ir import Type

    return Type(kind, width)


@pytest.fixture
def emitted(tmp_path: Path) -> Callable[..., Any]:
    """The ModelProto of a Program, checked by onnx."""

    def emit(program: Program, min_runtime: str = NEWEST) -> Any:
        import onnx

        artifact = target.emit(program, tmp_path, EmitOptions(min_runtime=min_runtime))
        model = onnx.load(artifact.path)
        onnx.checker.check_model(model, full_check=True)
        return model

    return emit


@pytest.fixture
def answers(tmp_path: Path, emitted: Callable[..., Any]) -> Callable[..., Any]:
    """The artifact's answers to rows."""

    def run(program: Program, columns: Mapping[str, Any], min_runtime: str = NEWEST) -> Any:
        emitted(program, min_runtime)
        return target.open(tmp_path / "model.onnx", program.interface).run(columns)

    return run


@pytest.fixture
def same(answers: Callable[..., Any]) -> Callable[..., None]:
    """Fails unless an artifact answers as its Program does: bit for bit, or within `ulps` of each number."""

    def compare(program: Program, columns: Mapping[str, Any], min_runtime: str = NEWEST, ulps: int = 0) -> None:
        given, expected = answers(program, columns, min_runtime), program.run(columns)
        assert set(given) == set(expected)
        for name, wanted in expected.items():
            assert given[name].shape == wanted.shape, name
            if wanted.dtype.kind == "f" and name != "label":
                assert given[name].dtype == np.float64
                assert_within(given[name], wanted, ulps)
            else:
                np.testing.assert_array_equal(given[name], wanted)

    return compare


def assert_within(given: Any, wanted: Any, ulps: int) -> None:
    """Equal, or off by at most `ulps` units in the last place; NaN equals NaN."""
    both_nan = np.isnan(given) & np.isnan(wanted)
    with np.errstate(invalid="ignore"):
        near = np.abs(given - wanted) <= ulps * np.spacing(np.abs(wanted))
    wrong = ~(both_nan | (given == wanted) | (near if ulps else False))
    assert not wrong.any(), f"{wrong.sum()} of {wrong.size}: {given[wrong][:5]} is not {wanted[wrong][:5]}"


@pytest.fixture
def rows() -> Callable[..., dict[str, Any]]:
    """Adversarial rows for one input `x`: every special value in every column, and random ones."""

    def make(width: int = 1, kind: str = "number", *, beyond: bool = True, extra: Sequence[Any] = ()) -> dict[str, Any]:
        rng = np.random.default_rng(0)
        if kind == "string":
            return {"x": rng.choice(np.array([*WORDS, *extra], object), (400, width))}
        special = np.array([*NUMBERS, *(BEYOND if beyond else []), *extra])
        chosen = rng.choice(special, (400, width))
        chosen[:100] = rng.normal(size=(100, width))
        return {"x": chosen.astype(np.float32).astype(np.float64)}

    return make
