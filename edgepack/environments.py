"""Environments beside this one, made once and kept in the user's cache folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
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


def call(
    words: Sequence[str],
    where: Path,
    environment: Mapping[str, str] | None = None,
    *,
    within_s: float = INSTALL_TIMEOUT_S,
) -> str:
    """What an installer prints that runs in a folder of the cache, where no project's settings reach it.

    Raises:
        InstallFailed: it fails, or takes too long; whatever it started has been ended then.
    """
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        words,
        cwd=where,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=within_s)
    except BaseException as error:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # those that it started hold the pipes too
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            raise InstallFailed(f"{Path(words[0]).name} took more than {within_s:g} s") from error
        raise
    if process.returncode:
        raise InstallFailed(" ".join((err or out).split())[:300] or f"status {process.returncode}")
    return out


def cache_folder(name: str) -> Path:
    """`$XDG_CACHE_HOME/edgepack/<name>`, by default in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgepack" / name


def find_uv() -> str | None:
    """Where uv is: on PATH, or beside this interpreter."""
    beside = Path(sys.executable).with_name("uv")
    return shutil.which("uv") or (str(beside) if beside.is_file() else None)
