"""The one form of a keyless signature file: a certificate, one entry of a transparency log, the envelope.

As with a key, every byte counts: JSON and base64 have one spelling, nothing is in it that is not checked, and there is
one source of time: the log's own promise (Rekor v1) or, where the log makes none (Rekor v2), one timestamp. What
sigstore adds to that (further timestamps, witnesses' signatures) is left out before it is written. Two things are not
edgepack's to spell: an ECDSA signature of the log, for which `n - s` is a second form, and the unsigned parts of a
timestamp.

Source: Sigstore bundle v0.3 and its client specification, RFC 6962, C2SP signed-note and tlog-checkpoint.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any

from edgepack.bundle.signature import MEDIA_TYPE, PAYLOAD_TYPE, decoded, refused
from edgepack.bundle.strict_json import canonical

_BYTES, _NUMBER, _TEXT = "base64", "a number", "text"
_PROOF = {
    "logIndex": _NUMBER,
    "treeSize": _NUMBER,
    "rootHash": _BYTES,
    "hashes": [_BYTES],
    "checkpoint": {"envelope": _TEXT},
}
_ENTRY = {
    "logIndex": _NUMBER,
    "logId": {"keyId": _BYTES},
    "kindVersion": {"kind": _TEXT, "version": _TEXT},
    "inclusionProof": _PROOF,
    "canonicalizedBody": _BYTES,
}
_PROMISED = {**_ENTRY, "integratedTime": _NUMBER, "inclusionPromise": {"signedEntryTimestamp": _BYTES}}
_KINDS = {"promise": ("dsse", "0.0.1"), "timestamp": ("hashedrekord", "0.0.2")}
_CHECKPOINT = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>[0-9]+)\n(?P<root>[^\n]+)\n(?:[^\n]+\n)*\n— (?P<name>[^\s]+) (?P<sig>[^\s]+)\n"
)
_COSIGNED = re.compile(r"(?<=\n\n)(?:— [^\n]*\n)+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeylessForm:
    """What a keyless signature file holds; nothing of it has been verified yet.

    Attributes:
        certificate: in DER.
        log_id: of the log that the entry stands in.
        logged_utc_s: when the log says that it took the entry in, in seconds since 1970; None if it promises nothing.
        timestamp: of an authority (RFC 3161), if the log promises nothing.
    """

    certificate: bytes
    log_id: bytes
    logged_utc_s: int | None
    timestamp: bytes | None


def read_form(document: Any, data: bytes) -> KeylessForm:
    """What a signature file holds, if it is in its one form.

    Args:
        document: the parsed JSON of `data`.

    Raises:
        SignatureError: it is not.
    """
    timed = (
        isinstance(material := document.get("verificationMaterial"), dict) and "timestampVerificationData" in material
    )
    _check(document, _shape(timed=timed), "bundle")
    if canonical(document) != data:
        raise refused("not in edgepack's canonical form")
    if (document["mediaType"], document["dsseEnvelope"]["payloadType"]) != (MEDIA_TYPE, PAYLOAD_TYPE):
        raise refused(f"not a {MEDIA_TYPE} that signs {PAYLOAD_TYPE}")
    entry = document["verificationMaterial"]["tlogEntries"][0]
    kind = entry["kindVersion"]["kind"], entry["kindVersion"]["version"]
    if kind != _KINDS["timestamp" if timed else "promise"]:
        raise refused(f"the log's entry is {kind[0]!r:.40} {kind[1]!r:.40}, which is not understood with what dates it")
    _check_proof(entry, promised=not timed)
    stamps = document["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"] if timed else []
    return KeylessForm(
        certificate=decoded(document["verificationMaterial"]["certificate"]["rawBytes"], "certificate"),
        log_id=decoded(entry["logId"]["keyId"], "keyId"),
        logged_utc_s=None if timed else int(entry["integratedTime"]),
        timestamp=decoded(stamps[0]["signedTimestamp"], "timestamp") if timed else None,
    )


def trimmed(document: Any) -> bytes:
    """The bytes of a `model.sig`: what a sigstore client made, without what no verifier needs.

    Args:
        document: a bundle v0.3 with a DSSE envelope, as JSON has it.
    """
    material, (entry,) = document["verificationMaterial"], document["verificationMaterial"]["tlogEntries"]
    promised = entry.get("inclusionPromise") is not None
    wanted = _PROMISED if promised else _ENTRY
    proof = {**entry["inclusionProof"], "checkpoint": _alone(entry["inclusionProof"]["checkpoint"], entry)}
    (signature,) = document["dsseEnvelope"]["signatures"]
    kept = {
        "certificate": material["certificate"],
        "tlogEntries": [{name: {**entry, "inclusionProof": proof}[name] for name in wanted}],
    }
    if not promised:
        kept["timestampVerificationData"] = {
            "rfc3161Timestamps": material["timestampVerificationData"]["rfc3161Timestamps"][:1]
        }
    envelope = {**document["dsseEnvelope"], "signatures": [{"sig": signature["sig"]}]}
    return canonical({"mediaType": document["mediaType"], "verificationMaterial": kept, "dsseEnvelope": envelope})


def _shape(*, timed: bool) -> Any:
    material: dict[str, Any] = {"certificate": {"rawBytes": _BYTES}, "tlogEntries": (_ENTRY if timed else _PROMISED,)}
    if timed:
        material["timestampVerificationData"] = {"rfc3161Timestamps": ({"signedTimestamp": _BYTES},)}
    envelope = {"payload": _BYTES, "payloadType": _TEXT, "signatures": ({"sig": _BYTES},)}
    return {"mediaType": _TEXT, "verificationMaterial": material, "dsseEnvelope": envelope}


def _check(value: Any, shape: Any, at: str) -> None:
    """Returns if a value has a shape: a mapping with these very keys; a list, or a tuple's one item; or a leaf."""
    match shape, value:
        case dict(), dict():
            for key in [*shape, *value]:
                if key not in value:
                    raise refused(f"{at}.{key} is missing")
                if key not in shape:
                    raise refused(f"{at}.{key!r:.80} is not expected there")
                _check(value[key], shape[key], f"{at}.{key}")
        case [item], list() if isinstance(shape, list) or len(value) == 1:
            for number, inner in enumerate(value):
                _check(inner, item, f"{at}[{number}]")
        case "base64", str():
            decoded(value, at)
        case "a number", str() if re.fullmatch(r"0|[1-9][0-9]{0,18}", value):
            pass
        case "text", str():
            pass
        case _:
            raise refused(f"{at} is not {shape if isinstance(shape, str) else 'of the expected form'}")


