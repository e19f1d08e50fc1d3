"""Which sigstore instance is trusted, and which of its keys were in office at a moment.

An instance is named by one text: nothing (the public one), `staging`, or the path of a file: a `trusted_root.json`, or
a client's trust configuration, which also says where to sign. Only the file is read without a network.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.bundle.signature import reason_of
from edgepack.errors import UsageError

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig
    from sigstore_models.trustroot.v1 import TrustedRoot

STAGING = "staging"
_EXTRA = 'needs sigstore\'s client; pip install "edgepack[keyless]"'


def require_sigstore(what: str) -> None:
    """Returns if sigstore's client is installed. Raises `UsageError`."""
    try:
        import sigstore  # noqa: F401
    except ImportError as error:
        raise UsageError(f"{what}: {_EXTRA}") from error


def client_config(instance: str) -> ClientTrustConfig:
    """Where an instance signs, and what it is verified with.

    Raises:
        UsageError: it cannot be fetched or read, or is no client's trust configuration.
    """
    from sigstore.models import ClientTrustConfig

    if instance in ("", STAGING):
        try:
            return ClientTrustConfig.staging() if instance else ClientTrustConfig.production()
        except Exception as error:  # of TUF, requests and sigstore
            raise UsageError(
                f"sigstore:{instance}: its trust root cannot be fetched ({reason_of(error)}); give one in a file"
            ) from error
    try:
        return ClientTrustConfig.from_json(_read(instance))
    except ValueError as error:
        raise UsageError(
            f"{instance}: no client trust configuration ({reason_of(error)}); give a file in that form"
        ) from error


def trusted_root(instance: str) -> TrustedRoot:
    """The keys of an instance: its certificate authorities, logs and timestamp authorities.

    Raises:
        UsageError: they cannot be fetched or read.
    """
    from sigstore_models.trustroot.v1 import TrustedRoot

    if instance in ("", STAGING):
        return client_config(instance)._inner.trusted_root
    text = _read(instance)
    try:
        document = json.loads(text)
        within = document.get("trustedRoot", document)
        return TrustedRoot.from_json(json.dumps(within))
    except (ValueError, AttributeError) as error:
        raise UsageError(f"{instance}: no trusted root ({reason_of(error)}); give trusted_root.json") from error


def in_office(root: TrustedRoot, log_id: bytes, moment: datetime) -> TrustedRoot:
    """Of a root, what was valid at a moment, and of its logs the one of that name.

    sigstore's client lets a key verify what is dated before or after its office; here it does not.

    Raises:
        UsageError: a period whose zone is not told.
    """

    def valid(period: Any) -> bool:
        try:
            return period is None or (period.start <= moment and (period.end is None or moment <= period.end))
        except TypeError as error:
            raise UsageError(
                f"{period.start} says a time of no zone; end it with Z in the trust configuration"
            ) from error

    return root.model_copy(
        update={
            "tlogs": [t for t in root.tlogs if t.log_id.key_id == log_id and valid(t.public_key.valid_for)],
            "ctlogs": [t for t in root.ctlogs if valid(t.public_key.valid_for)],
            "certificate_authorities": [a for a in root.certificate_authorities if valid(a.valid_for)],
            "timestamp_authorities": [a for a in root.timestamp_authorities if valid(a.valid_for)],
        }
    )


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}); give a trust configuration's file") from error
