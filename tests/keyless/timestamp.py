"""A timestamp authority: RFC 3161, as far as sigstore asks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SINCE = datetime(2024, 1, 1, tzinfo=UTC)


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """An authority with a root of its own; `chain` holds the signer's certificate first."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]

    @classmethod
    def fresh(cls) -> Authority:
        key, root_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        root = _name("timestamps root")
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
        leaf = (
            _builder(_name("timestamps"), root, key.public_key(), 1)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signs=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(known, critical=False)
            .sign(root_key, hashes.SHA256())
        )
        top = (
            _builder(root, root, root_key.public_key(), 2)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(signs=False), critical=True)
            .add_extension(known, critical=False)
            .sign(root_key, hashes.SHA256())
        )
        return cls(key=key, chain=(leaf, top))

    def stamped(self, data: bytes, at: datetime) -> bytes:
        """The response for some data."""
        return self._response(hashlib.sha256(data).digest(), None, at)

    def answer(self, request: bytes) -> bytes:
        """The response for a request."""
        asked = tsp.TimeStampReq.load(request)
        nonce = asked["nonce"].native
        now = datetime.now(UTC).replace(microsecond=0)
        return self._response(asked["message_imprint"]["hashed_message"].native, nonce, now)

    def _response(self, digest: bytes, nonce: int | None, at: datetime) -> bytes:
        sha256 = {"algorithm": "sha256"}
        imprint = {"hash_algorithm": sha256, "hashed_message": digest}
        info: dict[str, Any] = {
            "version": "v1",
            "policy": "1.3.6.1.4.1.57264.2",
            "message_imprint": imprint,
            "serial_number": 7,
            "gen_time": at,
        }
        content = tsp.TSTInfo({**info, "nonce": nonce} if nonce is not None else info).dump()
        der = self.chain[0].public_bytes(Encoding.DER)
        own = asn1_x509.Certificate.load(der)
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [hashlib.sha256(content).digest()]},
                {
                    "type": "signing_certificate_v2",
                    "values": [tsp.SigningCertificateV2({"certs": [{"cert_hash": hashlib.sha256(der).digest()}]})],
                },
            ]
        )
        signer = {
            "version": "v1",
            "sid": {"issuer_and_serial_number": {"issuer": own.issuer, "serial_number": own.serial_number}},
            "digest_algorithm": sha256,
            "signed_attrs": attributes,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": "sha256_ecdsa"}),
            "signature": self.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
        }
        signed = {
            "version": "v3",
            "digest_algorithms": [sha256],
            "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(content)},
            "certificates": [cms.CertificateChoices("certificate", own)],
            "signer_infos": [signer],
        }
        token = cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed)})
        return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, number: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(number)
        .not_valid_before(SINCE)
        .not_valid_after(SINCE + timedelta(days=3650))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def key_usage(*, signs: bool) -> x509.KeyUsage:
    """Of a key that signs data, or that signs certificates."""
    return x509.KeyUsage(
        digital_signature=signs,
        key_cert_sign=not signs,
        crl_sign=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
