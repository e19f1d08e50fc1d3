"""Draw README's picture, docs/demo.svg: what `export` and `verify` print. This is `make picture`, after `make demo`."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from examples.house_prices.demo import BUNDLE, ROOT, STORE, WORK

MODEL, TARGETS = "models:/house-prices@champion", "--target onnx --target coreml"
COMMANDS = (
    f"edgepack export {MODEL} {TARGETS} --out dist --sign-key {WORK / 'key.pem'} --overwrite",
    f"edgepack verify {BUNDLE} --key {WORK / 'key.pub'}",
)


def main() -> None:
    """Run both commands and write the picture of what they printed."""
    environment = os.environ | {"MLFLOW_TRACKING_URI": STORE, "FORCE_COLOR": "1", "MLFLOW_LOGGING_LEVEL": "WARNING"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    screen = Console(width=140, record=True, file=io.StringIO())
    for command in COMMANDS:
        done = subprocess.run(
            shlex.split(command), cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(done.stderr)
        screen.print(Text(f"$ {command}", "bold"), Text.from_ansi(done.stdout), sep="\n")
    screen.save_svg(str(ROOT / "docs" / "demo.svg"), title="edgepack")


if __name__ == "__main__":
    main()
