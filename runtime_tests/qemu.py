"""Other processors under qemu's user mode, unpacked into the cache: nothing is installed.

Packages come from wherever this machine's apt takes its own. What a foreign processor answers is what its instructions
answer; how long it takes says nothing of a phone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from edgepack.environments import call

DEBIAN = ("python3-minimal", "libpython3-stdlib", "libstdc++6", "libgcc-s1", "libgomp1")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")
ARM64 = "cortex-a76"
NO_VNNI = "Haswell"  # AVX2, as processors had from 2013 until AVX-512 VNNI came
# qemu before 8 gives a guest the host's processor, which ONNX Runtime's detection of arm64 features does not survive
CPUINFO = """processor\t: 0
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0b
CPU revision\t: 1
"""


def unpack_qemu(folder: Path, *, within_s: float) -> None:
    """Unpacks qemu's user mode for every processor. Raises `InstallFailed`."""
    folder.mkdir()
    apt = _apt(folder, _said(["dpkg", "--print-architecture"], folder))
    _said([*apt, "update"], folder, within_s)
    _said([*apt, "download", "qemu-user", "qemu-user-static"], folder, within_s)
    _unpack(folder, folder)


def unpack_arm64(folder: Path, packages: Sequence[str], *, within_s: float) -> None:
    """Unpacks an arm64 Python and arm64 wheels of the packages. Raises `InstallFailed`."""
    folder.mkdir()
    apt = _apt(folder, "arm64")
    _said([*apt, "update"], folder, within_s)
    _said([*apt, "install", "-y", "--download-only", *DEBIAN], folder, within_s)
    root = folder / "root"
    _unpack(folder / "apt/cache/archives", root)
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc/cpuinfo").write_text(CPUINFO)
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    chosen = ["--python-version", _python(folder).name.removeprefix("python"), "--only-binary", ":all:", *platforms]
    pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    _said([*pip, *chosen, "--target", str(folder / "site"), *packages], folder, within_s)


def on_arm64(qemu: Path, folder: Path, script: Path) -> list[str]:
    """What runs a script in the arm64 Python."""
    variables = {"PYTHONPATH": folder / "site", "PYTHONHOME": folder / "root/usr"}
    passed = [word for name, value in variables.items() for word in ("-E", f"{name}={value}")]
    words = [_program(qemu, "aarch64"), "-cpu", ARM64, "-L", folder / "root", *passed, _python(folder), script]
    return [str(word) for word in words]


def on_old_x86(qemu: Path, python: Path, script: Path) -> list[str]:
    """What runs a script in a Python of this machine, on an x86-64 processor without VNNI."""
    return [str(word) for word in (_program(qemu, "x86_64"), "-cpu", NO_VNNI, python, script)]


def _program(qemu: Path, processor: str) -> Path:
    """The one that needs no libraries: `-static` before Debian 13, where it became the only one."""
    static, only = (qemu / "usr/bin" / name for name in (f"qemu-{processor}-static", f"qemu-{processor}"))
    return static if static.is_file() and not static.is_symlink() else only


def _python(folder: Path) -> Path:
    """`root/usr/bin/python3.11`, whichever version this Debian has."""
    return next(path for path in (folder / "root/usr/bin").glob("python3.*") if path.suffix[1:].isdigit())


def _apt(folder: Path, architecture: str) -> list[str]:
    """apt-get with a state of its own, in which no package is installed."""
    state = folder / "apt"
    for each in ("lists/partial", "cache/archives/partial"):
        (state / each).mkdir(parents=True)
    (state / "status").touch()
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures::": architecture,
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "0",
        "Acquire::Languages": "none",
        "Dir::State": state,
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
    }
    return ["apt-get", "-qq", *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]


def _unpack(archives: Path, into: Path) -> None:
    for archive in sorted(archives.glob("*.deb")):
        _said(["dpkg-deb", "-x", str(archive), str(into)], archives)


def _said(words: Sequence[str], where: Path, within_s: float = 60.0) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return call(words, where, environment, within_s=within_s).strip()
