"""`edgepack keygen`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.options import JsonOpt


def keygen(
    out: Annotated[Path, typer.Option(help="Where the private key goes; the public key is written beside it.")],
    password: Annotated[
        str | None, typer.Option(envvar="EDGEPACK_SIGN_PASSWORD", help="Encrypt the private key with this.")
    ] = None,
    json: JsonOpt = False,
) -> None:
    """Make a signing key: ECDSA P-256, key.pem (keep it secret) and key.pub (hand it out)."""
    from edgepack.bundle.keys import generate_key, key_id, load_public_key

    private, public = generate_key(out, password)
    name = key_id(load_public_key(public))
    if json:
        console.emit_json({"private": str(private), "public": str(public), "sha256": name})
    else:
        print(f"{private}: private key, keep it secret")
        print(f"{public}: public key, for `edgepack verify --key`")
        print(f"{name}: its name in signatures and revocation lists")
