"""Forms of the signature file that are not its own. None changes what was signed: the signature itself still fits."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from tampering.case import Spoil, Tampering

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def envelope(change: Callable[[dict[str, Any]], Any]) -> Spoil:
    """Changes the signature file's JSON; written canonically."""

    def spoil(bundle: Any) -> None:
        document = bundle.envelope()
        change(document)
        bundle.write_envelope(document)

    return spoil


def text(change: Callable[[str], str]) -> Spoil:
    """Changes the signature file's text."""

    def spoil(bundle: Any) -> None:
        path = bundle.folder / "model.sig"
        before = path.read_text(encoding="utf-8")
        after = change(before)
        assert before != after
        path.write_text(after, encoding="utf-8")

    return spoil


def drop_padding(document: dict[str, Any]) -> None:
    """The sig without its `=`; the few signatures that have none lose their last character."""
    signed = document["dsseEnvelope"]["signatures"][0]
    text = signed["sig"]
    signed["sig"] = text.rstrip("=") if text.endswith("=") else text[:-1]


def stray_bits(document: dict[str, Any]) -> None:
    """Sets the bits behind the last byte of base64, which decoders drop."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    signed = document["dsseEnvelope"]["signatures"][0]
    body = signed["sig"].rstrip("=")
    padding = len(signed["sig"]) - len(body)
    if padding == 0:
        signed["sig"] += "===="
    else:
        signed["sig"] = body[:-1] + alphabet[alphabet.index(body[-1]) | 1] + "=" * padding


def high_s(document: dict[str, Any]) -> None:
    signed = document["dsseEnvelope"]["signatures"][0]
    r, s = decode_dss_signature(base64.b64decode(signed["sig"]))
    signed["sig"] = base64.b64encode(encode_dss_signature(r, P256_ORDER - s)).decode()


def trailing_der(document: dict[str, Any]) -> None:
    signed = document["dsseEnvelope"]["signatures"][0]
    signed["sig"] = base64.b64encode(base64.b64decode(signed["sig"]) + b"\0").decode()


def in_envelope(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["dsseEnvelope"].update({key: value})


def in_signature(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["dsseEnvelope"]["signatures"][0].update({key: value})


def signed_by_a_stranger(bundle: Any) -> None:
    bundle.sign_payload(bundle.payload(), key=ec.generate_private_key(ec.SECP256R1()))


ENVELOPE_MUTANTS = [
    Tampering("a stranger under this key's name", signed_by_a_stranger, "model.sig: the signature does not fit"),
    Tampering(
        "another mediaType", envelope(lambda d: d.update(mediaType="application/json")), "model.sig: the mediaType"
    ),
    Tampering(
        "an older mediaType",
        envelope(lambda d: d.update(mediaType="application/vnd.dev.sigstore.bundle+json;version=0.3")),
        "model.sig: the mediaType",
    ),
    Tampering("another payloadType", envelope(in_envelope("payloadType", "text/plain")), "model.sig: the payloadType"),
    Tampering(
        "a second signature",
        envelope(lambda d: d["dsseEnvelope"]["signatures"].append({"sig": "MEQCIA==", "keyid": "x"})),
        "model.sig: it holds 2 signatures",
    ),
    Tampering(
        "the signature twice",
        envelope(lambda d: d["dsseEnvelope"]["signatures"].append(d["dsseEnvelope"]["signatures"][0])),
        "model.sig: it holds 2 signatures",
    ),
    Tampering("no signature in it", envelope(in_envelope("signatures", [])), "model.sig: it holds 0 signatures"),
    Tampering("no keyid", envelope(lambda d: d["dsseEnvelope"]["signatures"][0].pop("keyid")), "not one with sig and"),
    Tampering("another keyid", envelope(in_signature("keyid", "0" * 64)), "model.sig: the keyid is"),
    Tampering(
        "another hint",
        envelope(lambda d: d["verificationMaterial"]["publicKey"].update(hint="0" * 64)),
        "model.sig: signed by key '0000",
    ),
    Tampering("no hint", envelope(lambda d: d["verificationMaterial"]["publicKey"].pop("hint")), "model.sig: not a"),
    Tampering(
        "a certificate for a key",
        envelope(lambda d: d.update(verificationMaterial={"certificate": {"rawBytes": ""}, "tlogEntries": []})),
        "model.sig: bundle.verificationMaterial.tlogEntries",
    ),
    Tampering(
        "no tlogEntries",
        envelope(lambda d: d["verificationMaterial"].pop("tlogEntries")),
        "model.sig: not in edgepack's canonical form",
    ),
    Tampering(
        "timestamps",
        envelope(lambda d: d["verificationMaterial"].update(timestampVerificationData={"rfc3161Timestamps": []})),
        "model.sig: not in edgepack's canonical form",
    ),
    *(
        Tampering(f"a key more in {place}", envelope(change), "model.sig: not in edgepack's canonical form")
        for place, change in {
            "the bundle": lambda d: d.update(x=1),
            "the material": lambda d: d["verificationMaterial"].update(x=1),
            "the public key": lambda d: d["verificationMaterial"]["publicKey"].update(x=1),
            "the envelope": in_envelope("x", 1),
            "the signature": in_signature("x", 1),
        }.items()
    ),
    Tampering(
        "rawBytes in the public key",
        envelope(lambda d: d["verificationMaterial"]["publicKey"].update(rawBytes="AA==")),
        "canonical form",
    ),
    Tampering(
        "a message signature too", envelope(lambda d: d.update(messageSignature={"signature": ""})), "model.sig: "
    ),
    Tampering("an empty payload", envelope(in_envelope("payload", "")), "model.sig: the signature does not fit"),
    Tampering(
        "a newline in the payload",
        envelope(
            lambda d: in_envelope(
                "payload", d["dsseEnvelope"]["payload"][:76] + "\n" + d["dsseEnvelope"]["payload"][76:]
            )(d)
        ),
        "model.sig: the payload is not base64",
    ),
    Tampering(
        "a newline in the sig",
        envelope(lambda d: in_signature("sig", d["dsseEnvelope"]["signatures"][0]["sig"] + "\n")(d)),
        "model.sig: the sig is not base64",
    ),
    Tampering("no padding in the sig", envelope(drop_padding), "model.sig: "),
    Tampering("stray bits in the sig", envelope(stray_bits), "model.sig: the sig is not"),
    Tampering("the larger s", envelope(high_s), "model.sig: the sig is not strict DER with the smaller s"),
    Tampering("a byte behind the sig", envelope(trailing_der), "model.sig: the sig is not strict DER"),
    Tampering("no sig", envelope(in_signature("sig", "")), "model.sig: the sig is not strict DER"),
    Tampering("a list for a bundle", text(lambda t: f"[{t}]"), "model.sig: not a Sigstore bundle"),
    Tampering(
        "a key twice",
        text(lambda t: t.replace('"mediaType":', '"mediaType":"x","mediaType":')),
        "model.sig: not strict JSON (key 'mediaType' twice",
    ),
    Tampering(
        "the payload twice",
        text(lambda t: t.replace('"payload":', '"payload":"AAAA","payload":')),
        "model.sig: not strict JSON (key 'payload' twice",
    ),
    Tampering("a newline at the end", text(lambda t: t + "\n"), "model.sig: not in edgepack's canonical form"),
    Tampering("a space", text(lambda t: t.replace(":", ": ", 1)), "model.sig: not in edgepack's canonical form"),
    Tampering("an escape", text(lambda t: t.replace("mediaType", "media\\u0054ype")), "canonical form"),
    Tampering(
        "another order",
        text(lambda t: json.dumps(dict(reversed(json.loads(t).items())), separators=(",", ":"))),
        "model.sig: not in edgepack's canonical form",
    ),
    Tampering("a byte order mark", text(lambda t: "\ufeff" + t), "model.sig: not strict JSON"),
    Tampering("NaN", text(lambda t: t.replace('"tlogEntries":[]', '"tlogEntries":NaN')), "NaN is not JSON"),
    Tampering("two bundles", text(lambda t: t + t), "model.sig: not strict JSON (Extra data"),
]
