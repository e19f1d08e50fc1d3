"""`edgepack demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.options import JsonOpt, TargetsOpt
from edgepack.cli.show import document, show_bundle


def demo(
    target: TargetsOpt = ["onnx"],  # noqa: B006  (typer copies it)
    out: Annotated[Path, typer.Option(help="A new folder for MLflow's store, the key and the bundle.")] = Path(
        "edgepack-demo"
    ),
    json: JsonOpt = False,
) -> None:
    """Train, register and export a small model on bundled data."""
    from edgepack.demo import demo as run_demo

    with console.progress(quiet=json) as progress:
        bundle = run_demo(out, targets=tuple(target), on_progress=progress)
    if json:
        console.emit_json({"bundle": str(bundle.path), **document(bundle)})
    else:
        show_bundle(bundle)
