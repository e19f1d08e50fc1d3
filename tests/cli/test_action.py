"""The GitHub Action: its steps as a runner would run them, with the command line of this very tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ACTION = Path(__file__).parents[2] / "action.yml"
EXPRESSION = re.compile(r"\$\{\{ *(inputs|steps)\.([\w.-]+) *\}\}")


@pytest.fixture
def run(tmp_path: Path, registry: Path) -> Any:
    """Runs the steps with some inputs; the last exit code, and what the files of GitHub hold."""
    action = yaml.safe_load(ACTION.read_text())
    command = tmp_path / "bin" / "edgepack"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from edgepack.cli import main; main()" "$@"\n')
    command.chmod(0o755)
    files = {name: tmp_path / name.lower() for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}

    def steps(**given: str) -> tuple[int, str, str, str]:
        unknown = set(given) - {name.replace("-", "_") for name in action["inputs"]}
        assert not unknown
        values = {k: given.get(k.replace("-", "_"), v.get("default", "")) for k, v in action["inputs"].items()}
        required = [k for k, v in action["inputs"].items() if v.get("required")]
        assert all(values[name] for name in required)

        def filled(text: str) -> str:
            return EXPRESSION.sub(lambda match: values[match[2]], text)

        code, err = 0, ""
        for file in files.values():
            file.write_text("")
        for step in action["runs"]["steps"]:
            assert step["shell"] == "bash"
            assert "${{" not in step["run"], "an input in a script is an injection; pass it by env"
            environment = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB", "MLFLOW"))}
            environment |= {k: filled(v) for k, v in step.get("env", {}).items()}
            environment |= {k: str(v) for k, v in files.items()}
            environment["PATH"] = f"{command.parent}:{environment['PATH']}"
            shell = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]]  # as GitHub's runner
            where = registry / filled(step.get("working-directory", "."))
            done = subprocess.run(shell, cwd=where, env=environment, capture_output=True, text=True)
            code, err = done.returncode, done.stderr
            if code:
                break
        return code, files["GITHUB_STEP_SUMMARY"].read_text(), files["GITHUB_OUTPUT"].read_text(), err

    return steps


def test_the_action_passes_and_writes_the_summary(run: Any, bundle: Path, tmp_path: Path) -> None:
    policy, junit = tmp_path / "edgepack.toml", tmp_path / "junit.xml"
    policy.write_text('[parity]\ntargets = ["onnx", "coreml"]\n')
    code, summary, output, err = run(bundle=str(bundle), policy=str(policy), golden="true", junit=str(junit))
    assert code == 0, err
    assert "required target onnx" in summary
    assert output == "exit-code=0\n"
    assert "edgepack policy" in junit.read_text()


def test_an_artifact_that_answers_something_else_fails_the_job_with_5(run: Any, bundle: Path, tmp_path: Path) -> None:
    policy = tmp_path / "edgepack.toml"
    policy.write_text('[parity]\ntargets = ["onnx", "litert"]\n')
    code, summary, output, err = run(bundle=str(bundle), policy=str(policy), golden="true")
    assert code == 5
    assert "**failed**" in summary
    assert output == "exit-code=5\n"
    assert "::error" in err


def test_inputs_with_spaces_and_several_bounds_arrive_as_they_are(run: Any, bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "a b; echo $HOME"
    shutil.copytree(bundle, copy)
    code, _, _, err = run(bundle=str(copy), golden="true")
    assert code == 0, err
    code, _, _, err = run(bundle=str(copy), golden="true", bounds="age=0:1\nfare=0:9\n")
    assert (code, "--bounds: of no use with --golden" in err) == (2, True)
    code, _, _, err = run(bundle=str(bundle), rows="300", bounds="age=0:1\nnowhere=0:9\n")
    assert code == 2
    assert "nowhere" in err
