"""Keyless signatures that are not to be believed: each is made by, or from what, a sigstore instance signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from keyless import Instance
from keyless.instance import b64, canonical, log_id, moment, new_key, signed

from tampering.case import Spoil
from tampering.envelope import envelope

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
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


def of_another(*path: str, rekor: int = 1) -> Spoil:
    """Takes a part of the signature from another one, of the same identity over another payload."""

    def spoil(bundle: Any) -> None:
        document, other = bundle.envelope(), bundle.instance.bundle(b'{"other":1}', at=NOW, rekor=rekor)
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


def began(*places: str) -> Callable[[dict[str, Any]], None]:
    """The key there is in office since a minute after it signed."""
    return lambda document: _office(document, places).update(start=moment(NOW + MINUTE))


def ended(*places: str) -> Callable[[dict[str, Any]], None]:
    """The key there was in office until a minute before it signed."""
    return lambda document: _office(document, places).update(end=moment(NOW - MINUTE))


def _office(found: Any, places: tuple[str, ...]) -> dict[str, Any]:
    for place in places:
        found = found[int(place)] if place.isdigit() else found[place]
    valid_for: dict[str, Any] = found["validFor"]
    return valid_for
