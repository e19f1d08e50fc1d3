"""`edgepack verify`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edgepack import console
from edgepack.cli.options import IdentityOpt, IssuerOpt, JsonOpt, TrackingOpt, TrustOpt


def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="A bundle's folder, or its .zip, .tar.gz or .tgz.")],
    key: Annotated[list[Path] | None, typer.Option(help="A trusted public key (PEM); repeat for more.")] = None,
    identity: IdentityOpt = None,
    issuer: IssuerOpt = None,
    trust_config: TrustOpt = None,
    into: Annotated[Path | None, typer.Option(help="Unpack an archive that verifies into this new folder.")] = None,
    min_version: Annotated[int | None, typer.Option(help="Refuse an older version of the model.")] = None,
    expect_name: Annotated[str | None, typer.Option(help="Refuse another model.")] = None,
    revoked: Annotated[
        Path | None, typer.Option(help="Refuse what this file lists: SHA-256 of keys, bundles or files, one a line.")
    ] = None,
    expires: Annotated[
        bool, typer.Option("--expires", help="Refuse a bundle without expiry too; an expired one always is.")
    ] = False,
    at: Annotated[str | None, typer.Option(help="Judge expiry at this date in place of now.")] = None,
    online: Annotated[
        bool,
        typer.Option("--online", help="Ask the registry too: same version, aliases and files as at the export?"),
    ] = False,
    alias: Annotated[
        list[str] | None, typer.Option(help="With --online: an alias that must be on this version; repeat for more.")
    ] = None,
    tracking_uri: TrackingOpt = None,
    json: JsonOpt = False,
) -> None:
    """Check a bundle's signature and every byte of it."""
    from edgepack.bundle.policy import Policy, moment, read_revoked
    from edgepack.bundle.trusted import trusted_signers
    from edgepack.bundle.verify import verify_bundle
    from edgepack.errors import UsageError

    if alias and not online:
        raise UsageError(f"--alias {alias[0]}: only the registry knows where an alias is; add --online")
    policy = Policy(
        min_version=min_version,
        expect_name=expect_name,
        revoked=read_revoked(revoked) if revoked else frozenset(),
        must_expire=expires,
        now_utc=moment(at) if at else None,
    )
    verified = verify_bundle(bundle, trusted_signers(key or (), identity, issuer, trust_config), policy, into=into)
    manifest = verified.manifest
    if online:
        from edgepack.freshness import require_same_online

        require_same_online(into or bundle, verified, aliases=alias or (), tracking_uri=tracking_uri)
    if json:
        console.emit_json(
            {
                "verified": True,
                "name": manifest.name,
                "version": manifest.version,
                "sha256": verified.sha256,
                "signer": verified.signer.key,
                "identity": asdict(verified.signer.identity) if verified.signer.identity else None,
                "expires_utc": manifest.expires_utc,
                "online": online,
            }
        )
        return
    version = "" if manifest.version is None else f" version {manifest.version}"
    until = f", until {manifest.expires_utc}" if manifest.expires_utc else ""
    print(
        f"{bundle}: verified, {manifest.name}{version}, {len(verified.files)} signed files{until}\n"
        f"bundle {verified.sha256}, signed by {verified.signer}"
        + ("\nthe registry still has this version, its aliases and its files" if online else "")
    )
