"""Keyless signatures that are not to be believed, with a promise of the log (Rekor v1)."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from keyless import IDENTITY, LOG, Instance
from keyless.instance import b64, new_key

from tampering.case import Tampering
from tampering.envelope import envelope, text
from tampering.keyless import (
    MINUTE,
    NOW,
    another_authority,
    another_certificate_log,
    another_root,
    began,
    checkpoint,
    ended,
    entry,
    made,
    noted,
    of_another,
    only_the_root,
    other_byte,
    promised_but_not_in_the_tree,
    promised_by_another_log,
    proof,
    trusting,
)


def certificate_twice(document: dict[str, Any]) -> None:
    material = document["verificationMaterial"]
    material["x509CertificateChain"] = {"certificates": [material["certificate"]]}


def self_signed(bundle: Any) -> None:
    """Everything by an instance of the same names, but for the log's entry, which the real log took in."""
    fake = Instance(log_key=bundle.instance.log_key, leaves=bundle.instance.leaves)
    bundle.write_envelope(fake.bundle(bundle.payload(), at=NOW))


def rsa(bundle: Any) -> None:
    document = bundle.envelope()
    key: Any = generate_private_key(public_exponent=65537, key_size=2048).public_key()
    leaf = bundle.instance.certificate(key, at=NOW).public_bytes(Encoding.DER)
    document["verificationMaterial"]["certificate"]["rawBytes"] = b64(leaf)
    bundle.write_envelope(document)


def root_for_a_leaf(bundle: Any) -> None:
    document = bundle.envelope()
    raw = bundle.instance.root().public_bytes(Encoding.DER)
    document["verificationMaterial"]["certificate"]["rawBytes"] = b64(raw)
    bundle.write_envelope(document)


