"""What GitHub would run: every file parses, names only what is here, and asks a Mac for Core ML's verdict."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGET = re.compile(r"^([a-z-]+)%?:", re.MULTILINE)


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.BaseLoader)  # `on` is a key, not a boolean
    return document


def steps() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            for step in job["steps"]:
                yield f"{path.name}: {name}", job, step


def commands() -> Iterator[list[str]]:
    """The words of every line that a step runs."""
    for _, _, step in steps():
        for line in step.get("run", "").splitlines():
            yield shlex.split(line)


def make_targets(words: list[str]) -> list[str]:
    return [word for word in words[1:] if not word.startswith("-") and "=" not in word]


def test_there_are_workflows_with_steps_of_one_kind_each() -> None:
    assert WORKFLOWS and list(steps())
    for where, job, step in steps():
        assert ("run" in step) != ("uses" in step), where
        assert set(step) <= {"name", "run", "uses", "with", "env", "if", "id", "shell", "working-directory"}, where
        assert job["runs-on"] and int(job["timeout-minutes"]) <= 90, where


def test_every_action_is_of_a_version() -> None:
    for where, _, step in steps():
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w./-]+@v\d+", step["uses"]) or (ROOT / step["uses"]).exists(), where


def test_every_value_of_a_matrix_is_used_and_every_one_used_is_there() -> None:
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            used = set(re.findall(r"\$\{\{ matrix\.(\w+) \}\}", str(job)))
            assert used == set(job.get("strategy", {}).get("matrix", {})), f"{path.name}: {name}"


def test_every_command_is_here() -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text()))
    for words in commands():
        if words[0] == "make":
            assert set(make_targets(words)) <= targets, words
        else:
            assert os.access(ROOT / words[0], os.X_OK), words


def test_make_knows_what_ci_asks_of_it() -> None:
    script = (ROOT / ".ci/run").read_text()
    asked = re.search(r"for step in (.*); do", script)
    assert asked and 'make --no-print-directory "$step"' in script
    done = subprocess.run(["make", "-n", *asked[1].split()], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {"test", "runtime-ci"} <= set(asked[1].split())


def test_linux_and_a_mac_run_the_same() -> None:
    """On a Mac the tests' Core ML runners, and `make runtime-ci`, are Apple's framework."""
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            systems = job["strategy"]["matrix"]["os"]
            for wanted in ("ubuntu", "macos"):
                assert any(system.startswith(wanted) for system in systems), f"{path.name}: {name}"
            assert not any("if" in step for step in job["steps"]), f"{path.name}: {name}: a step is not for all"
    runtimes = re.search(r"^RUNTIMES \?= (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert runtimes and "coreml" in runtimes[1].split()


def test_the_action_runs_only_its_inputs() -> None:
    """`action.yml` is what others use: it parses, and each input that its script reads is declared."""
    action = read(ROOT / "action.yml")
    [step] = [step for step in action["runs"]["steps"] if step.get("id") == "parity"]
    named = set(re.findall(r"\$\{\{ inputs\.([\w-]+) \}\}", str(action["runs"])))
    assert named == set(action["inputs"])
    assert set(re.findall(r"\$([A-Z_]+)", step["run"])) - {"GITHUB_OUTPUT"} <= set(step["env"])
