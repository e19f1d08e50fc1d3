"""Signing keys: ECDSA on the NIST curves, which phones verify without a library."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edgepack.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


def generate_key(out: Path, password: str | None = None) -> tuple[Path, Path]:
    """The paths of a new P-256 key: private (PKCS#8 PEM, readable by its owner only) and public (`.pub` beside it).

    Raises:
        UsageError: a file is there already, the folder is not, or `out` is named like a public key.
    """
    public_path = out.with_suffix(".pub")
    if out == public_path:
        raise UsageError(f"{out}: named like a public key; name the private key, key.pem for example")
    if not out.parent.is_dir():
        raise UsageError(f"{out.parent}: no such folder; create it first")
    for path in (out, public_path):
        if os.path.lexists(path):
            raise UsageError(f"{path}: exists, and keys are never overwritten; choose another name or move it away")
    key = ec.generate_private_key(ec.SECP256R1())
    private_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption(),
    )
    _create(out, private_pem, 0o600)
    _create(public_path, public_pem(key.public_key()), 0o644)
    return out, public_path


def load_private_key(path: Path, password: str | None = None) -> ec.EllipticCurvePrivateKey:
    """The private key in a PEM file.

    Raises:
        UsageError: unreadable, no private key, on no curve of use here, or the password does not fit.
    """
    return parse_private_key(_read(path), str(path), password)


def parse_private_key(pem: bytes, path: str, password: str | None = None) -> ec.EllipticCurvePrivateKey:
    """The private key in a PEM text; `path` names it in an error. Raises as `load_private_key` does."""
    try:
        key: PrivateKeyTypes = serialization.load_pem_private_key(pem, password.encode() if password else None)
    except TypeError as error:  # cryptography tells a missing and a needless password this way
        remedy = "it has none; leave the password out" if password else "it needs one; give the password"
        raise UsageError(f"{path}: the password does not fit: {remedy}") from error
    except (ValueError, UnsupportedAlgorithm) as error:  # the latter for a curve that OpenSSL does not know
        if password and b"ENCRYPTED" in pem:
            raise UsageError(f"{path}: the password does not open it; give the right one") from error
        remedy = "give the private one" if b"PUBLIC KEY" in pem else "make one with `edgepack keygen`"
        raise UsageError(f"{path}: not a private key in PEM; {remedy}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, _CURVES):
        raise UsageError(f"{path}: not ECDSA on P-256, P-384 or P-521; make one with `edgepack keygen`")
    return key


def load_public_key(path: Path) -> ec.EllipticCurvePublicKey:
    """The public key in a PEM file.

    Raises:
        UsageError: unreadable, no public key, or on no curve of use here.
    """
    pem = _read(path)
    try:
        key: PublicKeyTypes = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        remedy = "give the .pub beside it" if b"PRIVATE KEY" in pem else "give the .pub that `edgepack keygen` wrote"
        raise UsageError(f"{path}: not a public key in PEM; {remedy}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
        raise UsageError(f"{path}: not ECDSA on P-256, P-384 or P-521; make one with `edgepack keygen`")
    return key


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """The name of a key inside a signature: SHA-256 over its PEM text, as model_signing writes and checks it."""
    return hashlib.sha256(public_pem(key)).hexdigest()


def public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    """The key as PEM (SubjectPublicKeyInfo)."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _create(path: Path, data: bytes, mode: int) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); give a key file in PEM") from error
