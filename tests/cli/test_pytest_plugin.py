"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import shutil
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

TEST = """
def test_golden(edgepack_bundle):
    verdicts = edgepack_bundle.require_golden()
    assert {v.target for v in verdicts} == {"onnx", "coreml"}
    assert edgepack_bundle.bundle.manifest.name == "trips"
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(TEST)
    return pytester


def run(project: pytest.Pytester, *words: str) -> pytest.RunResult:
    is_installed = any(entry.name == "edgepack" for entry in entry_points(group="pytest11"))
    plugin = () if is_installed else ("-p", "edgepack.pytest_plugin")  # twice would be an error
    return project.runpytest_subprocess(*plugin, "-p", "no:cacheprovider", *words)


def test_a_good_bundle_passes_by_option_and_by_setting(project: pytest.Pytester, bundle: Path) -> None:
    run(project, "--edgepack-bundle", str(bundle)).assert_outcomes(passed=1)
    project.makeini(f"[pytest]\nedgepack_bundle = {bundle}\n")
    run(project).assert_outcomes(passed=1)


def test_a_bundle_that_was_changed_is_an_error(project: pytest.Pytester, bundle: Path, tmp_path: Path) -> None:
    copy = tmp_path / "trips-1"
    shutil.copytree(bundle, copy)
    (copy / "golden.json").write_text((copy / "golden.json").read_text().replace('"yes"', '"no"'))
    result = run(project, "--edgepack-bundle", str(copy))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*SignatureError: golden.json: its sha256 is not*"])


def test_a_policy_that_is_not_met_fails_with_its_demand(project: pytest.Pytester, bundle: Path) -> None:
    project.makefile(".toml", edgepack="[parity.budget.onnx]\nsize_bytes = 10\n")
    result = run(project, "--edgepack-bundle", str(bundle))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*BudgetError: onnx: size_bytes: * of 10"])
    project.makefile(".toml", edgepack='[parity]\ntargets = ["litert"]\n')
    result = run(project, "--edgepack-bundle", str(bundle))
    result.stdout.fnmatch_lines(["*ParityError: required target litert: not in the bundle"])


def test_a_test_without_a_bundle_is_an_error_and_others_need_none(project: pytest.Pytester) -> None:
    project.makepyfile(test_other="def test_other():\n    pass\n")
    result = run(project)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*give --edgepack-bundle FOLDER*"])


def test_the_plugin_is_an_entry_point_and_imports_nothing_heavy() -> None:
    import subprocess
    import sys
    import tomllib

    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["pytest11"] == {"edgepack": "edgepack.pytest_plugin"}
    script = (
        "import sys, edgepack.pytest_plugin; print(*{'numpy', 'sklearn', 'onnxruntime', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