KEYLESS_MUTANTS = [
    Tampering(
        "a certificate that expired before the log's time",
        made(certified=NOW - 11 * MINUTE),
        "cert is not valid at validation time",
    ),
    Tampering(
        "a certificate from after the log's time", made(certified=NOW + MINUTE), "cert is not valid at validation time"
    ),
    Tampering("a stranger's signature under the certificate", made(key=new_key()), "DSSE: invalid signature"),
    Tampering(
        "no timestamp of the certificate log", made(has_sct=False), "does not contain a signed certificate timestamp"
    ),
    Tampering("a timestamp of another certificate log", made(ct_key=new_key()), "SCT verify failed"),
    Tampering(
        "a certificate for servers", made(usage=ExtendedKeyUsageOID.SERVER_AUTH), "does not contain `code signing`"
    ),
    Tampering(
        "two names in the certificate",
        made(names=(x509.UniformResourceIdentifier(IDENTITY), x509.RFC822Name("eve@example.org"))),
        "does not name exactly one",
    ),
    Tampering(
        "a name of two lines",
        made(names=(x509.UniformResourceIdentifier(f"{IDENTITY}\nverified"),)),
        "does not name exactly one",
    ),
    Tampering("a host's name in the certificate", made(names=(x509.DNSName("example.org"),)), "does not name exactly"),
    Tampering("no issuer in the certificate", made(issuer=None), "names no identity and issuer"),
    Tampering("another name in the certificate", made(names=(x509.RFC822Name("eve@example.org"),)), "signed by eve@"),
    Tampering("an issuer by another URL", made(issuer="https://example.org"), "(https://example.org), not by "),
    Tampering("a certificate of an RSA key", rsa, "not of an ECDSA key"),
    Tampering("a root for a leaf", root_for_a_leaf, "names no identity and issuer"),
    Tampering("no certificate in it", envelope(lambda d: d["verificationMaterial"]["certificate"].clear()), "missing"),
    Tampering(
        "an empty certificate",
        envelope(lambda d: d["verificationMaterial"]["certificate"].update(rawBytes="")),
        "the certificate cannot be read",
    ),
    Tampering("a chain beside the certificate", envelope(certificate_twice), "'x509CertificateChain' is not expected"),
    Tampering(
        "a key beside the certificate",
        envelope(lambda d: d["verificationMaterial"].update(publicKey={"hint": "x"})),
        "'publicKey' is not expected",
    ),
    Tampering("an instance of the same names", self_signed, "candidates exhausted: signature does not match"),
    Tampering("another instance's root", another_root, "no such transparency log was in office"),
    Tampering(
        "another instance's authority", trusting(another_authority), "candidates exhausted: signature does not match"
    ),
    Tampering("another instance's certificate log", trusting(another_certificate_log), "SCT verify failed"),
    Tampering("a root without its intermediate", trusting(only_the_root), "all candidates exhausted"),
    Tampering(
        "an authority that was out of office",
        trusting(ended("certificateAuthorities", "0")),
        "no certificate authority was in office",
    ),
    Tampering(
        "a log that was out of office", trusting(ended("tlogs", "0", "publicKey")), "no such transparency log was"
    ),
    Tampering(
        "a certificate log that was out of office",
        trusting(ended("ctlogs", "0", "publicKey")),
        "no certificate log was in office",
    ),
    Tampering(
        "an authority that was not yet in office",
        trusting(began("certificateAuthorities", "0")),
        "no certificate authority was in office",
    ),
    Tampering(
        "a log that was not yet in office",
        trusting(began("tlogs", "0", "publicKey")),
        "no such transparency log was in",
    ),
    Tampering("another payload", of_another("dsseEnvelope", "payload"), "DSSE: invalid signature"),
    Tampering(
        "another sig",
        envelope(lambda d: d["dsseEnvelope"]["signatures"][0].update(sig="MEQCIA==")),
        "DSSE: invalid signature",
    ),
    Tampering("another envelope", of_another("dsseEnvelope"), "DSSE: invalid signature"),
    Tampering(
        "another certificate of the same identity",
        of_another("verificationMaterial", "certificate"),
        "DSSE: invalid signature",
    ),
    Tampering(
        "another entry of the log",
        of_another("verificationMaterial", "tlogEntries"),
        "log entry payload hash does not match",
    ),
    Tampering("no entry", envelope(lambda d: d["verificationMaterial"]["tlogEntries"].clear()), "tlogEntries is not"),
    Tampering(
        "two entries",
        envelope(lambda d: d["verificationMaterial"].update(tlogEntries=d["verificationMaterial"]["tlogEntries"] * 2)),
        "tlogEntries is not",
    ),
    Tampering("no promise", entry(lambda e: e.pop("inclusionPromise")), "inclusionPromise is missing"),
    Tampering("no time", entry(lambda e: e.pop("integratedTime")), "integratedTime is missing"),
    Tampering(
        "another time",
        entry(lambda e: e.update(integratedTime=str(int(e["integratedTime"]) + 1))),
        "SET: invalid inclusion promise",
    ),
    Tampering("a time before the first", entry(lambda e: e.update(integratedTime="-1")), "integratedTime is not a num"),
    Tampering(
        "a time beyond all", entry(lambda e: e.update(integratedTime="9" * 18)), "dated at no time that there is"
    ),
    Tampering("a promise by another log", promised_by_another_log, "SET: invalid inclusion promise"),
    Tampering(
        "a promise for another place",
        entry(lambda e: e.update(logIndex=str(int(e["logIndex"]) + 1))),
        "SET: invalid inclusion promise",
    ),
    Tampering(
        "another log's name", entry(lambda e: e["logId"].update(keyId=b64(bytes(32)))), "no such transparency log was"
    ),
    Tampering(
        "another kind of entry",
        entry(lambda e: e["kindVersion"].update(kind="intoto", version="0.0.2")),
        "the log's entry is 'intoto' '0.0.2'",
    ),
    Tampering("an entry of Rekor v2", entry(lambda e: e["kindVersion"].update(version="0.0.2")), "the log's entry is"),
    Tampering(
        "another body",
        entry(lambda e: e.update(canonicalizedBody=other_byte(e["canonicalizedBody"]))),
        "invalid root hash",
    ),
    Tampering("no proof", entry(lambda e: e.pop("inclusionProof")), "inclusionProof is missing"),
    Tampering("no checkpoint", entry(lambda e: e["inclusionProof"].pop("checkpoint")), "checkpoint is missing"),
    Tampering("a promise alone, and another's proof", promised_but_not_in_the_tree, "invalid root hash"),
    Tampering(
        "a path that leads elsewhere",
        proof(hashes=lambda nodes: [other_byte(nodes[0]), *nodes[1:]]),
        "invalid root hash",
    ),
    Tampering("a path that is too short", proof(hashes=lambda nodes: nodes[1:]), "inclusion proof has wrong size"),
    Tampering(
        "a path that is too long", proof(hashes=lambda nodes: [*nodes, nodes[0]]), "inclusion proof has wrong size"
    ),
    Tampering("another place in the tree", proof(logIndex=lambda place: str(int(place) - 1)), "invalid root hash"),
    Tampering("a place outside of the tree", proof(logIndex="99"), "outside of its tree"),
    Tampering("another root of the tree", proof(rootHash=other_byte), "not of the tree"),
    Tampering("another size of the tree", proof(treeSize=lambda size: str(int(size) + 1)), "not of the tree"),
    Tampering("a checkpoint of another tree", lambda b: checkpoint(b, root=bytes(32)), "not of the tree"),
    Tampering("a checkpoint of another size", lambda b: checkpoint(b, size=7), "not of the tree"),
    Tampering("a checkpoint by another name", lambda b: checkpoint(b, name="eve"), "is signed by 'eve'"),
    Tampering("a checkpoint of another log", lambda b: checkpoint(b, origin="eve - 42"), "is signed by 'rekor.test'"),
    Tampering("a checkpoint that is not signed", noted(lambda t: t[: t.index("—")]), "not a note with one signature"),
    Tampering("a checkpoint signed twice", noted(lambda t: t + t[t.index("—") :]), "not a note with one signature"),
    Tampering(
        "a remark in the checkpoint",
        noted(lambda t: t.replace("\n\n", "\nremark\n\n")),
        "checkpoint: invalid signature",
    ),
    Tampering("a remark behind the checkpoint", noted(lambda t: t + "remark\n"), "not a note with one signature"),
    Tampering(
        "a loose base64 in the checkpoint",
        noted(lambda t: t.replace(f"— {LOG} ", f"— {LOG} !")),
        "checkpoint's signature is not base64",
    ),
    Tampering(
        "a keyid", envelope(lambda d: d["dsseEnvelope"]["signatures"][0].update(keyid="")), "'keyid' is not expected"
    ),
    Tampering(
        "a second signature in the envelope",
        envelope(lambda d: d["dsseEnvelope"]["signatures"].append({"sig": "MEQCIA=="})),
        "signatures is not of the expected form",
    ),
    Tampering("a mediaType of before", envelope(lambda d: d.update(mediaType=d["mediaType"][:-5])), "not a applica"),
    Tampering("a payload of text", envelope(lambda d: d["dsseEnvelope"].update(payloadType="text/plain")), "not a app"),
    Tampering(
        "a message signature beside", envelope(lambda d: d.update(messageSignature={})), "'messageSignature' is not"
    ),
    Tampering("a key of two lines", entry(lambda e: e.update({"x\ny": 1})), r"'x\ny' is not expected"),
    Tampering("a key more in the entry", entry(lambda e: e.update(x=1)), "'x' is not expected"),
    Tampering(
        "an empty list of timestamps",
        envelope(lambda d: d["verificationMaterial"].update(timestampVerificationData={"rfc3161Timestamps": []})),
        "'inclusionPromise' is not expected",
    ),
    Tampering(
        "a number for a text", entry(lambda e: e.update(logIndex=int(e["logIndex"]))), "logIndex is not a number"
    ),
    Tampering("a zero in front", entry(lambda e: e.update(logIndex="0" + e["logIndex"])), "logIndex is not a number"),
    Tampering(
        "a newline in the certificate",
        envelope(
            lambda d: d["verificationMaterial"]["certificate"].update(
                rawBytes=d["verificationMaterial"]["certificate"]["rawBytes"] + "\n"
            )
        ),
        "rawBytes is not base64",
    ),
    Tampering(
        "a space between",
        text(lambda t: t.replace(":", ": ", 1)),
        "canonical form",
    ),
    Tampering(
        "a line too many",
        text(lambda t: t + "\n"),
        "canonical form",
    ),
]
