"""Every rule of the linter finds the fault that it is for, and no other rule does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from edgepack.contract import EmitOptions
from edgepack.lower import lower
from edgepack.passes import optimize
from edgepack_onnx import target
from edgepack_onnx.lint import RULES, findings

R = np.random.default_rng(0)
CITIES = pd.DataFrame({"city": pd.Series(R.choice(["a", "b", "c"], 60), dtype=object)})
MODELS = {
    "classes": (LogisticRegression(), R.normal(size=(60, 3)), np.arange(60) % 3),
    "value": (Ridge(), R.normal(size=(60, 3)), R.normal(size=60)),
    "pair": (Ridge(), R.normal(size=(60, 3)), R.normal(size=(60, 2))),
    "strings": (make_pipeline(OrdinalEncoder(), LogisticRegression()), CITIES, np.array(["x", "y"])[np.arange(60) % 2]),
}


@pytest.fixture
def emitted(tmp_path: Path) -> Callable[[str], tuple[Path, Any]]:
    def emit(name: str) -> tuple[Path, Any]:
        estimator, x, y = MODELS[name]
        program = optimize(lower(estimator.fit(x, y), x, fallback=False))
        return target.emit(program, tmp_path, EmitOptions(name="m")).path, program.interface

    return emit


@pytest.mark.parametrize("name", MODELS)
def test_what_is_written_lints_clean(emitted: Any, name: str) -> None:
    assert target.lint(*emitted(name)) == []


def sequence(m: Any) -> None:
    """Probabilities as a sequence, which iOS cannot read."""
    m.graph.output[1].type.sequence_type.elem_type.tensor_type.elem_type = 11


MUTANTS: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("checker", "classes", lambda m: setattr(m.graph.node[0], "op_type", "Gone")),
    ("opsets", "classes", lambda m: m.opset_import.add(domain="", version=m.opset_import[0].version)),
    ("opsets", "classes", lambda m: m.opset_import.add(domain="ai.onnx", version=m.opset_import[0].version)),
    ("IR version", "classes", lambda m: setattr(m, "ir_version", m.ir_version + 1)),
    ("metadata", "classes", lambda m: setattr(m.metadata_props[-1], "value", "[2, 1, 0]")),
]


@pytest.mark.parametrize(("rule", "name", "change"), MUTANTS)
def test_a_fault_is_found_by_its_rule_alone(emitted: Any, rule: str, name: str, change: Any) -> None:
    path, interface = emitted(name)
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    found = findings(path, interface)
    assert {r for r, _ in found} == {rule}, [str(p) for _, p in found]
    assert all(p.step.startswith("model.onnx: ") for _, p in found)


@pytest.mark.parametrize(
    ("rule", "name", "change"),
    [
        ("inputs", "value", lambda i: {"input_dtype": "float64"}),
        ("inputs", "value", lambda i: {"inputs": (replace(i.inputs[0], width=4),)}),
        ("inputs", "strings", lambda i: {"inputs": (replace(i.inputs[0], kind="number"),)}),
        ("outputs", "value", lambda i: {"outputs": ("label",)}),
        ("outputs", "pair", lambda i: {"value_width": 3}),
        ("outputs", "classes", lambda i: {"outputs": ("label",)}),
    ],
)
def test_a_file_of_another_manifest_is_found(emitted: Any, rule: str, name: str, change: Any) -> None:
    path, interface = emitted(name)
    assert {r for r, _ in findings(path, replace(interface, **change(interface)))} == {rule}


def test_a_sequence_is_no_plain_tensor(emitted: Any) -> None:
    path, interface = emitted("classes")
    model = onnx.load(path)
    sequence(model)
    onnx.save(model, path)
    assert "outputs" in {r for r, _ in findings(path, interface)}


def test_every_rule_has_a_mutant() -> None:
    assert {rule for rule, _, _ in MUTANTS} | {"inputs", "outputs"} == set(RULES)


def test_what_is_no_model(tmp_path: Path, emitted: Any) -> None:
    _, interface = emitted("value")
    (tmp_path / "model.onnx").write_bytes(b"\xff\xff")
    (problem,) = target.lint(tmp_path / "model.onnx", interface)
    assert "is not an ONNX model" in problem.reason
