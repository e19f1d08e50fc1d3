"""The command that answers frames in a runtime, installed under the user's cache folder at its first use."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from edgepack.environments import INSTALL_TIMEOUT_S, InstallFailed, cache_folder, cached, call, find_uv
from edgepack.errors import EdgepackError
from edgepack.runtimes.spec import Spec

ARM64 = "EDGEPACK_ARM64_PYTHON"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HERE = Path(__file__).parent


class NotInstalled(EdgepackError):
    """A runtime that is not on this machine and could not be fetched: its verdict is `not run`, with this reason."""


def command(spec: Spec) -> list[str]:
    """The words to which a model's path is to be added, at `{model}`. Raises `NotInstalled`."""
    match spec.kind:
        case "onnxruntime":
            return [str(interpreter(str(spec.version))), str(HERE / "worker.py"), "{model}"]
        case "arm64":
            if not (given := os.environ.get(ARM64)):
                raise NotInstalled(
                    f"{spec}: {ARM64} is not set; give an arm64 Python with onnxruntime (qemu-aarch64 …)"
                )
            return [*shlex.split(given), str(HERE / "worker.py"), "{model}"]
        case "node":
            return [_program("node", spec), str(HERE / "worker_node.mjs"), "{model}", str(packages(spec))]
        case "web":
            browser = next(filter(None, map(shutil.which, BROWSERS)), None)
            if browser is None:
                raise NotInstalled(f"{spec}: no Chromium on PATH; install chromium")
            node = _program("node", spec)
            return [node, str(HERE / "worker_web.mjs"), "{model}", str(packages(spec)), browser]


def interpreter(version: str, *, within_s: float = INSTALL_TIMEOUT_S) -> Path:
    """The interpreter of an environment with that ONNX Runtime, from wheels alone. Raises `NotInstalled`."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    # up to 1.18 wheels are built against NumPy 1
    numpy = "numpy<2" if tuple(map(int, version.split(".")[:2])) < (1, 19) else "numpy"
    uv = _uv()

    def fill(folder: Path) -> None:
        call([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], folder.parent)
        wanted = [f"onnxruntime=={version}", numpy]
        into = ["--python", str(folder / "bin" / "python")]
        call(
            [uv, "pip", "install", "--quiet", "--only-binary", ":all:", *into, *wanted],
            folder.parent,
            within_s=within_s,
        )

    return _made(f"onnxruntime-{version}-py{python}", f"onnxruntime=={version}", fill) / "bin" / "python"


def packages(spec: Spec, *, within_s: float = INSTALL_TIMEOUT_S) -> Path:
    """A folder whose `node_modules` holds the runtime; scripts of packages are not run. Raises `NotInstalled`."""
    npm = _program("npm", spec)
    version = spec.version or "latest"
    names = {"node": [f"onnxruntime-node@{version}"], "web": [f"onnxruntime-web@{version}", "playwright-core"]}

    def fill(folder: Path) -> None:
        folder.mkdir()
        (folder / "package.json").write_text('{"private": true}\n')
        call(
            [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", *names[spec.kind]],
            folder,
            within_s=within_s,
        )

    return _made(f"{spec.kind}-{version}", str(spec), fill)


def _made(name: str, what: str, fill: Callable[[Path], None]) -> Path:
    try:
        return cached(cache_folder("runtimes") / name, fill)
    except InstallFailed as error:
        raise NotInstalled(f"{what}: cannot be installed ({error})") from error


def _program(name: str, spec: Spec) -> str:
    if (found := shutil.which(name)) is None:
        raise NotInstalled(f"{spec}: no {name} on PATH; install Node.js")
    return found


def _uv() -> str:
    if (found := find_uv()) is None:
        raise NotInstalled(
            "uv: not on PATH, and other versions of onnxruntime need it; pip install 'edgepack[runtimes]'"
        )
    return found
