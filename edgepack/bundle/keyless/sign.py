"""Signs without a key to keep: an identity token becomes a certificate of a one-time key, and the log keeps the record.

The token is the first of: a file, `SIGSTORE_ID_TOKEN`, what the CI system gives (GitHub Actions, GitLab, Google Cloud,
Buildkite, CircleCI). Nobody is asked to log in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.bundle.keyless.form import trimmed
from edgepack.bundle.keyless.trust import client_config, require_sigstore
from edgepack.bundle.signature import reason_of
from edgepack.errors import EdgepackError, UsageError

if TYPE_CHECKING:
    from sigstore.oidc import IdentityToken
    from sigstore.sign import SigningContext

SCHEME = "sigstore"
_VARIABLE = "SIGSTORE_ID_TOKEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyless:
    """A signer whose key lasts for one signature.

    Attributes:
        uri: as given, for messages.
        instance: of sigstore, as `edgepack.bundle.keyless.trust` reads it.
        token: the file that holds the identity token; None for the environment's.
        patience_s: how long Fulcio and Rekor may stay silent.
    """

    uri: str
    instance: str
    token: Path | None = None
    patience_s: float = 60.0

    def seal(self, payload: bytes) -> bytes:
        """The bytes of a `model.sig` that signs the payload, by a new key with a new certificate.

        Raises:
            UsageError: the token, the network or the instance keeps it from signing.
        """
        from sigstore.dsse import Statement

        with _told(self.uri), self._context().signer(self.identity_token()) as signer:
            return trimmed(json.loads(signer.sign_dsse(Statement(payload)).to_json()))

    def identity_token(self) -> IdentityToken:
        """The token, read or asked for anew: one lasts for minutes.

        Raises:
            UsageError: there is none, or it is not valid now.
        """
        from sigstore.oidc import IdentityToken, detect_credential

        with _told(self.uri):
            if self.token is not None:
                try:
                    text: str | None = self.token.read_text(encoding="utf-8").strip()
                except (OSError, UnicodeDecodeError) as error:
                    raise UsageError(f"{self.token}: cannot be read ({error}); give a file with a token") from error
            else:
                text = os.environ.get(_VARIABLE) or detect_credential()
            if not text:
                raise UsageError(
                    f"{self.uri}: no identity token here; give --identity-token FILE, set {_VARIABLE}, or let the CI "
                    "job give one (GitHub Actions: permissions: id-token: write)"
                )
            return IdentityToken(text)

    def _context(self) -> SigningContext:
        """The instance's services; sigstore's client would wait for them for ever."""
        from requests.adapters import HTTPAdapter
        from sigstore.sign import SigningContext

        patience_s = self.patience_s

        class Impatient(HTTPAdapter):
            def send(self, *what: Any, **how: Any) -> Any:
                return super().send(*what, **{**how, "timeout": how.get("timeout") or patience_s})

        config = client_config(self.instance)
        services = config.signing_config
        fulcio, rekor = services.get_fulcio(), services.get_tlogs()[0]
        for session in (fulcio.session, rekor._session):  # type: ignore[attr-defined]  # of each version's client
            session.mount("http://", Impatient())
            session.mount("https://", Impatient())
        return SigningContext(
            fulcio=fulcio, rekor=rekor, trusted_root=config.trusted_root, tsa_clients=services.get_tsas()
        )


def open_keyless(uri: str, instance: str, token: Path | None = None) -> Keyless:
    """The signer, once a token is seen to be there.

    Raises:
        UsageError: it is not, or sigstore's client is not installed.
    """
    require_sigstore(uri)
    signer = Keyless(uri=uri, instance=instance, token=token)
    signer.identity_token()
    return signer


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Inside, whatever sigstore's client and its HTTP library raise comes out as one line."""
    try:
        yield
    except EdgepackError:
        raise
    except Exception as error:
        raise UsageError(
            f"{uri}: cannot sign ({reason_of(error)}); check the network, the identity token and the instance"
        ) from error
