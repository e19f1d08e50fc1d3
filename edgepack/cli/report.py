"""`edgepack report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgepack import console
from edgepack.cli.files import read_document, write
from edgepack.cli.options import BundleArg, IdentityOpt, IssuerOpt, JsonOpt, TrustOpt


def report(
    bundle: BundleArg,
    out: Annotated[Path | None, typer.Option(help="The page (default: BUNDLE.report.html beside the bundle).")] = None,
    bench: Annotated[Path | None, typer.Option(help="Show these timings: what `bench --out FILE.json` wrote.")] = None,
    previous: Annotated[Path | None, typer.Option(help="Compare with this earlier bundle.")] = None,
    key: Annotated[Path | None, typer.Option(help="The signer's public key (PEM), to verify the bundle.")] = None,
    identity: IdentityOpt = None,
    issuer: IssuerOpt = None,
    trust_config: TrustOpt = None,
    json: JsonOpt = False,
) -> None:
    """Write a bundle's figures as one HTML page that needs no network."""
    from edgepack.bundle.trusted import trusted_identity
    from edgepack.report import to_html
    from edgepack.rereport import place_of, rereport

    place = place_of(bundle, out)
    timed: Any = None if bench is None else read_document(bench)
    named = trusted_identity(identity, issuer, trust_config)
    document = rereport(bundle, key=key, identity=named, bench=timed, previous=previous)
    write(place, to_html(document))
    if json:
        console.emit_json(document)
    else:
        print(f"{place}: report of {bundle}")
