"""README's reference is what `--help` prints. `python tests/test_readme.py` writes it anew."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
COMMANDS = (
    "",
    "export",
    "verify",
    "parity",
    "bench",
    "report",
    "diff",
    "predict",
    "inspect",
    "check",
    "targets",
    "keygen",
    "demo",
)
MARKED = re.compile(r"<!-- reference -->\n.*?<!-- end of reference -->", re.DOTALL)


def reference() -> str:
    """Every command's help, as a terminal of 100 columns shows it."""
    blocks = []
    for command in COMMANDS:
        words = [*command.split(), "--help"]
        script = f"import sys; sys.argv = ['edgepack', *{words!r}]; from edgepack.cli import main; main()"
        environment = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        text = "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())
        blocks.append(f"```text\n$ edgepack {' '.join(words)}\n{text}\n```")
    body = "\n\n".join(blocks)
    summary = "<details><summary>Every command's help</summary>"
    return f"<!-- reference -->\n{summary}\n\n{body}\n\n</details>\n<!-- end of reference -->"


def test_the_reference_is_what_help_prints() -> None:
    found = MARKED.search(README.read_text(encoding="utf-8"))
    assert found, "README.md has no reference"
    assert found[0] == reference(), "run: python tests/test_readme.py"


def test_every_make_target_that_the_readme_names_exists() -> None:
    makefile = (README.parent / "Makefile").read_text()
    named = set(re.findall(r"(?m)(?:`|^)make ([a-z]+)", README.read_text(encoding="utf-8")))
    assert named
    assert not {name for name in named if f"\n{name}:" not in makefile}


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    README.write_text(MARKED.sub(lambda _: reference(), text), encoding="utf-8")
