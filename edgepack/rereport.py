"""The report of a bundle that exists, with what has been learnt since it was sealed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.errors import UsageError
from edgepack.recheck import files

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.bundle.keyless.identity import TrustedIdentity
    from edgepack.report import Signature


def rereport(
    path: Path,
    *,
    key: Path | None = None,
    identity: TrustedIdentity | None = None,
    bench: Mapping[str, Any] | None = None,
    previous: Path | None = None,
) -> dict[str, Any]:
    """The report's document; `edgepack.report.to_html` makes the page of it.

    Args:
        key, identity: the signer's public key, or who signed without one, to verify the bundle with.
        bench: what `edgepack bench --out FILE.json` wrote.
        previous: an earlier version's bundle, to compare with.

    Raises:
        SignatureError: the bundle is not what was signed, or its files are not those of the manifest.
        UsageError: no such bundle, no benchmark, or another bundle's.
    """
    from edgepack.bundle.bundle import Bundle
    from edgepack.bundle.files import MANIFEST, measure
    from edgepack.report import figures, read_program
    from edgepack.report.difference import difference

    bundle = Bundle.open(path, key=key, identity=identity)
    timed = bench.get("manifest_sha256") if isinstance(bench, Mapping) else None
    if timed is not None and timed != measure(bundle.path, MANIFEST).sha256:
        raise UsageError(f"{timed}: the manifest of another bundle, which these timings are of; bench this one")
    changes = None if previous is None else difference(Bundle.open(previous), bundle).to_document()
    return figures(
        bundle.manifest,
        signature=_signature(bundle, key, identity),
        program=read_program(bundle.path),
        parts=_parts(bundle),
        bench=bench,
        changes=changes,
    )


def place_of(bundle: Path, out: Path | None) -> Path:
    """Where a report goes: beside the bundle, never into it, whose files are signed as they are.

    Raises:
        UsageError: `out` lies in the bundle.
    """
    place = out or bundle.resolve().parent / f"{bundle.resolve().name}.report.html"
    if place.resolve().is_relative_to(bundle.resolve()):
        raise UsageError(f"{place}: inside the bundle, which is sealed; choose a place beside it")
    return place


def _parts(bundle: Bundle) -> dict[str, Mapping[str, int]]:
    """As `export.parts_of`, of the targets that are installed here."""
    found: dict[str, Mapping[str, int]] = {}
    for name, (target, path) in files(bundle).items():
        if known := getattr(target, "parts", None):
            found[name] = known(path)
    return found


def _signature(bundle: Bundle, key: Path | None, identity: TrustedIdentity | None) -> Signature:
    """What is known of the signature of a bundle that was verified with these, or with nothing."""
    from edgepack.bundle.files import SIGNATURE, read_small
    from edgepack.bundle.keyless.identity import claimed_identity
    from edgepack.bundle.keys import key_id, load_public_key
    from edgepack.report import Signature

    if key is None and identity is None:
        return Signature(state="present" if (bundle.path / SIGNATURE).is_file() else "none")
    if (signer := claimed_identity(read_small(bundle.path, SIGNATURE))) is not None:
        return Signature(state="verified", identity=str(signer))
    return Signature(state="verified", key=None if key is None else key_id(load_public_key(key)))
