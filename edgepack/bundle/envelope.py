"""The envelope of a signature: a DSSE envelope in a Sigstore bundle v0.3, in exactly one form.

Every byte counts: the key's name stands twice and must fit, base64 and JSON have one spelling, the signature is strict
DER with the smaller `s` (for ECDSA, `n - s` would verify too). So a file that differs in any byte is refused, although
the signature itself covers the payload only.

Source: DSSE v1.0.2 (https://github.com/secure-systems-lab/dsse), Sigstore bundle v0.3, BIP 62 (low s).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey  # type: ignore[attr-defined]  # no __all__ there

from edgepack.bundle.files import SIGNATURE
from edgepack.bundle.keys import key_id
from edgepack.bundle.signers import RemoteKey, SigningKey
from edgepack.bundle.strict_json import canonical, parse
from edgepack.errors import SignatureError, UsageError

_MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"


def seal(payload: bytes, key: SigningKey) -> bytes:
    """The bytes of a `model.sig` that signs the payload.

    Round trip: `unseal(seal(payload, key), [key.public_key()]) == (payload, key_id(key.public_key()))`.

    Raises:
        UsageError: a key that lives elsewhere cannot be used, or is another than the public key says.
    """
    public, data = _named(key.public_key()), _envelope(payload).pae()
    if isinstance(key, RemoteKey):
        signature = key.sign(data)
        try:
            public.verify_signature(Signature(public.keyid, signature.hex()), data)
        except UnverifiedSignatureError as error:
            raise UsageError(f"{key.uri}: signs with another key than the public one that was given") from error
    else:
        signature = bytes.fromhex(CryptoSigner(key, public).sign(data).signature)
    return _bundle(payload, _low_s(signature, key.public_key().curve), public.keyid)


def unseal(data: bytes, keys: Sequence[ec.EllipticCurvePublicKey]) -> tuple[bytes, str]:
    """The payload of a `model.sig`, once one of the keys has verified it, and that key's name.

    Raises:
        SignatureError: not by one of the keys, or anything but the very bytes that `seal` would write.
    """
    match parse(data, SIGNATURE):
        case {
            "mediaType": media_type,
            "verificationMaterial": {"publicKey": {"hint": str(signer)}},
            "dsseEnvelope": {"payload": str(payload), "payloadType": payload_type, "signatures": list(signatures)},
        }:
            pass
        case _:
            raise _refused("not a Sigstore bundle with a DSSE envelope and a public key")
    if media_type != _MEDIA_TYPE:
        raise _refused(f"the mediaType is {media_type!r:.80}, not {_MEDIA_TYPE}")
    if payload_type != _PAYLOAD_TYPE:
        raise _refused(f"the payloadType is {payload_type!r:.80}, not {_PAYLOAD_TYPE}")
    match signatures:
        case [{"sig": str(text), "keyid": str(name)}]:
            pass
        case _:
            raise _refused(f"it holds {len(signatures)} signatures, not one with sig and keyid")
    by_id = {key_id(key): key for key in keys}
    if signer not in by_id:
        given = " or ".join(name[:16] for name in by_id)
        raise SignatureError(
            f"{SIGNATURE}: signed by key {signer[:16]!r}, not by {given}; give the signer's public key, if you trust it"
        )
    if name != signer:
        raise _refused(f"the keyid is {name[:16]!r}, not the signer's {signer[:16]}")
    signed, signature = _decoded(payload, "payload"), _decoded(text, "sig")
    _check_low_s(signature, by_id[signer].curve)
    try:
        _named(by_id[signer]).verify_signature(Signature(signer, signature.hex()), _envelope(signed).pae())
    except UnverifiedSignatureError as error:
        raise _refused(f"the signature does not fit what it signs, by key {signer[:16]}") from error
    if _bundle(signed, signature, signer) != data:
        raise _refused("not in edgepack's canonical form")
    return signed, signer


def _bundle(payload: bytes, signature: bytes, signer: str) -> bytes:
    envelope = _envelope(payload)
    envelope.signatures[signer] = Signature(signer, signature.hex())
    document: dict[str, Any] = {
        "mediaType": _MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": signer}, "tlogEntries": []},
        "dsseEnvelope": envelope.to_dict(),
    }
    return canonical(document)


def _envelope(payload: bytes) -> Envelope:
    return Envelope(payload, _PAYLOAD_TYPE, {})


def _named(key: ec.EllipticCurvePublicKey) -> SSlibKey:
    return SSlibKey.from_crypto(key, key_id(key))


def _decoded(text: str, field: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused(f"the {field} is not base64 ({error})") from error
    if base64.b64encode(data).decode() != text:
        raise _refused(f"the {field} is not in base64's canonical form")
    return data


def _low_s(signature: bytes, curve: ec.EllipticCurve) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, curve.group_order - s))


def _check_low_s(signature: bytes, curve: ec.EllipticCurve) -> None:
    try:
        strict = _low_s(signature, curve) == signature
    except ValueError:
        strict = False
    if not strict:
        raise _refused("the sig is not strict DER with the smaller s")


def _refused(reason: str) -> SignatureError:
    return SignatureError(f"{SIGNATURE}: {reason}; sign the bundle with edgepack, or get it again")