def _check_proof(entry: Any, *, promised: bool) -> None:
    """Returns if the checkpoint is one log's, and of the very tree that the proof is about.

    sigstore's own verifier checks signature, root and path; not the size, the name, or what else is in the text.
    """
    proof = entry["inclusionProof"]
    found = _CHECKPOINT.fullmatch(proof["checkpoint"]["envelope"])
    if found is None:
        raise refused("the log's checkpoint is not a note with one signature")
    decoded(found["sig"], "checkpoint's signature")
    if found["name"] != found["origin"].partition(" - ")[0]:
        raise refused(f"the checkpoint of {found['origin']!r:.80} is signed by {found['name']!r:.80}")
    if found["root"] != proof["rootHash"] or found["size"] != proof["treeSize"]:
        raise refused("the log's checkpoint is not of the tree that the proof is about")
    if int(proof["logIndex"]) >= int(proof["treeSize"]):
        raise refused("the log's entry stands outside of its tree")
    if not promised and proof["logIndex"] != entry["logIndex"]:
        raise refused("the log's entry is not the one that the proof is about")


def _alone(checkpoint: Any, entry: Any) -> dict[str, str]:
    """The checkpoint with the log's own signature, without those of its witnesses."""
    text = checkpoint["envelope"]
    hint = decoded(entry["logId"]["keyId"], "keyId")[:4]

    def own(lines: re.Match[str]) -> str:
        every = lines[0].splitlines(keepends=True)
        return "".join(line for line in every if base64.b64decode(line.split()[-1])[:4] == hint)

    return {"envelope": _COSIGNED.sub(own, text)}
