"""What is installed of a model's requirements, how, and what it says where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgepack.environments import cache_folder
from edgepack.errors import SourceError
from edgepack.source.isolated.environment import interpreter_of, pinned

LISTED = """# what MLflow wrote
mlflow==2.9.2
numpy==1.26.4
Scikit_Learn==1.0.0
pandas[parquet]==2.2.3 ; python_version > "3.8"
cloudpickle==3.0.0  # pickles
xgboost
scipy>=1.10,<2
"""


def test_pinned_lines_are_kept_and_mlflow_is_not() -> None:
    assert pinned(LISTED, "1.2.2") == (
        "cloudpickle==3.0.0",
        "numpy==1.26.4",
        "pandas==2.2.3",
        "scikit-learn==1.2.2",
    )


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--index-url simple",
        "-r other.txt",
        "evil @ file:evil.whl",
        "git+https://example.org/evil.git",
        "./evil",
        "/evil.whl",
        "evil==1.0 --hash=sha256:00",
        "evil==$(id)",
    ],
)
def test_a_line_that_points_elsewhere_is_refused(line: str) -> None:
    with pytest.raises(SourceError, match="is no name==version"):
        pinned(f"numpy==2.0.0\n{line}\n", "1.9.1")


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uv that notes what it is called with, and fails at whatever the file `fails` holds."""
    program, told = tmp_path / "bin" / "uv", tmp_path / "told"
    program.parent.mkdir()
    program.write_text(
        f"""#!/bin/sh
env | cut -d= -f1 | tr '\\n' ' ' >> {told}; echo "$@" >> {told}
[ -f {tmp_path}/fails ] && [ "$2" = install ] && {{ echo "no such version" >&2; exit 1; }}
[ "$1" = venv ] && for last; do true; done && mkdir -p "$last/bin" && touch "$last/bin/python"
exit 0
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret")
    monkeypatch.setenv("UV_OFFLINE", "1")
    return told


def test_wheels_alone_no_settings_and_no_secrets(uv: Path) -> None:
    python = interpreter_of(("scikit-learn==1.2.2",), None)
    assert python.is_file()
    venv, install = uv.read_text().splitlines()
    assert "--no-config" in venv
    assert "--no-build" in install
    assert "--no-config" in install
    assert install.endswith("scikit-learn==1.2.2")
    assert "UV_OFFLINE" in install
    assert "MLFLOW" not in uv.read_text()


def test_once_made_nothing_is_asked_for(uv: Path) -> None:
    first = interpreter_of(("scikit-learn==1.2.2",), None)
    uv.unlink()
    assert interpreter_of(("scikit-learn==1.2.2",), None) == first
    assert not uv.exists()
    assert interpreter_of(("scikit-learn==1.2.3",), None) != first


def test_an_environment_that_cannot_be_made_leaves_nothing(uv: Path, tmp_path: Path) -> None:
    (tmp_path / "fails").touch()
    with pytest.raises(SourceError, match=r"its environment \(a==1, b==2\) cannot be made: no such version"):
        interpreter_of(("a==1", "b==2"), None)
    assert list(cache_folder("models").iterdir()) == []


def test_without_uv_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgepack.source.isolated.environment.find_uv", lambda: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SourceError, match=r"uv is not installed.*pip install 'edgepack\[runtimes\]'"):
        interpreter_of(("a==1",), None)
