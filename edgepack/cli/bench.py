"""`edgepack bench`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.files import write
from edgepack.cli.options import BundleArg, Env, EnvOpt, JsonOpt, PickleOpt, TrackingOpt


def bench(
    bundle: BundleArg,
    server: Annotated[str | None, typer.Option(help="A running MLflow model server, http://host:port.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Start `mlflow models serve` for the time of the run.")
    ] = False,
    network: Annotated[
        list[str],
        typer.Option(help="Ask the server through a simulated wifi, 5g, lte, 3g or offline too; repeat for more."),
    ] = [],  # noqa: B006  (typer copies it)
    native: Annotated[
        Path | None,
        typer.Option(help="Time ONNX through the C API too; the folder of ONNX Runtime's headers (needs cc)."),
    ] = None,
    instructions: Annotated[
        bool, typer.Option("--instructions", help="Count the instructions of a row there too (needs valgrind).")
    ] = False,
    repeats: Annotated[int, typer.Option(min=1, help="How often each measurement is repeated.")] = 200,
    out: Annotated[Path | None, typer.Option(help="Write the figures here: .json or .md.")] = None,
    allow_pickle: PickleOpt = False,
    env: EnvOpt = Env.auto,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Time each artifact beside scikit-learn and the model server, on the same rows in one run."""
    from json import dumps

    from edgepack.bench import to_markdown, to_table
    from edgepack.bundle.bundle import Bundle
    from edgepack.errors import UsageError
    from edgepack.rebench import rebench

    if out and out.suffix not in (".json", ".md"):
        raise UsageError(f"{out}: suffix {out.suffix!r} is not known; give .json or .md")
    opened = Bundle.open(bundle)
    with console.progress(quiet=json) as progress:
        result = rebench(
            opened,
            server=server,
            serve=serve,
            networks=network,
            native=native,
            instructions=instructions,
            repeats=repeats,
            tracking_uri=tracking_uri,
            allow_pickle=allow_pickle,
            env=env.value,
            on_progress=progress,
        )
    if out:
        write(out, to_markdown(result) if out.suffix == ".md" else dumps(result.to_document(), indent=2))
    if json:
        console.emit_json(result.to_document())
    else:
        console.show(to_table(result))
