"""docs/parity.md: its policy is one that is read, its options and inputs exist."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from typer.main import get_command

from edgepack.cli import app
from edgepack.gate import read_policy

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "parity.md").read_text(encoding="utf-8")


def test_its_policy_is_read(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(block)
    policy = read_policy(tmp_path / "pyproject.toml")
    assert policy.targets == ("onnx", "coreml")
    assert policy.budgets["onnx"].size_bytes == 2_000_000


def test_its_options_exist() -> None:
    parity = get_command(app).commands["parity"]  # type: ignore[attr-defined]
    known = {option for parameter in parity.params for option in parameter.opts}
    named = {word for word in re.findall(r"--[a-z][a-z-]+", TEXT) if not word.startswith("--edgepack")}
    assert named
    assert named <= known


def test_its_inputs_of_the_action_exist() -> None:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    (step,) = yaml.safe_load(block)
    assert set(step["with"]) <= set(inputs)
