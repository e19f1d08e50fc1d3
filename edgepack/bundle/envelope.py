"""The envelope of a signature: a DSSE envelope in a Sigstore bundle v0.3, in exactly one form.

Every byte counts: the key's name stands twice and must fit, base64 and JSON have one spelling, the signature is strict
DER with the smaller `s` (for ECDSA, `n - s` would verify too). So a file that differs in any byte is refused, although
the signature itself covers the payload only. An identity's signature has a form of its own: `keyless.form`.

Source: DSSE v1.0.2 (https://github.com/secure-systems-lab/dsse), Sigstore bundle v0.3, BIP 62 (low s).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import CryptoSigner, Signature, SSlibKey  # type: ignore[attr-defined]  # no __all__ there

from edgepack.bundle.files import SIGNATURE
from edgepack.bundle.keyless.identity import TrustedIdentity, claimed_identity
from edgepack.bundle.keyless.sign import Keyless
from edgepack.bundle.keys import key_id
from edgepack.bundle.signature import MEDIA_TYPE, PAYLOAD_TYPE, decoded, refused
from edgepack.bundle.signers import RemoteKey, SigningKey
from edgepack.bundle.strict_json import canonical, parse
from edgepack.bundle.trusted import Signer, TrustedSigner
from edgepack.errors import SignatureError, UsageError


def seal(payload: bytes, key: SigningKey) -> bytes:
    """The bytes of a `model.sig` that signs the payload.

    Round trip: `unseal(seal(payload, key), [key.public_key()]) == (payload, Signer(key=key_id(key.public_key())))`.

    Raises:
        UsageError: a key that lives elsewhere cannot be used, or is another than the public key says.
        SignatureError: what a sigstore instance gave does not verify.
    """
    if isinstance(key, Keyless):
        sealed = key.seal(payload)
        unseal(sealed, [signer_of(sealed, key)])
        return sealed
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


def unseal(data: bytes, trusted: Sequence[TrustedSigner]) -> tuple[bytes, Signer]:
    """The payload of a `model.sig`, once it is known that one of these signed it, and who it was.

    Raises:
        SignatureError: not by one of them, or anything but the very bytes that `seal` would write.
        UsageError: the keys that an identity's signature is verified with cannot be had.
    """
    keys = [one for one in trusted if isinstance(one, ec.EllipticCurvePublicKey)]
    identities = [one for one in trusted if isinstance(one, TrustedIdentity)]
    match document := parse(data, SIGNATURE):
        case {"verificationMaterial": {"certificate": _}}:
            from edgepack.bundle.keyless.verify import unseal_keyless

            verified, one_time_key, identity = unseal_keyless(document, data, identities)
            return verified, Signer(key=one_time_key, identity=identity)
        case {
            "mediaType": media_type,
            "verificationMaterial": {"publicKey": {"hint": str(signer)}},
            "dsseEnvelope": {"payload": str(payload), "payloadType": payload_type, "signatures": list(signatures)},
        }:
            pass
        case _:
            raise refused("not a Sigstore bundle with a DSSE envelope and a public key")
    if media_type != MEDIA_TYPE:
        raise refused(f"the mediaType is {media_type!r:.80}, not {MEDIA_TYPE}")
    if payload_type != PAYLOAD_TYPE:
        raise refused(f"the payloadType is {payload_type!r:.80}, not {PAYLOAD_TYPE}")
    match signatures:
        case [{"sig": str(text), "keyid": str(name)}]:
            pass
        case _:
            raise refused(f"it holds {len(signatures)} signatures, not one with sig and keyid")
    by_id = {key_id(key): key for key in keys}
    if signer not in by_id:
        given = " or ".join([*(name[:16] for name in by_id), *(str(one.identity) for one in identities)])
        raise SignatureError(
            f"{SIGNATURE}: signed by key {signer[:16]!r}, not by {given}; give the signer's public key, if you trust it"
        )
    if name != signer:
        raise refused(f"the keyid is {name[:16]!r}, not the signer's {signer[:16]}")
    signed, signature = decoded(payload, "payload"), decoded(text, "sig")
    _check_low_s(signature, by_id[signer].curve)
    try:
        _named(by_id[signer]).verify_signature(Signature(signer, signature.hex()), _envelope(signed).pae())
    except UnverifiedSignatureError as error:
        raise refused(f"the signature does not fit what it signs, by key {signer[:16]}") from error
    if _bundle(signed, signature, signer) != data:
        raise refused("not in edgepack's canonical form")
    return signed, Signer(key=signer)


def signer_of(sealed: bytes, key: SigningKey) -> TrustedSigner:
    """Whom to trust for what a key has sealed here: the public key, or the identity that was certified for it."""
    if not isinstance(key, Keyless):
        return key.public_key()
    if (identity := claimed_identity(sealed)) is None:
        raise refused("it holds no certificate")
    return TrustedIdentity(identity=identity, trust=key.instance)


def _bundle(payload: bytes, signature: bytes, signer: str) -> bytes:
    envelope = _envelope(payload)
    envelope.signatures[signer] = Signature(signer, signature.hex())
    document: dict[str, Any] = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": signer}, "tlogEntries": []},
        "dsseEnvelope": envelope.to_dict(),
    }
    return canonical(document)


def _envelope(payload: bytes) -> Envelope:
    return Envelope(payload, PAYLOAD_TYPE, {})


def _named(key: ec.EllipticCurvePublicKey) -> SSlibKey:
    return SSlibKey.from_crypto(key, key_id(key))


def _low_s(signature: bytes, curve: ec.EllipticCurve) -> bytes:
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, curve.group_order - s))


def _check_low_s(signature: bytes, curve: ec.EllipticCurve) -> None:
    try:
        strict = _low_s(signature, curve) == signature
    except ValueError:
        strict = False
    if not strict:
        raise refused("the sig is not strict DER with the smaller s")
