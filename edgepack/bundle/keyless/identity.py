"""Who signs without a key: a name, and the OpenID Connect issuer that vouches for it, as Fulcio certifies both.

Source: Fulcio's certificate specification and OID registry (https://github.com/sigstore/fulcio, docs/).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec

from edgepack.bundle.files import SIGNATURE
from edgepack.bundle.signature import decoded, reason_of, refused
from edgepack.bundle.strict_json import parse

_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signed, as a certificate says it.

    Attributes:
        name: an e-mail address, or a URI such as that of a workflow at one commit.
        issuer: the URL of the service that saw who it was.
    """

    name: str
    issuer: str

    def __str__(self) -> str:
        return f"{self.name} ({self.issuer})"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIdentity:
    """An identity whose signatures are welcome.

    Attributes:
        trust: where the keys of the sigstore instance are found, as `edgepack.bundle.keyless.trust` reads it.
    """

    identity: Identity
    trust: str = ""


def certified(der: bytes) -> tuple[ec.EllipticCurvePublicKey, Identity]:
    """The key that a certificate is of, and whom it names; whether it is to be believed, `unseal_keyless` finds out.

    Raises:
        SignatureError: it cannot be read, is not of an ECDSA key, or does not name one identity and its issuer.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        issuer: Any = certificate.extensions.get_extension_for_oid(_ISSUER).value
        vouching = asn1.decode_der(str, issuer.value)
    except Exception as error:  # the parser's exceptions have nothing in common
        raise refused(
            f"the certificate cannot be read, or names no identity and issuer ({reason_of(error)})"
        ) from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise refused("the certificate is not of an ECDSA key")
    match names:
        case [x509.RFC822Name() | x509.UniformResourceIdentifier() as name] if (name.value + vouching).isprintable():
            return key, Identity(name=name.value, issuer=vouching)
    raise refused("the certificate does not name exactly one e-mail address or URI, and its issuer")


def claimed_identity(data: bytes) -> Identity | None:
    """Who a signature file says signed it, which anybody may have written; None for a key's signature.

    Raises:
        SignatureError: it cannot be read.
    """
    match parse(data, SIGNATURE):
        case {"verificationMaterial": {"certificate": {"rawBytes": str(text)}}}:
            return certified(decoded(text, "certificate"))[1]
    return None
