"""The command that answers frames in a runtime, installed under the user's cache folder at its first use."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from edgepack.errors import EdgepackError
from edgepack.runtimes.spec import Spec

ARM64 = "EDGEPACK_ARM64_PYTHON"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_S = 600
HERE = Path(__file__).parent


class NotInstalled(EdgepackError):
    """A runtime that is not on this machine and could not be fetched: its verdict is `not run`, with this reason."""


def command(spec: Spec) -> list[str]:
    """The words to which a model's path is to be added, at `{model}`. Raises `NotInstalled`."""
    match spec.kind:
        case "onnxruntime":
            return [str(_python(str(spec.version))), str(HERE / "worker.py"), "{model}"]
        case "arm64":
            if not (given := os.environ.get(ARM64)):
                raise NotInstalled(
                    f"{spec}: {ARM64} is not set; give an arm64 Python with onnxruntime (qemu-aarch64 …)"
                )
            return [*shlex.split(given), str(HERE / "worker.py"), "{model}"]
        case "node":
            return [_program("node", spec), str(HERE / "worker_node.mjs"), "{model}", str(_packages(spec))]
        case "web":
            browser = next(filter(None, map(shutil.which, BROWSERS)), None)
            if browser is None:
                raise NotInstalled(f"{spec}: no Chromium on PATH; install chromium")
            node = _program("node", spec)
            return [node, str(HERE / "worker_web.mjs"), "{model}", str(_packages(spec)), browser]


def cache_folder() -> Path:
    """Where environments are kept: `$XDG_CACHE_HOME/edgepack/runtimes`, by default in `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgepack" / "runtimes"


def _python(version: str) -> Path:
    """The interpreter of an environment with that ONNX Runtime, from wheels alone."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    # up to 1.18 wheels are built against NumPy 1
    numpy = "numpy<2" if tuple(map(int, version.split(".")[:2])) < (1, 19) else "numpy"
    uv = _uv()

    def fill(folder: Path) -> None:
        _call([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], folder.parent)
        wanted = [f"onnxruntime=={version}", numpy]
        into = ["--python", str(folder / "bin" / "python")]
        _call([uv, "pip", "install", "--quiet", "--only-binary", ":all:", *into, *wanted], folder.parent)

    return _made(f"onnxruntime-{version}-py{python}", f"onnxruntime=={version}", fill) / "bin" / "python"


def _packages(spec: Spec) -> Path:
    """A folder whose `node_modules` holds the runtime; scripts of packages are not run."""
    npm = _program("npm", spec)
    version = spec.version or "latest"
    names = {"node": [f"onnxruntime-node@{version}"], "web": [f"onnxruntime-web@{version}", "playwright-core"]}

    def fill(folder: Path) -> None:
        folder.mkdir()
        (folder / "package.json").write_text('{"private": true}\n')
        _call([npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", *names[spec.kind]], folder)

    return _made(f"{spec.kind}-{version}", str(spec), fill)


def _made(name: str, what: str, fill: Callable[[Path], None]) -> Path:
    """The cached folder of that name; it is filled beside it first, so that an interrupted try leaves nothing there."""
    folder = cache_folder() / name
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as scratch:
            fill(Path(scratch) / name)
            if not folder.is_dir():  # another process may have been faster
                (Path(scratch) / name).rename(folder)
    except OSError as error:
        raise NotInstalled(f"{what}: cannot be installed ({error}); look at {folder.parent}") from error
    except _Failed as error:
        raise NotInstalled(f"{what}: cannot be installed ({error})") from error
    return folder


class _Failed(Exception):
    """An installer's last words."""


def _call(words: Sequence[str], where: Path) -> None:
    """Runs an installer in a folder of the cache, where no project's settings reach it."""
    try:
        done = subprocess.run(words, cwd=where, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise _Failed(f"{Path(words[0]).name} took more than {TIMEOUT_S} s") from error
    if done.returncode:
        raise _Failed(" ".join((done.stderr or done.stdout).split())[:300] or f"status {done.returncode}")


def _program(name: str, spec: Spec) -> str:
    if (found := shutil.which(name)) is None:
        raise NotInstalled(f"{spec}: no {name} on PATH; install Node.js")
    return found


def _uv() -> str:
    beside = Path(sys.executable).with_name("uv")
    found = shutil.which("uv") or (str(beside) if beside.is_file() else None)
    if found is None:
        raise NotInstalled(
            "uv: not on PATH, and other versions of onnxruntime need it; pip install 'edgepack[runtimes]'"
        )
    return found
