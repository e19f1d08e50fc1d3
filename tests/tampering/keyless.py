"""Keyless signatures that are not to be believed: each is made by, or from what, a sigstore instance signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from keyless import IDENTITY, LOG, Instance
from keyless.instance import b64, canonical, log_id, moment, new_key, signed

from tampering.case import Spoil, Tampering
from tampering.envelope import envelope, text

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def entry(change: Callable[[dict[str, Any]], Any]) -> Spoil:
    return envelope(lambda document: change(document["verificationMaterial"]["tlogEntries"][0]))


def proof(**changes: Any) -> Spoil:
    """Changes the proof: each value is put there, or made of the one that is there."""

    def change(found: dict[str, Any]) -> None:
        for name, value in changes.items():
            found["inclusionProof"][name] = value(found["inclusionProof"][name]) if callable(value) else value

    return entry(change)


def made(**how: Any) -> Spoil:
    """Signs the bundle anew, by an instance that does not do its work properly."""
    return lambda bundle: bundle.write_envelope(bundle.instance.bundle(bundle.payload(), **{"at": NOW, **how}))


def trusting(change: Callable[[dict[str, Any]], Any]) -> Spoil:
    """Changes the verifier's trust configuration."""

    def spoil(bundle: Any) -> None:
        document = json.loads(bundle.trust.read_bytes())
        change(document["trustedRoot"])
        bundle.trust.write_bytes(canonical(document))

    return spoil


