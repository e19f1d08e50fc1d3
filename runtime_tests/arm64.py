"""An arm64 Python with ONNX Runtime under qemu's user mode, unpacked into the cache: nothing is installed.

Packages come from wherever this machine's apt takes its own. What it answers is what an arm64 processor's instructions
answer; how long it takes says nothing of a phone.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

DEBIAN = ("python3-minimal", "libpython3-stdlib", "libstdc++6", "libgcc-s1", "libgomp1")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux2014_aarch64")
PROCESSOR = "cortex-a76"
# qemu before 8 gives a guest the host's processor, which ONNX Runtime's detection of arm64 features does not survive
CPUINFO = """processor\t: 0
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x3
CPU part\t: 0xd0b
CPU revision\t: 1
"""


def install(folder: Path, packages: Sequence[str]) -> None:
    """Unpacks qemu, an arm64 Python and arm64 wheels of the packages. Raises `CalledProcessError`, `OSError`."""
    root, state, native = folder / "root", folder / "apt", folder / "native"
    for each in (root, state / "lists/partial", state / "cache/archives/partial", native):
        each.mkdir(parents=True, exist_ok=True)
    (state / "status").touch()
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures::": "arm64",
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "0",
        "Acquire::Languages": "none",
        "Dir::State": state,
        "Dir::State::Lists": state / "lists",
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
    }
    apt = ["apt-get", "-qq", *(word for key, value in options.items() for word in ("-o", f"{key}={value}"))]
    _run([*apt, "update"])
    _run([*apt, "install", "-y", "--download-only", *DEBIAN])
    _run(["apt-get", "-qq", "download", "qemu-user", "qemu-user-static"], cwd=native)
    for archive in (state / "cache/archives").glob("*.deb"):
        _run(["dpkg-deb", "-x", str(archive), str(root)])
    for archive in native.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(archive), str(native)])
    (root / "proc").mkdir(exist_ok=True)
    (root / "proc/cpuinfo").write_text(CPUINFO)
    platforms = [word for name in PLATFORMS for word in ("--platform", name)]
    chosen = ["--python-version", _python(folder).name.removeprefix("python"), "--only-binary", ":all:", *platforms]
    _run([sys.executable, "-m", "pip", "install", "-q", *chosen, "--target", str(folder / "site"), *packages])


def command(folder: Path, script: Path) -> list[str]:
    """What runs a script in the arm64 Python."""
    variables = {"PYTHONPATH": folder / "site", "PYTHONHOME": folder / "root/usr"}
    passed = [word for name, value in variables.items() for word in ("-E", f"{name}={value}")]
    return [
        str(_qemu(folder)),
        "-cpu",
        PROCESSOR,
        "-L",
        str(folder / "root"),
        *passed,
        str(_python(folder)),
        str(script),
    ]


def _qemu(folder: Path) -> Path:
    """The one that needs no libraries: `-static` before Debian 13, where it became the only one."""
    static, only = (folder / "native/usr/bin" / name for name in ("qemu-aarch64-static", "qemu-aarch64"))
    return static if static.is_file() and not static.is_symlink() else only


def _python(folder: Path) -> Path:
    """`root/usr/bin/python3.11`, whichever version this Debian has."""
    return next(path for path in (folder / "root/usr/bin").glob("python3.*") if path.suffix[1:].isdigit())


def _run(words: Sequence[str], cwd: Path | None = None) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(words, cwd=cwd, env=environment, check=True, capture_output=True, text=True)
