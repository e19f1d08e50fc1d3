"""Python environments of their own, for tools that do not live beside today's scikit-learn."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path


class NotThere(Exception):
    """The environment cannot be made here; the message says why."""


def python_of(requirements: Path) -> Path:
    """The interpreter of an environment that holds a list of pinned packages; made once, in the user's cache.

    Raises:
        NotThere: uv is not installed, or the registry cannot be reached.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgepack"
    folder = cache / f"{requirements.stem}-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if (folder / "complete").is_file():
        return python
    uv = shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if uv is None:
        raise NotThere("uv is not installed: pip install uv")
    shutil.rmtree(folder, ignore_errors=True)
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    _run([uv, "pip", "install", "--quiet", "--no-build", "--python", str(python), "--requirement", str(requirements)])
    (folder / "complete").touch()
    return python


def run(requirements: Path, script: Path, *words: str) -> str:
    """What a script prints in the environment of a list. Raises `NotThere`; `RuntimeError` where it fails."""
    python = python_of(requirements)
    done = subprocess.run([str(python), "-W", "ignore", str(script), *words], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{script.name}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired as error:
        raise NotThere(f"{command[1]} took more than {error.timeout:.0f} s") from error
    if done.returncode:
        raise NotThere(f"uv {command[1]}: {' '.join(done.stderr.split())[-300:]}")
