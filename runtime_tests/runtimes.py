"""The runtimes: how each is installed into the user's cache, and what opens it here."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgepack.environments import InstallFailed, cache_folder, cached
from edgepack.runtimes import Spec
from edgepack.runtimes.install import NotInstalled, interpreter, packages
from runtime_tests import qemu
from runtime_tests.native import android_c, android_java
from runtime_tests.session import Process, Remote
from runtime_tests.web import open_page
from runtime_tests.zoo import COREML, NEWEST

SERVE = Path(__file__).parent / "serve"
INSTALL_S = 200.0
"""For one step of an installation; what takes longer is not here."""
NPM_VERSION = "1.22.0"
QEMU_VERSION = "1.30.0"
ARM_PACKAGES = (f"onnxruntime=={QEMU_VERSION}", "numpy==2.2.6")
VERSIONS = {"1.15.1": "1.15", "1.17.3": "1.17", "1.20.1": "1.17", "1.21.1": "1.21", "1.24.4": "1.21", "1.30.0": "1.21"}
"""Of ONNX Runtime, the oldest that edgepack writes for first; to each the `min_runtime` that its artifacts are for."""


class Missing(Exception):
    """Why a runtime is not here: what is to be installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """A runtime that may be here.

    Attributes:
        open: gives it, or raises `Missing`, or `RuntimeFailed` where it does not start. None: the target's own runner,
            in this process.
        form: of the artifacts that it is asked; see `zoo.Animal`.
    """

    open: Callable[[], AbstractContextManager[Remote | None]]
    form: str = NEWEST


@contextmanager
def node() -> Iterator[Remote]:
    """onnxruntime-node from npm (about 200 MB), in Node.js."""
    folder = _found(lambda: packages(Spec(kind="node", version=NPM_VERSION), within_s=INSTALL_S))
    with _process(_program("node", "Node.js"), str(SERVE / "node.mjs"), str(folder)) as process:
        yield process


@contextmanager
def web() -> Iterator[Remote]:
    """onnxruntime-web from npm (about 100 MB), in a headless Chromium."""
    from browser import executable

    if not (chromium := executable()):
        raise Missing("no Chromium; on Debian: apt install chromium")
    folder = _found(lambda: packages(Spec(kind="web", version=NPM_VERSION), within_s=INSTALL_S))
    with open_page(chromium, folder / "node_modules" / "onnxruntime-web", SERVE) as page:
        yield page


@contextmanager
def version(number: str) -> Iterator[Remote]:
    """A version of ONNX Runtime from PyPI (about 50 MB with numpy), in this version of Python."""
    python = _found(lambda: interpreter(number, within_s=INSTALL_S))
    with _process(str(python), str(SERVE / "serve.py")) as process:
        yield process


@contextmanager
def arm() -> Iterator[Remote]:
    """ONNX Runtime for arm64 under qemu, from Debian and PyPI (about 300 MB)."""
    emulator, folder = _qemu(), cache_folder("runtimes") / f"arm64-{QEMU_VERSION}"
    _found(lambda: cached(folder, lambda new: qemu.unpack_arm64(new, ARM_PACKAGES, within_s=INSTALL_S)))
    with _process(*qemu.on_arm64(emulator, folder, SERVE / "serve.py")) as process:
        yield process


@contextmanager
def old_x86() -> Iterator[Remote]:
    """ONNX Runtime from PyPI on an x86-64 processor without VNNI, under qemu."""
    if platform.machine() not in ("x86_64", "AMD64"):
        raise Missing(f"{platform.machine()}: its Python is not for x86-64; run this on x86-64")
    python = _found(lambda: interpreter(QEMU_VERSION, within_s=INSTALL_S))
    with _process(*qemu.on_old_x86(_qemu(), python, SERVE / "serve.py")) as process:
        process.runtime += f", {qemu.NO_VNNI}"
        yield process


@contextmanager
def android(opened: Callable[[Path], AbstractContextManager[Remote]]) -> Iterator[Remote]:
    """The official Android package from npm, for x86-64, on this machine; with what `make sdk` fetches (300 MB)."""
    from sdk import kotlin

    if reason := kotlin.fetch():
        raise Missing(reason)
    with opened(kotlin.FOLDER) as process:
        yield process


@contextmanager
def apple() -> Iterator[None]:
    """Core ML's framework, which macOS has."""
    if sys.platform != "darwin":
        raise Missing("Apple's framework is on macOS alone; run this on a Mac")
    yield None


def table() -> Mapping[str, Runtime]:
    """Every runtime by the name that the command line takes."""
    versions = {
        f"ort-{number}": Runtime(open=lambda number=number: version(number), form=form)
        for number, form in VERSIONS.items()
    }
    others = {
        "node": node,
        "web": web,
        "arm64": arm,
        "no-vnni": old_x86,
        "android-c": lambda: android(android_c),
        "android-java": lambda: android(android_java),
    }
    mac = {"coreml": Runtime(open=apple, form=COREML)}
    return {**{name: Runtime(open=opener) for name, opener in others.items()}, **versions, **mac}


@contextmanager
def _process(*command: str) -> Iterator[Process]:
    process = Process(command)
    try:
        yield process
    finally:
        process.close()


def _qemu() -> Path:
    if sys.platform != "linux":
        raise Missing("qemu's user mode runs on Linux alone")
    _program("apt-get", "apt (Debian or Ubuntu)")
    folder = cache_folder("runtimes") / "qemu"
    return _found(lambda: cached(folder, lambda new: qemu.unpack_qemu(new, within_s=INSTALL_S)))


def _found(install: Callable[[], Path]) -> Path:
    try:
        return install()
    except (InstallFailed, NotInstalled) as error:
        raise Missing(re.sub(r"https?://[^\s()]+", "the registry", str(error))) from error  # RESULTS.md names no host


def _program(name: str, title: str) -> str:
    if found := shutil.which(name):
        return found
    raise Missing(f"no {title} here; install it so that `{name}` is on the PATH")
