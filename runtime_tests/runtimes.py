"""The runtimes: how each is installed into the cache, and what opens it here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from runtime_tests import arm64
from runtime_tests.session import Process, Remote
from runtime_tests.web import open_page

CACHE = Path(__file__).resolve().parents[1] / ".cache" / "runtime_tests"
SERVE = Path(__file__).parent / "serve"
NPM_VERSION = "1.22.0"
ARM_VERSION = "1.30.0"
NUMPY = "numpy==2.2.6"  # the newest that every one of these versions of ONNX Runtime runs with
VERSIONS = ("1.21.1", "1.22.1", "1.24.4", "1.30.0")


class Missing(Exception):
    """Why a runtime is not here: what is to be installed."""


@contextmanager
def node() -> Iterator[Remote]:
    """onnxruntime-node from npm (about 200 MB), in Node.js."""
    program = _program("node", "Node.js")
    process = Process([program, str(SERVE / "node.mjs"), str(_npm("onnxruntime-node"))])
    try:
        yield process
    finally:
        process.close()


@contextmanager
def web() -> Iterator[Remote]:
    """onnxruntime-web from npm (about 100 MB), in a headless Chromium."""
    from browser import executable

    if not (chromium := executable()):
        raise Missing("no Chromium; on Debian: apt install chromium")
    with open_page(chromium, _npm("onnxruntime-web") / "node_modules" / "onnxruntime-web", SERVE) as page:
        yield page


@contextmanager
def version(number: str) -> Iterator[Remote]:
    """A version of ONNX Runtime from PyPI (about 50 MB with numpy), in this Python."""
    site = CACHE / f"onnxruntime-{number}"
    if not (site / "installed").exists():
        packages = [f"onnxruntime=={number}", NUMPY]
        _run(sys.executable, "-m", "pip", "install", "-q", "--only-binary", ":all:", "--target", str(site), *packages)
        (site / "installed").touch()
    process = Process([sys.executable, "-S", str(SERVE / "serve.py")], env={"PYTHONPATH": str(site)})
    try:
        yield process
    finally:
        process.close()


@contextmanager
def arm() -> Iterator[Remote]:
    """ONNX Runtime for arm64 under qemu, from Debian and PyPI (about 200 MB)."""
    folder = CACHE / f"arm64-{ARM_VERSION}"
    _program("apt-get", "apt (Debian or Ubuntu)")
    if not (folder / "installed").exists():
        try:
            arm64.install(folder, [f"onnxruntime=={ARM_VERSION}", NUMPY])
        except (subprocess.CalledProcessError, OSError) as error:
            last = (str(getattr(error, "stderr", "")).strip() or str(error)).splitlines()[-1]
            raise Missing(f"arm64 cannot be unpacked here: {last[:200]}") from error
        (folder / "installed").touch()
    process = Process(arm64.command(folder, SERVE / "serve.py"))
    try:
        yield process
    finally:
        process.close()


def table() -> Mapping[str, Callable[[], object]]:
    """Every runtime by the name that the command line takes."""
    versions = {f"ort-{number}": (lambda number=number: version(number)) for number in VERSIONS}
    return {"node": node, "web": web, "arm64": arm, **versions}


def _npm(package: str) -> Path:
    """A folder with the package installed; no script of any package runs."""
    npm, folder = _program("npm", "npm"), CACHE / f"{package}-{NPM_VERSION}"
    if not (folder / "installed").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text("{}\n")
        options = ("--ignore-scripts", "--no-audit", "--no-fund", "--silent")
        _run(npm, "install", *options, "--prefix", str(folder), f"{package}@{NPM_VERSION}")
        (folder / "installed").touch()
    return folder


def _program(name: str, title: str) -> str:
    if found := shutil.which(name):
        return found
    raise Missing(f"no {title} here; install it so that `{name}` is on the PATH")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Missing(f"{Path(command[0]).name} failed: {last[:200]}")
