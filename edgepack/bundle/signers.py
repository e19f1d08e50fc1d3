"""Where a signing key lives, by URI: a file, the environment, a hardware token, a cloud's key service.

- `key.pem`, `file:key.pem`: a private key in PEM.
- `env:NAME`: the text of one in an environment variable, as CI systems hand out secrets.
- `pkcs11:token=LABEL;id=%02?module-path=/usr/lib/softhsm/libsofthsm2.so`: a key that never leaves its token
  (RFC 7512). Needs `python-pkcs11`; the PIN is the password.
- `gcpkms:…`, `awskms:…`, `azurekms:…`, `hv:…` and what else securesystemslib has a signer for, each with its own client
  library; the public key is given beside it.
- `sigstore:`, `sigstore:staging`, `sigstore:trust.json`: no key, but an identity; see `edgepack.bundle.keyless.sign`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edgepack.bundle.keyless.sign import SCHEME, Keyless, open_keyless
from edgepack.bundle.keys import key_id, load_private_key, load_public_key, parse_private_key
from edgepack.errors import UsageError

if TYPE_CHECKING:
    from securesystemslib.signer import Signer  # type: ignore[attr-defined]  # no __all__ there

_PKCS11_FORM = "write pkcs11:token=LABEL;id=%02?module-path=/path/to/library.so"
_NOT_FOR_BUNDLES = (
    "file2",
    "gnupg",
    "hsm",
    "sigstore",
    "tkey",
)  # have a form of their own here, or sign with no key of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteKey:
    """A key that signs elsewhere.

    Attributes:
        uri: as given, for messages.
        public: the key that its signatures are checked with.
        signer: securesystemslib's.
        library: the PKCS#11 library that the signer loads, if it is a token.
    """

    uri: str
    public: ec.EllipticCurvePublicKey
    signer: Signer
    library: str | None = None

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public key, by the same call as that of a key in memory."""
        return self.public

    def sign(self, data: bytes) -> bytes:
        """The signature over the data, in DER.

        Raises:
            UsageError: whatever keeps the token or service from signing.
        """
        with _told(self.uri), _library(self.library):
            return bytes.fromhex(self.signer.sign(data).signature)


SigningKey = ec.EllipticCurvePrivateKey | RemoteKey | Keyless


def open_signing_key(
    uri: str, password: str | None = None, public: Path | None = None, token: Path | None = None
) -> SigningKey:
    """The key that a URI names.

    Args:
        password: of the PEM, or the token's PIN.
        public: the public key in PEM, for a key that lives in a cloud's service.
        token: the file with the identity token, for `sigstore:`.

    Raises:
        UsageError: no such key, it cannot be reached, or it is on no curve of use here.
    """
    scheme, _, rest = uri.partition(":") if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri) else ("file", "", uri)
    if scheme == "file":
        return load_private_key(Path(rest.removeprefix("//")), password)
    if scheme == "env":
        if not (text := os.environ.get(rest)):
            raise UsageError(f"{uri}: {rest} is not set; put the text of a private key (PEM) into it")
        return parse_private_key(text.encode(), uri, password)
    if scheme == "pkcs11":
        return _on_token(uri, rest, password)
    if scheme == SCHEME:
        return open_keyless(uri, rest, token)
    from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, SSlibKey  # type: ignore[attr-defined]

    known = sorted(set(SIGNER_FOR_URI_SCHEME) - set(_NOT_FOR_BUNDLES) - {"file"})
    if scheme not in known:
        raise UsageError(
            f"{uri}: no such kind of key; give a PEM file, env:, pkcs11:, sigstore: or one of {', '.join(known)}"
        )
    if public is None:
        raise UsageError(f"{uri}: its public key is needed too; give it with --sign-public")
    key = load_public_key(public)
    with _told(uri):
        named = SSlibKey.from_crypto(key, key_id(key))
        kind: Any = SIGNER_FOR_URI_SCHEME[scheme]
        signer = kind.from_priv_key_uri(uri, named, lambda _: password or "")
    return RemoteKey(uri=uri, public=key, signer=signer)


def _on_token(uri: str, rest: str, pin: str | None) -> RemoteKey:
    path, _, query = rest.partition("?")
    attributes = dict(part.partition("=")[::2] for part in path.split(";") if part)
    library = dict(parse_qsl(query)).get("module-path") or os.environ.get("PYKCS11LIB")
    unknown = sorted(set(attributes) - {"token", "id"})
    if unknown or "id" not in attributes or not library:
        what = f"{unknown[0]!r} is not understood" if unknown else "names no id" if library else "names no module-path"
        raise UsageError(f"{uri}: {what}; {_PKCS11_FORM}")
    number = int.from_bytes(unquote(attributes["id"], "latin-1").encode("latin-1"), "big")
    label = unquote(attributes["token"]) if "token" in attributes else None
    from securesystemslib.signer import HSMSigner  # type: ignore[attr-defined]

    def password(_: str) -> str:
        if pin is None:
            raise ValueError("it asks for a PIN, which is given as the password")
        return pin

    with _told(uri), _library(library):
        own_uri, key = HSMSigner.import_(number, label, password)
        signer = HSMSigner.from_priv_key_uri(own_uri, key, password)
        public: Any = serialization.load_pem_public_key(key.keyval["public"].encode())
    return RemoteKey(uri=uri, public=public, signer=signer, library=library)


@contextmanager
def _library(path: str | None) -> Iterator[None]:
    """Inside, securesystemslib finds the PKCS#11 library, whose path it takes from the environment alone."""
    before = os.environ.get("PYKCS11LIB")
    if path is not None:
        os.environ["PYKCS11LIB"] = path
    try:
        yield
    finally:
        if path is not None:
            os.environ.pop("PYKCS11LIB")
            if before is not None:
                os.environ["PYKCS11LIB"] = before


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Inside, whatever a token's or a cloud's own library raises comes out as one line."""
    from securesystemslib.exceptions import UnsupportedLibraryError

    try:
        yield
    except UnsupportedLibraryError as error:
        raise UsageError(f"{uri}: {' '.join(str(error).split())}; install it beside edgepack") from error
    except Exception as error:  # each client library has exceptions of its own
        reason = " ".join(f"{type(error).__name__} {error}".split())[:300]
        raise UsageError(f"{uri}: the key cannot be used ({reason}); check the URI, the password and access") from error
