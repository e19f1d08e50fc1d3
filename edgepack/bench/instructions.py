"""Instructions that an artifact takes per row: the same on every run, so that a gate can hold a change to them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from edgepack.errors import EdgepackError

CALLS = 64
TIMEOUT_S = 900
COUNTED = "counted_call"
"""The function of native.c around the calls that a line asks for; loading and the first call are outside it."""


def instructions_per_row(words: Sequence[str | Path]) -> float:
    """By callgrind, over `CALLS` single rows: what this processor's instruction set takes, with none of the waiting.

    The last digits depend on the runtime's version and on which kernels it picks for the processor that valgrind shows
    it, so a count compares with one of the same machine and runtime. Source: valgrind's manual, chapter 6.

    Args:
        words: the compiled `native.c` and its arguments.

    Raises:
        EdgepackError: valgrind is not there, or does not run it; the message is the reason.
    """
    if not (valgrind := shutil.which("valgrind")):
        raise EdgepackError("valgrind: not on the PATH; install it (Debian: apt install valgrind)")
    with tempfile.TemporaryDirectory(prefix="edgepack-callgrind-") as folder:
        out = Path(folder) / "out"
        options = [f"--callgrind-out-file={out}", f"--toggle-collect={COUNTED}", "--error-exitcode=0"]
        command = [valgrind, "--tool=callgrind", *options, *words]
        try:
            done = subprocess.run(
                command, input=f"0 1 {CALLS}\n", capture_output=True, text=True, check=False, timeout=TIMEOUT_S
            )
        except subprocess.TimeoutExpired as error:
            raise EdgepackError(
                f"valgrind: took more than {TIMEOUT_S} s; use --native without --instructions"
            ) from error
        lines = out.read_text(encoding="utf-8") if out.is_file() else ""
    found = re.search(r"^(?:totals|summary): (\d+)", lines, re.MULTILINE)
    if done.returncode or not found or not int(found[1]):
        said = (done.stderr.strip().splitlines() or ["saying nothing"])[-1]
        raise EdgepackError(f"valgrind: counted nothing ({said[:200]}); use a valgrind for this processor")
    return int(found[1]) / CALLS
