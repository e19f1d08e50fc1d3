"""`edgepack predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.files import read, write
from edgepack.cli.options import BundleArg, JsonOpt
from edgepack.cli.show import answers_table


def predict(
    bundle: BundleArg,
    input: Annotated[Path, typer.Option("--input", "-i", help="Rows: CSV, Parquet or JSON.")],
    target: Annotated[str, typer.Option("--target", "-t", help="Which artifact.")] = "onnx",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write CSV here.")] = None,
    json: JsonOpt = False,
) -> None:
    """Answer rows with one artifact of a bundle."""
    from edgepack.bundle.bundle import Bundle

    runner = Bundle.open(bundle).runner(target)
    answers = runner.run(read(input))
    if json:
        console.emit_json({"runtime": runner.runtime, **answers})
        return
    table = answers_table(answers, runner.interface).to_csv(index=False)
    if output:
        write(output, table)
    else:
        print(table, end="")
