"""scikit-learn's own answers and both artifacts, over the whole matrix of preprocessors × estimators."""

from __future__ import annotations

import importlib.util
import sys
import warnings
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from edgepack.contract import EmitOptions
from edgepack.lower import lower
from edgepack.parity import Reference, make_cases, run_parity
from edgepack.passes import optimize
from edgepack.rows import columns_of
from edgepack.targets import find_target


def _matrix() -> ModuleType:
    """The module beside this one (tests are no package)."""
    spec = importlib.util.spec_from_file_location("conformance_matrix", Path(__file__).with_name("matrix.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


matrix = _matrix()
ALL = list(matrix.COMBINATIONS)
SLICE = [name for name in ALL if zlib.crc32(name.encode()) % 9 == 0 or name in matrix.NATIVE]
TARGETS = ("onnx", "coreml")


@pytest.mark.parametrize("name", SLICE)
def test_a_slice_agrees_with_scikit_learn(name: str, tmp_path: Path, record_property: Any) -> None:
    compare(name, tmp_path, record_property, rows=2_000)


@pytest.mark.conformance
@pytest.mark.parametrize("name", ALL)
def test_everything_agrees_with_scikit_learn(name: str, tmp_path: Path, record_property: Any) -> None:
    compare(name, tmp_path, record_property, rows=100_000)


def compare(name: str, folder: Path, record: Any, *, rows: int) -> None:
    """One combination on both targets: no label changes but ties, probabilities within 1e-6, values within 1e-5."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator, frame = matrix.fit(name)
        lowered = lower(estimator, frame, fallback=False)
    program = optimize(lowered)
    runners = {}
    for target_name in TARGETS:
        target = find_target(target_name)
        assert target.check(program) == [], f"{target_name} refuses {name}"
        into = folder / target_name
        into.mkdir()
        artifact = target.emit(program, into, EmitOptions(name="conformance"))
        runners[target_name] = target.open(artifact.path, program.interface)
    reference = Reference(estimator=estimator, interface=program.interface, none_columns=program.none_columns)
    cases = make_cases(lowered, folded=program, example=columns_of(frame, program.interface), budget_rows=rows)
    for verdict in run_parity(reference, runners, cases, program=lowered):
        worst = max(c.smallest_passing_tolerance for c in verdict.outputs)
        told = f"{verdict.rows} rows, {verdict.label_changes} label changes, error {worst:.1e}"
        record(verdict.target, f"{verdict.status}: {told}")
        assert verdict.passed, f"{verdict.target}: {verdict.reason}: {verdict.outputs} {verdict.worst_rows[:1]}"
        assert verdict.label_changes == verdict.tied_rows
        assert verdict.rows >= rows * 0.5  # the server refuses some rows, such as log1p of −1
