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
    """The signers that a user names: public keys in PEM, and an identity as `trusted_identity` takes it.

    Raises:
        UsageError: a key that is none, or an identity without its issuer.
    """
    named = trusted_identity(identity, issuer, trust)
    return [*(load_public_key(key) for key in keys), *([named] if named else [])]


def trusted_identity(name: str | None, issuer: str | None, trust: str | None = None) -> TrustedIdentity | None:
    """The identity that a user names; None if none is.

    Args:
        trust: the sigstore instance, as in `edgepack.bundle.keyless.trust`; the public one, if not given.

    Raises:
        UsageError: half of an identity: anybody gets a certificate.
    """
    if name and issuer:
        return TrustedIdentity(identity=Identity(name=name, issuer=issuer), trust=trust or "")
    if name or issuer or trust is not None:
        gone = "--issuer" if name else "--identity"
        raise UsageError(f"{gone} is missing; anybody gets a certificate, so say whose, and who vouches for it")
    return None
