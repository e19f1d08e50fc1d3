"""`edgepack inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.options import Env, EnvOpt, JsonOpt, PickleOpt, TrackingOpt
from edgepack.cli.show import document, show_bundle


def inspect(
    what: Annotated[str, typer.Argument(metavar="BUNDLE|MODEL", help="A bundle's folder, or a model as for export.")],
    program: Annotated[bool, typer.Option("--program", help="Print the compiled Program of a model.")] = False,
    lowered: Annotated[bool, typer.Option("--lowered", help="With --program: before the passes.")] = False,
    allow_pickle: PickleOpt = False,
    env: EnvOpt = Env.auto,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Show what is in a bundle, or what a model compiles to."""
    if (Path(what) / "manifest.json").is_file():
        from edgepack.bundle.bundle import Bundle

        opened = Bundle.open(what)
        if program:
            what, _ = opened.origin
        elif json:
            console.emit_json(document(opened))
            return
        else:
            show_bundle(opened)
            return
    import tempfile

    from edgepack.compiler import compile_model
    from edgepack.ir import to_text

    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch:
        compiled = compile_model(
            what, Path(scratch), tracking_uri=tracking_uri, allow_pickle=allow_pickle, env=env.value
        )
    text = to_text(compiled.lowered if lowered else compiled.program)
    if json:
        console.emit_json({"name": compiled.source.name, "version": compiled.source.version, "program": text})
    else:
        print(text, end="")
