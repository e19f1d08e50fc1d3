"""Verifies a bundle, strictly: every file is signed, every signed file is there, and nothing can be read two ways."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgepack.bundle.archive import unpacked
from edgepack.bundle.envelope import unseal
from edgepack.bundle.files import MANIFEST, SIGNATURE, read_small, survey, told
from edgepack.bundle.manifest import Manifest
from edgepack.bundle.policy import Policy
from edgepack.bundle.statement import read_statement, root_sha256
from edgepack.bundle.trusted import Signer, TrustedSigner
from edgepack.errors import SignatureError, UsageError

_ANYTHING_GOES = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What verification has established.

    Attributes:
        sha256: the bundle's own digest: over the digests of all its files.
        signer: who signed it.
        files: the digest of every signed file, by name.
    """

    manifest: Manifest
    sha256: str
    signer: Signer
    files: dict[str, str]


def verify_bundle(
    bundle: Path,
    trusted: Sequence[TrustedSigner],
    policy: Policy = _ANYTHING_GOES,
    *,
    into: Path | None = None,
) -> Verified:
    """What is so about a bundle in which every byte is as it was when one of these signed it.

    Each file is read and hashed once, in constant memory; the manifest is parsed from the bytes that were hashed.

    Args:
        bundle: a folder, or an archive of one.
        policy: what else is asked for.
        into: for an archive, the fresh folder that the bundle is left in once it has been verified; nowhere if None.

    Raises:
        SignatureError: the bundle is not what was signed, not signed by these, or not welcome. The message names
            the file. Refused are also forms that other verifiers of model.sig let through: git files, empty folders,
            links, keys twice in JSON, loose base64, further signatures, names that leave the folder or differ only by
            case, other `ignore_paths`, a manifest whose digests are not the signed ones.
        UsageError: no such bundle, or nobody to trust.
    """
    if not trusted:
        raise UsageError("no key to verify with; give --key PUBLIC.pem, or --identity and --issuer")
    if not bundle.is_file():
        if into is not None:
            raise UsageError(f"{bundle}: no archive, so there is nothing to unpack; leave out --into")
        return _verify_folder(bundle, trusted, policy)
    if into is not None:
        with unpacked(bundle, into) as folder:
            return _verify_folder(folder, trusted, policy)
    with tempfile.TemporaryDirectory(prefix="edgepack-") as scratch, unpacked(bundle, Path(scratch) / "b") as folder:
        return _verify_folder(folder, trusted, policy)


def _verify_folder(folder: Path, trusted: Sequence[TrustedSigner], policy: Policy) -> Verified:
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such bundle; give the folder that holds {MANIFEST} and {SIGNATURE}")
    if not os.path.lexists(folder / SIGNATURE):
        raise SignatureError(f"{SIGNATURE}: missing, the bundle is not signed; export it with a signing key")
    payload, signer = unseal(read_small(folder, SIGNATURE), trusted)
    policy.check_signer(signer.key)
    name, signed = read_statement(payload)
    found, manifest_bytes = survey(folder, signed)
    if changed := [
        f"{path}: changed since it was signed" for path, sha256 in signed.items() if found.get(path) != sha256
    ]:
        raise SignatureError(f"{told(changed)}; get the bundle again")
    manifest = Manifest.from_bytes(manifest_bytes)
    if problems := manifest.mismatches(signed):
        raise SignatureError(f"{told(problems)}; export the bundle again")
    if name != manifest.name:
        raise SignatureError(f"{MANIFEST}: holds {manifest.name!r}, but {name!r} was signed; export the bundle again")
    sha256 = root_sha256(signed)
    policy.check_bundle(manifest, sha256, signed)
    return Verified(manifest=manifest, sha256=sha256, signer=signer, files=signed)
