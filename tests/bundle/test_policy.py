"""A bundle that is as it was signed is still refused where it is revoked, expired, too old or another model."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tampering.folder import manifest

from edgepack.bundle.keys import key_id
from edgepack.bundle.policy import Policy, coming, moment, read_revoked
from edgepack.bundle.trusted import Signer
from edgepack.bundle.verify import verify_bundle
from edgepack.errors import SignatureError, UsageError

NOW = datetime(2026, 11, 26, 12, 0, 0, tzinfo=UTC)


def refuses(signed: Any, policy: Policy, says: str) -> None:
    with pytest.raises(SignatureError, match=says) as told:
        verify_bundle(signed.folder, [signed.public], policy)
    assert "\n" not in str(told.value)


def test_a_verified_bundle_says_what_can_be_revoked(signed: Any) -> None:
    verified = verify_bundle(signed.folder, [signed.public])
    assert verified.signer == Signer(key=key_id(signed.public))
    assert verified.sha256 == json.loads(signed.payload())["subject"][0]["digest"]["sha256"]
    refuses(signed, Policy(revoked=frozenset({verified.signer.key})), r"model\.sig: key .* is revoked")
    refuses(signed, Policy(revoked=frozenset({verified.sha256})), r"model\.sig: the bundle .* is revoked")
    for name, digest in verified.files.items():
        refuses(signed, Policy(revoked=frozenset({digest})), f"{name}: revoked by its sha256")
    verify_bundle(signed.folder, [signed.public], Policy(revoked=frozenset({"0" * 64})))


def test_a_revocation_list_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "revoked.txt"
    path.write_text(f"# keys\n{'a' * 64}  the laptop that was stolen\n\n{'B' * 64}\n")
    assert read_revoked(path) == {"a" * 64, "b" * 64}
    path.write_text(f"{'a' * 64}\n{'b' * 63}\n")
    with pytest.raises(UsageError, match=r"revoked.txt:2: 'b+' is no SHA-256"):
        read_revoked(path)
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="cannot be read"):
        read_revoked(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_revoked(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("now", "welcome"),
    [("2027-01-30T23:59:59Z", True), ("2027-01-31T00:00:00Z", False), ("2031-01-01T00:00:00Z", False)],
)
def test_a_bundle_is_refused_from_its_expiry_on(signed: Any, now: str, welcome: bool) -> None:
    manifest(lambda t: t.replace('"tools"', '"expires_utc": "2027-01-31T00:00:00Z", "tools"'))(signed)
    policy = Policy(now_utc=now, must_expire=True)
    if welcome:
        assert verify_bundle(signed.folder, [signed.public], policy).manifest.expires_utc == "2027-01-31T00:00:00Z"
    else:
        refuses(signed, policy, r"manifest\.json: expired at 2027-01-31T00:00:00Z, now it is 20")


def test_the_clock_is_asked_where_no_moment_is_given(signed: Any) -> None:
    manifest(lambda t: t.replace('"tools"', '"expires_utc": "2020-01-01T00:00:00Z", "tools"'))(signed)
    refuses(signed, Policy(), r"manifest\.json: expired at 2020-01-01")


def test_an_expiry_can_be_asked_for(signed: Any) -> None:
    verify_bundle(signed.folder, [signed.public], Policy())
    refuses(signed, Policy(must_expire=True), r"manifest\.json: holds no expiry")


def test_an_expiry_that_is_no_date_is_refused(signed: Any) -> None:
    manifest(lambda t: t.replace('"tools"', '"expires_utc": "2027-02-31T00:00:00Z", "tools"'))(signed)
    refuses(signed, Policy(), r"manifest\.json: expires_utc: '2027-02-31T00:00:00Z' is no date")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2027-01-31", "2027-01-31T00:00:00Z"),
        ("2027-01-31T12:30:00Z", "2027-01-31T12:30:00Z"),
        ("90d", "2027-02-24T12:00:00Z"),
        ("12h", "2026-11-27T00:00:00Z"),
    ],
)
def test_a_moment_is_a_date_or_a_time_from_now(text: str, means: str) -> None:
    assert moment(text, now=NOW) == means


@pytest.mark.parametrize("text", ["", "tomorrow", "2027-13-01", "-3d", "90", "2027-01-31T12:30:00+01:00", "99999d"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    if text == "99999d":
        assert moment(text, now=NOW) == "2300-09-10T12:00:00Z"
        return
    with pytest.raises(UsageError, match="is no moment"):
        moment(text, now=NOW)


@pytest.mark.parametrize("text", ["2020-01-01", "0999-01-01", f"{NOW:%Y-%m-%d}", "0d", f"{NOW:%Y-%m-%dT%H:%M:%SZ}"])
def test_an_expiry_lies_ahead(text: str) -> None:
    assert coming("1d", now=NOW) == moment("1d", now=NOW)
    with pytest.raises(UsageError, match=f"^{text}: .* is past, .*; give a later moment"):
        coming(text, now=NOW)
