"""`edgepack verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.options import BundleArg, JsonOpt


def verify(
    bundle: BundleArg,
    key: Annotated[list[Path], typer.Option(help="A trusted public key (PEM); repeat for more.")],
    min_version: Annotated[int | None, typer.Option(help="Refuse an older version of the model.")] = None,
    expect_name: Annotated[str | None, typer.Option(help="Refuse another model.")] = None,
    json: JsonOpt = False,
) -> None:
    """Check a bundle's signature and every byte of it."""
    from edgepack.bundle.keys import load_public_key
    from edgepack.bundle.verify import verify_bundle

    manifest = verify_bundle(
        bundle, [load_public_key(k) for k in key], min_version=min_version, expect_name=expect_name
    )
    if json:
        console.emit_json({"verified": True, "name": manifest.name, "version": manifest.version})
        return
    files = len(manifest.files) + 1
    print(f"{bundle}: verified, {manifest.name} version {manifest.version}, {files} signed files")
