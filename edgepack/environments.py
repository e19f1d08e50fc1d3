"""Environments beside this one, made once and kept in the user's cache folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

INSTALL_TIMEOUT_S = 600


class InstallFailed(Exception):
    """An installer's last words."""


def cached(folder: Path, fill: Callable[[Path], None]) -> Path:
    """The folder; it is filled beside its place first, so that an interrupted try leaves nothing there.

    Raises:
        InstallFailed: it could not be filled.
    """
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as scratch:
            fill(Path(scratch) / folder.name)
            if not folder.is_dir():  # another process may have been faster
                (Path(scratch) / folder.name).rename(folder)
    except OSError as error:
        raise InstallFailed(f"{error}; look at {folder.parent}") from error
    return folder


def call(words: Sequence[str], where: Path, environment: Mapping[str, str] | None = None) -> str:
    """What an installer prints that runs in a folder of the cache, where no project's settings reach it.

    Raises:
        InstallFailed: it fails, or takes too long.
    """
    try:
        done = subprocess.run(
            words, cwd=where, env=environment, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InstallFailed(f"{Path(words[0]).name} took more than {INSTALL_TIMEOUT_S} s") from error
    if done.returncode:
        raise InstallFailed(" ".join((done.stderr or done.stdout).split())[:300] or f"status {done.returncode}")
    return done.stdout


def cache_folder(name: str) -> Path:
    """`$XDG_CACHE_HOME/edgepack/<name>`, by default in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgepack" / name


def find_uv() -> str | None:
    """Where uv is: on PATH, or beside this interpreter."""
    beside = Path(sys.executable).with_name("uv")
    return shutil.which("uv") or (str(beside) if beside.is_file() else None)
