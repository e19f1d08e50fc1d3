"""Fulcio, its certificate log, Rekor and the trust root that names their keys; a caller may spoil what they sign.

Source: Fulcio's certificate specification, RFC 6962, Rekor's `dsse` 0.0.1, C2SP signed-note, Sigstore bundle v0.3.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from keyless.merkle import path_of, root_of
from keyless.timestamp import Authority, key_usage

IDENTITY = "https://github.com/acme/models/.github/workflows/export.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
LOG = "rekor.test"
SHARD = 1_000_000  # where this log's first entry stands among those of all shards
OLD_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
NEW_ISSUER = x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
SCT_LIST = x509.ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def canonical(document: Any) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def log_id(key: ec.EllipticCurvePrivateKey) -> bytes:
    return hashlib.sha256(spki(key)).digest()


def signed(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    return key.sign(data, ec.ECDSA(hashes.SHA256()))


def pae(payload: bytes) -> bytes:
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance's keys, and the leaves of its log so far."""

    root_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    authority_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    ct_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    clock: Authority = field(default_factory=Authority.fresh)
    leaves: list[bytes] = field(default_factory=lambda: [f"entry {k}".encode() for k in range(5)])
    since: datetime = datetime(2024, 1, 1, tzinfo=UTC)

    def root(self) -> x509.Certificate:
        return self._authority("root", "root", self.root_key, self.root_key)

    def authority(self) -> x509.Certificate:
        return self._authority("intermediate", "root", self.authority_key, self.root_key)

    def certificate(
        self,
        key: ec.EllipticCurvePublicKey,
        *,
        at: datetime,
        names: tuple[x509.GeneralName, ...] = (x509.UniformResourceIdentifier(IDENTITY),),
        issuer: str | None = ISSUER,
        ct_key: ec.EllipticCurvePrivateKey | None = None,
        has_sct: bool = True,
        usage: x509.ObjectIdentifier = ExtendedKeyUsageOID.CODE_SIGNING,
    ) -> x509.Certificate:
        """A leaf for ten minutes, with a timestamp of the certificate log in it."""
        builder = (
            self._builder(x509.Name([]), "intermediate", key, at, at + timedelta(minutes=10))
            .add_extension(key_usage(signs=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.authority_key.public_key()), critical=False
            )
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
        )
        if issuer is not None:
            text = issuer.encode()
            der = bytes([0x0C, len(text)]) + text
            builder = builder.add_extension(x509.UnrecognizedExtension(OLD_ISSUER, text), critical=False)
            builder = builder.add_extension(x509.UnrecognizedExtension(NEW_ISSUER, der), critical=False)
        if not has_sct:
            return builder.sign(self.authority_key, hashes.SHA256())
        before = builder.sign(self.authority_key, hashes.SHA256()).tbs_certificate_bytes
        sct = _sct(ct_key or self.ct_key, hashlib.sha256(spki(self.authority_key)).digest(), before, at)
        der = b"\x04" + bytes([len(sct)] if len(sct) < 0x80 else [0x81, len(sct)]) + sct
        builder = builder.add_extension(x509.UnrecognizedExtension(SCT_LIST, der), critical=False)
        return builder.sign(self.authority_key, hashes.SHA256())

    def logged_v2(self, certificate: x509.Certificate, digest: bytes, signature: bytes) -> dict[str, Any]:
        """Rekor v2's entry, for the digest of what was signed: without a time, and without a promise."""
        verifier = {
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "x509Certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))},
        }
        data = {"algorithm": "SHA2_256", "digest": b64(digest)}
        said = {"data": data, "signature": {"content": b64(signature), "verifier": verifier}}
        body = {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": said}}
        index = self._taken_in(canonical(body))
        return {
            "logIndex": str(index),
            "logId": {"keyId": b64(log_id(self.log_key))},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "inclusionProof": self.proof(index, origin=LOG),
            "canonicalizedBody": b64(self.leaves[index]),
        }

    def logged(self, certificate: x509.Certificate, payload: bytes, signature: bytes, at: datetime) -> dict[str, Any]:
        """Rekor's entry for a signature, as a bundle holds it."""
        digest = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
        verifier = b64(certificate.public_bytes(Encoding.PEM))
        body = canonical(
            {
                "apiVersion": "0.0.1",
                "kind": "dsse",
                "spec": {
                    "envelopeHash": digest,  # of an envelope that nobody else can rebuild: no verifier looks at it
                    "payloadHash": digest,
                    "signatures": [{"signature": b64(signature), "verifier": verifier}],
                },
            }
        )
        return self.entry(self._taken_in(body), at)

    def entry(self, index: int, at: datetime) -> dict[str, Any]:
        body, time = self.leaves[index], int(at.timestamp())
        promised = {"body": b64(body), "integratedTime": time, "logID": log_id(self.log_key).hex()}
        return {
            "logIndex": str(SHARD + index),
            "logId": {"keyId": b64(log_id(self.log_key))},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": str(time),
            "inclusionPromise": {
                "signedEntryTimestamp": b64(signed(self.log_key, canonical({**promised, "logIndex": SHARD + index})))
            },
            "inclusionProof": self.proof(index),
            "canonicalizedBody": b64(body),
        }

    def proof(self, index: int, **checkpoint: Any) -> dict[str, Any]:
        """That a leaf is in the tree as it is now."""
        return {
            "logIndex": str(index),
            "treeSize": str(len(self.leaves)),
            "rootHash": b64(root_of(self.leaves)),
            "hashes": [b64(node) for node in path_of(index, self.leaves)],
            "checkpoint": {"envelope": self.checkpoint(len(self.leaves), root_of(self.leaves), **checkpoint)},
        }

    def checkpoint(self, size: int, root: bytes, *, origin: str = f"{LOG} - 42", name: str = LOG) -> str:
        note = f"{origin}\n{size}\n{b64(root)}\n"
        return f"{note}\n— {name} {b64(log_id(self.log_key)[:4] + signed(self.log_key, note.encode()))}\n"

    def bundle(
        self,
        payload: bytes,
        *,
        at: datetime | None = None,
        certified: datetime | None = None,
        key: ec.EllipticCurvePrivateKey | None = None,
        rekor: int = 1,
        **certificate: Any,
    ) -> dict[str, Any]:
        """A keyless signature over a payload, made without sigstore's client.

        Args:
            at: when the log takes it in, or with Rekor v2 the timestamp is of.
            certified: when the certificate begins, if not at the same time.
            key: another one than the certificate's, to sign with.
        """
        at = at or datetime.now(UTC).replace(microsecond=0)
        own = new_key()
        leaf = self.certificate(own.public_key(), at=certified or at, **certificate)
        signature = signed(key or own, pae(payload))
        material: dict[str, Any] = {"certificate": {"rawBytes": b64(leaf.public_bytes(Encoding.DER))}}
        if rekor == 1:
            material["tlogEntries"] = [self.logged(leaf, payload, signature, at)]
        else:
            material["tlogEntries"] = [self.logged_v2(leaf, hashlib.sha256(pae(payload)).digest(), signature)]
            stamps = [{"signedTimestamp": b64(self.clock.stamped(signature, at))}]
            material["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": material,
            "dsseEnvelope": {
                "payload": b64(payload),
                "payloadType": PAYLOAD_TYPE,
                "signatures": [{"sig": b64(signature)}],
            },
        }

    def trusted_root(self) -> dict[str, Any]:
        """What a verifier is given: `trusted_root.json`."""

        def log(url: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
            return {
                "baseUrl": url,
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": b64(spki(key)),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": {"start": moment(self.since)},
                },
                "logId": {"keyId": b64(log_id(key))},
            }

        def authority(url: str, chain: Sequence[x509.Certificate]) -> dict[str, Any]:
            return {
                "subject": {"organization": "sigstore.test", "commonName": "root"},
                "uri": url,
                "certChain": {"certificates": [{"rawBytes": b64(c.public_bytes(Encoding.DER))} for c in chain]},
                "validFor": {"start": moment(self.since)},
            }

        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [log(f"https://{LOG}", self.log_key)],
            "certificateAuthorities": [authority("https://fulcio.test", [self.authority(), self.root()])],
            "ctlogs": [log("https://ct.test", self.ct_key)],
            "timestampAuthorities": [authority("https://clock.test", self.clock.chain)],
        }

    def trust_config(self, url: str = "https://nowhere.test", *, rekor: int = 1) -> dict[str, Any]:
        """What a client is given: the trusted root, and where to sign."""

        def service(path: str = "", version: int = 1) -> dict[str, Any]:
            since = {"start": moment(self.since)}
            return {"url": url + path, "majorApiVersion": version, "validFor": since, "operator": "sigstore.test"}

        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [service()],
                "oidcUrls": [service()],
                "rekorTlogUrls": [service(version=rekor)],
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": [service("/timestamp")],
                "tsaConfig": {"selector": "ANY"},
            },
        }

    def _taken_in(self, body: bytes) -> int:
        """The place of a new leaf, behind which others came in since."""
        index = len(self.leaves)
        self.leaves.extend([body, b"of others", b"who came", b"meanwhile"])
        return index

    def _authority(
        self, name: str, issuer: str, key: ec.EllipticCurvePrivateKey, signer: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        return (
            self._builder(_name(name), issuer, key.public_key(), self.since, self.since + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None if name == "root" else 0), critical=True)
            .add_extension(key_usage(signs=False), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .sign(signer, hashes.SHA256())
        )

    def _builder(
        self, subject: x509.Name, issuer: str, key: ec.EllipticCurvePublicKey, start: datetime, end: datetime
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(_name(issuer))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "sigstore.test"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _sct(key: ec.EllipticCurvePrivateKey, issuer: bytes, tbs: bytes, at: datetime) -> bytes:
    """A list with one signed certificate timestamp, as TLS writes it."""
    time = int(at.timestamp() * 1000)
    covered = struct.pack("!BBQH32s", 0, 0, time, 1, issuer) + len(tbs).to_bytes(3, "big") + tbs + b"\0\0"
    signature = signed(key, covered)
    sct = struct.pack("!B32sQHBBH", 0, log_id(key), time, 0, 4, 3, len(signature)) + signature
    return struct.pack("!HH", len(sct) + 2, len(sct)) + sct
