"""Verifies a bundle, strictly: every file is signed, every signed file is there, and nothing can be read two ways."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from edgepack.bundle.envelope import unseal
from edgepack.bundle.files import MANIFEST, SIGNATURE, read_small, survey, told
from edgepack.bundle.manifest import Manifest
from edgepack.bundle.statement import read_statement
from edgepack.errors import SignatureError, UsageError


def verify_bundle(
    folder: Path,
    keys: Sequence[ec.EllipticCurvePublicKey],
    *,
    min_version: int | None = None,
    expect_name: str | None = None,
) -> Manifest:
    """The manifest of a bundle in which every byte is as it was when one of the keys signed it.

    Each file is read and hashed once; the manifest is parsed from the bytes that were hashed.

    Args:
        min_version: the oldest version that is still welcome; guards against an old bundle sent again.
        expect_name: the model's name; guards against another model under the same key.

    Raises:
        SignatureError: the bundle is not what was signed, not signed by these keys, too old or another model. The
            message names the file. Refused are also forms that other verifiers of model.sig let through: git files,
            empty folders, links, keys twice in JSON, loose base64, further signatures, names that leave the folder or
            differ only by case, other `ignore_paths`, a manifest whose digests are not the signed ones.
        UsageError: no such folder, or no key.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such bundle; give the folder that holds {MANIFEST} and {SIGNATURE}")
    if not keys:
        raise UsageError("no key to verify with; give the signer's public key")
    if not os.path.lexists(folder / SIGNATURE):
        raise SignatureError(f"{SIGNATURE}: missing, the bundle is not signed; export it with a signing key")
    name, signed = read_statement(unseal(read_small(folder, SIGNATURE), keys))
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
    if expect_name is not None and manifest.name != expect_name:
        raise SignatureError(f"{MANIFEST}: holds {manifest.name!r}, not {expect_name!r}; get the right bundle")
    if min_version is not None and (manifest.version is None or manifest.version < min_version):
        version = "no version" if manifest.version is None else f"version {manifest.version}"
        raise SignatureError(f"{MANIFEST}: holds {version}, older than {min_version}; get a newer bundle")
    return manifest
