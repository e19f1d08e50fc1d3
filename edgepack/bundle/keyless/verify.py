"""Verifies a keyless signature, offline once the instance's keys are there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from edgepack.bundle.files import SIGNATURE
from edgepack.bundle.keyless.form import KeylessForm, read_form
from edgepack.bundle.keyless.identity import Identity, TrustedIdentity, certified
from edgepack.bundle.keyless.trust import in_office, require_sigstore, trusted_root
from edgepack.bundle.keys import key_id
from edgepack.bundle.signature import reason_of, refused
from edgepack.errors import SignatureError

if TYPE_CHECKING:
    from sigstore_models.trustroot.v1 import TrustedRoot


def unseal_keyless(document: Any, data: bytes, trusted: Sequence[TrustedIdentity]) -> tuple[bytes, str, Identity]:
    """The payload of a keyless `model.sig`, the one-time key that signed it by its name, and who held it.

    The certificate must lead to the instance's authority, carry a timestamp of its certificate log, and have been valid
    when the transparency log took the signature in, by its promise and its proof; each by a key in office at that time.

    Args:
        document: the parsed JSON of `data`.

    Raises:
        SignatureError: not by one of the identities, or not as sigstore demands, or not in edgepack's form.
        UsageError: sigstore's client is not installed, or the instance's keys cannot be had.
    """
    form = read_form(document, data)
    key, claimed = certified(form.certificate)
    welcome = {one.identity: one for one in trusted}
    if claimed not in welcome:
        given = " or ".join(map(str, welcome)) or "a key that was given"
        raise SignatureError(
            f"{SIGNATURE}: signed by {claimed}, not by {given}; give --identity and --issuer of who may sign"
        )
    require_sigstore(SIGNATURE)
    root = trusted_root(welcome[claimed].trust)
    return _verified(data, form, claimed, root), key_id(key), claimed


def _verified(data: bytes, form: KeylessForm, identity: Identity, root: TrustedRoot) -> bytes:
    """The payload, as sigstore's verifier found it signed."""
    from sigstore.models import Bundle
    from sigstore.models import TrustedRoot as Keys
    from sigstore.verify import Verifier, policy

    moment = _moment(form)
    office = in_office(root, form.log_id, moment)
    for what, keys in {
        "such transparency log": office.tlogs,
        "certificate authority": office.certificate_authorities,
        "certificate log": office.ctlogs,
    }.items():
        if not keys:
            raise _distrusted(f"no {what} was in office at {moment:%Y-%m-%dT%H:%M:%SZ}")
    demands = policy.AllOf([policy.OIDCIssuerV2(identity.issuer), policy.Identity(identity=identity.name)])
    try:
        _, payload = Verifier(trusted_root=Keys(office)).verify_dsse(Bundle.from_json(data), demands)
    except Exception as error:  # a parser of sigstore's may raise anything; whatever it is, nothing was verified
        raise _distrusted(f"sigstore does not accept it ({reason_of(error)})") from error
    return payload


def _moment(form: KeylessForm) -> datetime:
    """When it was signed, as the log or the timestamp claims; sigstore's verifier then demands that it is so."""
    try:
        if form.timestamp is None:
            return datetime.fromtimestamp(form.logged_utc_s or 0, tz=UTC)
        from rfc3161_client import decode_timestamp_response

        return decode_timestamp_response(form.timestamp).tst_info.gen_time
    except (ValueError, OverflowError, OSError) as error:
        raise refused(f"it is dated at no time that there is ({reason_of(error)})") from error


def _distrusted(reason: str) -> SignatureError:
    return SignatureError(
        f"{SIGNATURE}: {reason}; get the bundle again, or the trust configuration of where it was signed"
    )
