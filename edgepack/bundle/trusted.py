"""Whose signatures are welcome, by key or by identity, and whose one of them was."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from edgepack.bundle.keyless.identity import Identity, TrustedIdentity
from edgepack.bundle.keys import load_public_key
from edgepack.errors import UsageError

TrustedSigner = ec.EllipticCurvePublicKey | TrustedIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signed.

    Attributes:
        key: the SHA-256 of the key, as `edgepack keygen` prints it; of a one-time key, if an identity signed.
        identity: who held that one-time key; None for a key that is known by itself.
    """

    key: str
    identity: Identity | None = None

    def __str__(self) -> str:
        return self.key if self.identity is None else f"{self.identity} with the one-time key {self.key}"


def trusted_signers(
    keys: Iterable[Path], identity: str | None = None, issuer: str | None = None, trust: str | None = None
) -> list[TrustedSigner]:
    """The signers that a user names: public keys in PEM, and one identity of a sigstore instance.

    Args:
        identity, issuer: as in `Identity`.
        trust: as in `edgepack.bundle.keyless.trust`; the public instance, if not given.

    Raises:
        UsageError: a key that is none, or an identity without its issuer.
    """
    signers: list[TrustedSigner] = [load_public_key(key) for key in keys]
    if identity and issuer:
        signers.append(TrustedIdentity(identity=Identity(name=identity, issuer=issuer), trust=trust or ""))
    elif identity or issuer or trust is not None:
        gone = "--issuer" if identity else "--identity"
        raise UsageError(f"{gone} is missing; anybody gets a certificate, so say whose, and who vouches for it")
    return signers