def other_byte(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[-1] ^= 1
    return b64(bytes(data))


def checkpoint(bundle: Any, **how: Any) -> None:
    """Another checkpoint, by the log itself."""
    document = bundle.envelope()
    found = document["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    size, root = int(how.pop("size", found["treeSize"])), how.pop("root", base64.b64decode(found["rootHash"]))
    found["checkpoint"]["envelope"] = bundle.instance.checkpoint(size, root, **how)
    bundle.write_envelope(document)


def noted(change: Callable[[str], str]) -> Spoil:
    """Changes the checkpoint's text."""
    return proof(checkpoint=lambda before: {"envelope": change(before["envelope"])})


def of_another(*path: str) -> Spoil:
    """Takes a part of the signature from another one, of the same identity over another payload."""

    def spoil(bundle: Any) -> None:
        document, other = bundle.envelope(), bundle.instance.bundle(b'{"other":1}', at=NOW)
        into, source = document, other
        for name in path[:-1]:
            into, source = into[name], source[name]
        into[path[-1]] = source[path[-1]]
        bundle.write_envelope(document)

    return spoil


def promised_by_another_log(bundle: Any) -> None:
    document = bundle.envelope()
    found = document["verificationMaterial"]["tlogEntries"][0]
    what = {
        "body": found["canonicalizedBody"],
        "integratedTime": int(found["integratedTime"]),
        "logID": log_id(bundle.instance.log_key).hex(),
        "logIndex": int(found["logIndex"]),
    }
    found["inclusionPromise"]["signedEntryTimestamp"] = b64(signed(new_key(), canonical(what)))
    bundle.write_envelope(document)


def promised_but_not_in_the_tree(bundle: Any) -> None:
    """The log promises to take it in, and proves another entry."""
    document = bundle.envelope()
    found = document["verificationMaterial"]["tlogEntries"][0]
    found["inclusionProof"] = bundle.instance.entry(2, NOW)["inclusionProof"]
    bundle.write_envelope(document)


def another_root(bundle: Any) -> None:
    bundle.trust.write_bytes(canonical(Instance().trust_config()))


def another_authority(document: dict[str, Any]) -> None:
    document["certificateAuthorities"] = Instance().trusted_root()["certificateAuthorities"]


def another_certificate_log(document: dict[str, Any]) -> None:
    document["ctlogs"] = Instance().trusted_root()["ctlogs"]


def only_the_root(document: dict[str, Any]) -> None:
    """An authority whose intermediate is not known."""
    del document["certificateAuthorities"][0]["certChain"]["certificates"][0]


def ended(*places: str) -> Callable[[dict[str, Any]], None]:
    """The key there was in office until a minute before it signed."""

    def change(document: dict[str, Any]) -> None:
        found: Any = document
        for place in places:
            found = found[int(place)] if place.isdigit() else found[place]
        found["validFor"]["end"] = moment(NOW - MINUTE)

    return change


def certificate_twice(document: dict[str, Any]) -> None:
    material = document["verificationMaterial"]
    material["x509CertificateChain"] = {"certificates": [material["certificate"]]}


def self_signed(bundle: Any) -> None:
    """Everything by an instance of the same names, but for the log's entry, which the real log took in."""
    fake = Instance(log_key=bundle.instance.log_key, leaves=bundle.instance.leaves)
    bundle.write_envelope(fake.bundle(bundle.payload(), at=NOW))


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
    Tampering("a host's name in the certificate", made(names=(x509.DNSName("example.org"),)), "does not name exactly"),
    Tampering("no issuer in the certificate", made(issuer=None), "names no identity and issuer"),
    Tampering("another name in the certificate", made(names=(x509.RFC822Name("eve@example.org"),)), "signed by eve@"),
    Tampering("an issuer by another URL", made(issuer="https://example.org"), "(https://example.org), not by "),
    Tampering("a root for a leaf", root_for_a_leaf, "names no identity and issuer"),
    Tampering("no certificate in it", envelope(lambda d: d["verificationMaterial"]["certificate"].clear()), "missing"),
    Tampering(
        "an empty certificate",
        envelope(lambda d: d["verificationMaterial"]["certificate"].update(rawBytes="")),
        "the certificate cannot be read",
    ),
    Tampering("a chain beside the certificate", envelope(certificate_twice), "x509CertificateChain is not expected"),
    Tampering(
        "a key beside the certificate",
        envelope(lambda d: d["verificationMaterial"].update(publicKey={"hint": "x"})),
        "publicKey is not expected",
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
    Tampering("a keyid", envelope(lambda d: d["dsseEnvelope"]["signatures"][0].update(keyid="")), "keyid is not exp"),
    Tampering(
        "a second signature in the envelope",
        envelope(lambda d: d["dsseEnvelope"]["signatures"].append({"sig": "MEQCIA=="})),
        "signatures is not of the expected form",
    ),
    Tampering("a mediaType of before", envelope(lambda d: d.update(mediaType=d["mediaType"][:-5])), "not a applica"),
    Tampering("a payload of text", envelope(lambda d: d["dsseEnvelope"].update(payloadType="text/plain")), "not a app"),
    Tampering(
        "a message signature beside", envelope(lambda d: d.update(messageSignature={})), "messageSignature is not"
    ),
    Tampering("a key more in the entry", entry(lambda e: e.update(x=1)), "x is not expected"),
    Tampering(
        "an empty list of timestamps",
        envelope(lambda d: d["verificationMaterial"].update(timestampVerificationData={"rfc3161Timestamps": []})),
        "inclusionPromise is not expected",
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

LETS_THROUGH = frozenset(
    {
        "two names in the certificate",
        "an authority that was out of office",
        "a log that was out of office",
        "a certificate log that was out of office",
        "another size of the tree",
        "a checkpoint of another size",
        "a checkpoint by another name",
        "a checkpoint of another log",
        "a checkpoint signed twice",
        "a remark behind the checkpoint",
        "a loose base64 in the checkpoint",
        "a keyid",
        "an empty list of timestamps",
        "a zero in front",
        "a newline in the certificate",
        "a space between",
        "a line too many",
    }
)
"""What model_signing, by sigstore's Python client, accepts of these."""

JS_LETS_THROUGH = frozenset(
    {
        "a certificate for servers",
        "two names in the certificate",
        "another root of the tree",
        "another size of the tree",
        "a checkpoint of another log",
        "a checkpoint signed twice",
        "a remark behind the checkpoint",
        "a loose base64 in the checkpoint",
        "a keyid",
        "a key more in the entry",
        "an empty list of timestamps",
        "a number for a text",
        "a zero in front",
        "a newline in the certificate",
        "a space between",
        "a line too many",
    }
)
"""What npm's own verifier, `@sigstore/verify` 3.1, accepts of these."""
