"""Which processor a verdict was measured on: quantized sums may differ where an instruction is missing."""

from __future__ import annotations

import platform
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from edgepack.contract import Machine

ARCHITECTURES: Mapping[str, str] = MappingProxyType(
    {"x86_64": "x86_64", "amd64": "x86_64", "x64": "x86_64", "aarch64": "arm64", "arm64": "arm64", "wasm": "wasm"}
)
"""What a runtime or a system calls each, and what it is called here."""

INSTRUCTIONS = (
    *("avx2", "fma", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni", "amx_int8"),
    *("asimd", "asimddp", "i8mm", "sve", "bf16"),
)
"""Those that ONNX Runtime's products choose by, by the names of Linux: x86_64's, then arm64's."""

CPUINFO = Path("/proc/cpuinfo")


def machine_of(runtime: str) -> Machine:
    """The machine that a runtime of this name ran on: another one than this where it names another architecture."""
    here = this_machine()
    named = [ARCHITECTURES[word] for word in re.findall(r"\w+", runtime.lower()) if word in ARCHITECTURES]
    return here if not named or named[0] == here.architecture else Machine(architecture=named[0])


@cache
def this_machine() -> Machine:
    """What the operating system says; no instructions where it does not say them."""
    name = platform.machine().lower()
    try:
        told = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        told = ""
    return Machine(architecture=ARCHITECTURES.get(name, name), instructions=instructions_in(told))


def instructions_in(cpuinfo: str) -> tuple[str, ...]:
    """Those of `INSTRUCTIONS` that the first processor of a `/proc/cpuinfo` has."""
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, re.MULTILINE)
    has = set(found[1].split()) if found else set()
    return tuple(name for name in INSTRUCTIONS if name in has)
