"""`edgepack sdk`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.options import BundleArg, JsonOpt, Sdk


def sdk(
    bundle: BundleArg,
    platform: Annotated[
        list[Sdk], typer.Option("--platform", "-p", help="The platform to write a package for; repeat for more.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Where the packages' folders go (default: beside the bundle).")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The signer's public key (PEM), to verify the bundle.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace packages of an earlier run.")] = False,
    json: JsonOpt = False,
) -> None:
    """Write packages for app developers: a typed API over an artifact, with tests that replay the golden rows."""
    from edgepack.bundle.bundle import Bundle
    from edgepack.sdk import generate

    opened = Bundle.open(bundle, key=key)
    places = generate(opened, [p.value for p in platform], bundle.parent if out is None else out, overwrite=overwrite)
    if json:
        console.emit_json({"packages": [str(place) for place in places]})
    else:
        print("\n".join(map(str, places)))
