from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgepack.errors import UsageError
from edgepack.gate import Budget, Policy, find_policy, read_policy
from edgepack.runtimes import Spec

WHOLE = """
targets = ["onnx", "coreml"]
runtimes = ["onnxruntime==1.20.1", "node"]
label_changes = 3
coverage = 0.95
headers = "onnxruntime/include"
[tolerance]
probabilities = 1e-4
value = 1
[budget.onnx]
size_bytes = 2_000_000
p50_us = 200
instructions_per_row = 20_000
"""


def test_every_key_is_read(policy_file: Callable[[str], Path]) -> None:
    path = policy_file(WHOLE)
    assert read_policy(path) == Policy(
        path=path,
        targets=("onnx", "coreml"),
        runtimes=(Spec.parse("onnxruntime==1.20.1"), Spec.parse("node")),
        label_changes=3,
        coverage=0.95,
        headers=path.parent / "onnxruntime/include",
        tolerance={"probabilities": 1e-4, "value": 1.0},
        budgets={"onnx": Budget(size_bytes=2_000_000, p50_us=200.0, instructions_per_row=20_000.0)},
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("tolerence = 1", "tool.edgepack.parity.tolerence: not known; give targets, runtimes"),
        ("tolerance = 1e-6", "tool.edgepack.parity.tolerance: 1e-06 is no table"),
        ("[tolerance]\nvalue = '1'", "tool.edgepack.parity.tolerance.value: '1' is no tolerance; give a number"),
        ("[tolerance]\nvalue = -1e-9", "tool.edgepack.parity.tolerance.value: -1e-09 is no tolerance"),
        ("[tolerance]\nvalue = nan", "tool.edgepack.parity.tolerance.value: nan is no tolerance"),
        ("[tolerance]\nlabel = 1", "tool.edgepack.parity.tolerance.label: not known; give probabilities, value"),
        ("label_changes = 1.0", "tool.edgepack.parity.label_changes: 1.0 is no count"),
        ("label_changes = true", "tool.edgepack.parity.label_changes: True is no count"),
        ("headers = 3", "tool.edgepack.parity.headers: 3 is no folder; give the folder of ONNX Runtime's C headers"),
        ("coverage = 95", "tool.edgepack.parity.coverage: 95 is no share; give a number from 0 to 1"),
        ("coverage = true", "tool.edgepack.parity.coverage: True is no share"),
        ("targets = 'onnx'", "tool.edgepack.parity.targets: 'onnx' is no list of strings"),
        ("targets = ['onnx', 'onnx']", "tool.edgepack.parity.targets: onnx twice"),
        ("runtimes = ['ruby']", "tool.edgepack.parity.runtimes: 'ruby' is no runtime; give onnxruntime==VERSION"),
        ("budget = 3", "tool.edgepack.parity.budget: 3 is no table"),
        ("[budget]\nonnx = 3", "tool.edgepack.parity.budget.onnx: 3 is no table"),
        ("[budget.onnx]\nsize = 3", "tool.edgepack.parity.budget.onnx.size: not known; give size_bytes"),
        ("[budget.onnx]\nsize_bytes = 3.5", "tool.edgepack.parity.budget.onnx.size_bytes: 3.5 is no count"),
    ],
)
def test_what_is_wrong_is_told_with_its_path(body: str, told: str, policy_file: Callable[[str], Path]) -> None:
    path = policy_file("\n" + body)
    with pytest.raises(UsageError) as caught:
        read_policy(path)
    assert str(caught.value).startswith(f"{path}: {told}")


def test_all_problems_are_told_at_once(policy_file: Callable[[str], Path]) -> None:
    with pytest.raises(UsageError) as caught:
        read_policy(policy_file("coverage = 2\nx = 1\n[tolerance]\ny = 2\n"))
    assert len(str(caught.value).splitlines()) == 3


def test_a_file_of_its_own_has_a_shorter_table(tmp_path: Path) -> None:
    path = tmp_path / "edgepack.toml"
    path.write_text("[parity]\ncoverage = 1\n")
    assert read_policy(path).coverage == 1.0
    path.write_text("[parity.tolerance]\nx = 1\n")
    with pytest.raises(UsageError, match=r"toml: parity\.tolerance\.x: not known"):
        read_policy(path)


def test_no_file_no_toml_and_no_table_are_each_told(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    with pytest.raises(UsageError, match="no such file"):
        read_policy(path)
    path.write_text("[tool")
    with pytest.raises(UsageError, match="cannot be read as TOML"):
        read_policy(path)
    path.write_text("[tool.other]\n")
    with pytest.raises(UsageError, match=r"has no table \[tool\.edgepack\.parity\]"):
        read_policy(path)


def test_a_folder_s_policy_is_its_own_file_before_the_project_s(tmp_path: Path) -> None:
    assert find_policy(tmp_path) is None
    project, own = tmp_path / "pyproject.toml", tmp_path / "edgepack.toml"
    project.write_text("[project]\nname = 'x'\n")
    assert find_policy(tmp_path) is None
    project.write_text("[tool.edgepack.parity]\n")
    assert find_policy(tmp_path) == project
    own.write_text("")
    assert find_policy(tmp_path) == own
