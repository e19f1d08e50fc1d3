"""Keyless signatures that are not to be believed, with a timestamp (Rekor v2)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

from keyless.instance import b64
from keyless.timestamp import Authority

from tampering.case import Spoil, Tampering
from tampering.envelope import envelope
from tampering.keyless import MINUTE, NOW, ended, entry, made, of_another, other_byte, trusting


def timed(spoil: Spoil) -> Spoil:
    """As a spoil, of a signature that Rekor v2 holds and a timestamp dates."""

    def after(bundle: Any) -> None:
        made(rekor=2)(bundle)
        spoil(bundle)

    return after


def stamps(change: Callable[[list[Any]], Any]) -> Spoil:
    return timed(
        envelope(lambda d: change(d["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]))
    )


def stamped(clock: str, data: bytes | None = None, at: datetime = NOW) -> Spoil:
    """Another timestamp, of the same authority or of a stranger."""

    def spoil(bundle: Any) -> None:
        document = bundle.envelope()
        what = base64.b64decode(document["dsseEnvelope"]["signatures"][0]["sig"]) if data is None else data
        authority = bundle.instance.clock if clock == "own" else Authority.fresh()
        found = {"signedTimestamp": b64(authority.stamped(what, at))}
        document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] = [found]
        bundle.write_envelope(document)

    return timed(spoil)


TIMED_MUTANTS = [
    Tampering("a timestamp after the certificate", stamped("own", at=NOW + 11 * MINUTE), "cert is not valid at valid"),
    Tampering("a timestamp before the certificate", stamped("own", at=NOW - MINUTE), "cert is not valid at validation"),
    Tampering("a stranger's timestamp", stamped("stranger"), "not enough sources of verified time"),
    Tampering("a timestamp of something else", stamped("own", b"other"), "not enough sources of verified time"),
    Tampering("no timestamp", stamps(lambda found: found.clear()), "rfc3161Timestamps is not of the expected"),
    Tampering("a timestamp twice", stamps(lambda found: found.append(found[0])), "rfc3161Timestamps is not of the exp"),
    Tampering(
        "a timestamp that is none",
        stamps(lambda found: found[0].update(signedTimestamp="AAAA")),
        "dated at no time that there is",
    ),
    Tampering(
        "an authority of timestamps that was out of office",
        timed(trusting(ended("timestampAuthorities", "0"))),
        "no Timestamp Authorities",
    ),
    Tampering(
        "a promise beside a timestamp",
        timed(entry(lambda e: e.update(inclusionPromise={"signedEntryTimestamp": "AAAA"}))),
        "'inclusionPromise' is not expected",
    ),
    Tampering(
        "a time beside a timestamp", timed(entry(lambda e: e.update(integratedTime="0"))), "'integratedTime' is not"
    ),
    Tampering(
        "another place in the log, of Rekor v2",
        timed(entry(lambda e: e.update(logIndex=str(int(e["logIndex"]) + 1)))),
        "not the one that the proof is about",
    ),
    Tampering(
        "another log's name, of Rekor v2",
        timed(entry(lambda e: e["logId"].update(keyId=other_byte(e["logId"]["keyId"])))),
        "no such transparency log was in office",
    ),
    Tampering(
        "another kind of entry, of Rekor v2",
        timed(entry(lambda e: e["kindVersion"].update(kind="dsse"))),
        "the log's entry is 'dsse' '0.0.2'",
    ),
    Tampering(
        "another entry of Rekor v2", timed(of_another("verificationMaterial", "tlogEntries", rekor=2)), "inconsist"
    ),
    Tampering(
        "another payload, with Rekor v2", timed(of_another("dsseEnvelope", "payload")), "DSSE: invalid signature"
    ),
]
