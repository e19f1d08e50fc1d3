"""Signs a bundle: one signature over every file in its folder."""

from __future__ import annotations

from pathlib import Path

from edgepack.bundle.envelope import seal
from edgepack.bundle.files import SIGNATURE, survey, told
from edgepack.bundle.manifest import Manifest
from edgepack.bundle.signers import SigningKey
from edgepack.bundle.statement import statement
from edgepack.errors import SignatureError, UsageError


def sign_bundle(folder: Path, key: SigningKey) -> Path:
    """The path of the `model.sig` written into the bundle; an earlier one is replaced.

    What `verify_bundle` would refuse is not signed in the first place.

    Raises:
        UsageError: no such folder.
        SignatureError: a file that cannot be signed, or a manifest that does not fit the files.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such bundle; give the folder that holds manifest.json")
    files, manifest_bytes = survey(folder)
    manifest = Manifest.from_bytes(manifest_bytes)
    if problems := manifest.mismatches(files):
        raise SignatureError(f"{told(problems)}; export the bundle again")
    path = folder / SIGNATURE
    path.write_bytes(seal(statement(manifest.name, files), key))
    return path
