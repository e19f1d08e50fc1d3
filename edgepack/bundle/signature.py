"""What the signature files of keys and of identities have in common: a DSSE envelope in a Sigstore bundle v0.3."""

from __future__ import annotations

import base64
import binascii

from edgepack.bundle.files import SIGNATURE
from edgepack.errors import SignatureError

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


def decoded(text: str, field: str) -> bytes:
    """The bytes that a base64 text stands for.

    Raises:
        SignatureError: it is not the one spelling of these bytes.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise refused(f"the {field} is not base64 ({error})") from error
    if base64.b64encode(data).decode() != text:
        raise refused(f"the {field} is not in base64's canonical form")
    return data


def refused(reason: str) -> SignatureError:
    """The error for a signature file that cannot be accepted, to be raised."""
    return SignatureError(f"{SIGNATURE}: {reason}; sign the bundle with edgepack, or get it again")


def reason_of(error: BaseException) -> str:
    """What an error of another library's says, with what caused it: printable text on one line."""
    parts = [type(error).__name__, *map(str, error.args)]
    if (cause := error.__cause__) is not None:
        parts.append(f"from {str(cause) or type(cause).__name__}")
    line = " ".join(" ".join(parts).split())[:160]
    return "".join(character if character.isprintable() else "?" for character in line)
