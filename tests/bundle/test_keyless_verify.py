"""A keyless signature verifies without a network, and is refused for whatever its instance did not vouch for.

Two other verifiers are asked about every case: model_signing, which uses sigstore's Python client as edgepack does, and
the one in JavaScript that npm brings along, which shares no code with either.
"""

from __future__ import annotations

import json
import re
import socket
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from keyless import IDENTITY, ISSUER
from keyless.npm import ask, lacking, question
from tampering.folder import FOLDER_MUTANTS, SIGNED_MUTANTS
from tampering.keyless import NOW, trusting
from tampering.keyless_mutants import KEYLESS_MUTANTS
from tampering.keyless_timed import TIMED_MUTANTS
from tampering.lets_through import JS_LETS_THROUGH, KEYLESS_LETS_THROUGH
from tampering.statement import STATEMENT_MUTANTS
from typer.testing import CliRunner

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.envelope import unseal
from edgepack.bundle.keyless.identity import Identity
from edgepack.bundle.policy import Policy
from edgepack.bundle.trusted import trusted_signers
from edgepack.bundle.verify import verify_bundle
from edgepack.cli import app
from edgepack.errors import SignatureError, UsageError

TABLE = [*KEYLESS_MUTANTS, *TIMED_MUTANTS]


def by_name(tampering: Any) -> str:
    return tampering.name


def verify(keyless: Any, *arguments: Any) -> Any:
    return CliRunner().invoke(app, ["verify", *map(str, (keyless.folder, *arguments))])


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> Any:
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def test_an_identity_is_verified_without_a_network_and_told(keyless: Any) -> None:
    trusted = ("--identity", IDENTITY, "--issuer", ISSUER, "--trust-config", keyless.trust)
    done = verify(keyless, *trusted)
    assert done.exit_code == 0, done.exception
    assert f"signed by {IDENTITY} ({ISSUER}) with the one-time key " in done.stdout
    said = json.loads(verify(keyless, *trusted, "--json").stdout)
    assert said["identity"] == {"name": IDENTITY, "issuer": ISSUER}
    revoked = Policy(revoked=frozenset({said["signer"]}))
    with pytest.raises(SignatureError, match="is revoked"):
        verify_bundle(keyless.folder, keyless.trusted(), revoked)
    older = verify(keyless, *trusted, "--min-version", "4")
    assert "holds version 3, older than 4" in str(older.exception)


def test_a_trusted_root_alone_will_do(keyless: Any) -> None:
    keyless.trust.write_text(json.dumps(json.loads(keyless.trust.read_bytes())["trustedRoot"]))
    assert verify_bundle(keyless.folder, keyless.trusted()).signer.identity == Identity(name=IDENTITY, issuer=ISSUER)


def test_a_timestamp_will_do_where_the_log_promises_nothing(keyless: Any) -> None:
    keyless.write_envelope(keyless.instance.bundle(keyless.payload(), at=NOW, rekor=2))
    assert verify_bundle(keyless.folder, keyless.trusted()).signer.identity == Identity(name=IDENTITY, issuer=ISSUER)
    assert keyless.oracle_accepts()


def test_an_e_mail_address_is_an_identity_too(keyless: Any) -> None:
    who = "ada@example.org"
    keyless.write_envelope(keyless.instance.bundle(keyless.payload(), at=NOW, names=(x509.RFC822Name(who),)))
    verify_bundle(keyless.folder, trusted_signers([], who, ISSUER, str(keyless.trust)))
    keyless.is_refused(f"signed by {who}")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--identity", "eve", "--issuer", ISSUER), f"signed by {IDENTITY} ({ISSUER}), not by eve ({ISSUER});"),
        (("--identity", IDENTITY, "--issuer", "eve"), f"signed by {IDENTITY} ({ISSUER}), not by {IDENTITY} (eve);"),
        (("--identity", IDENTITY[:-1], "--issuer", ISSUER), "not by https"),
        (("--identity", IDENTITY + "s", "--issuer", ISSUER), "not by https"),
        (("--key", "KEY"), "not by a key that was given; give --identity and --issuer"),
    ],
)
def test_who_was_not_named_is_refused(keyless: Any, arguments: Any, says: str) -> None:
    words = [str(keyless.public_path) if word == "KEY" else word for word in arguments]
    done = verify(keyless, *words, *(("--trust-config", keyless.trust) if "--identity" in words else ()))
    assert isinstance(done.exception, SignatureError)
    assert done.exception.exit_code == 6
    assert says in str(done.exception)


def test_a_key_and_an_identity_are_both_welcome(keyless: Any, sealed_once: Any) -> None:
    both = [*keyless.trusted(), keyless.public]
    assert verify_bundle(sealed_once.folder, both).signer.identity is None
    assert verify_bundle(keyless.folder, both).signer.identity is not None
    with pytest.raises(SignatureError, match=r"signed by key '.*', not by https://github.com/acme"):
        verify_bundle(sealed_once.folder, keyless.trusted())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "no key to verify with; give --key PUBLIC.pem, or --identity and --issuer"),
        (("--identity", IDENTITY), "--issuer is missing"),
        (("--issuer", ISSUER), "--identity is missing"),
        (("--trust-config", "trust.json"), "--identity is missing"),
        (
            ("--identity", IDENTITY, "--issuer", ISSUER, "--trust-config", "nowhere.json"),
            "nowhere.json: cannot be",
        ),
        (("--identity", IDENTITY, "--issuer", ISSUER, "--trust-config", "MANIFEST"), "no trusted root"),
        (("--identity", IDENTITY, "--issuer", ISSUER, "--trust-config", "LIST"), "no trusted root"),
        (("--identity", IDENTITY, "--issuer", ISSUER), "sigstore:: its trust root cannot be fetched"),
        (("--identity", IDENTITY, "--issuer", ISSUER, "--trust-config", "staging"), "sigstore:staging: its trust root"),
    ],
)
def test_what_is_not_enough_to_verify_with_is_one_line(
    keyless: Any, arguments: Any, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "list.json").write_text("[]")
    files = {"MANIFEST": keyless.folder / "manifest.json", "LIST": tmp_path / "list.json"}
    done = verify(keyless, *(files.get(word, word) for word in arguments))
    assert isinstance(done.exception, UsageError)
    assert says in str(done.exception)
    assert " from)" not in str(done.exception)  # an empty cause has a name at least
    assert "\n" not in str(done.exception)


def at(document: Any, *places: str | int) -> Any:
    for place in places:
        document = document[place]
    return document


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(tlogs=[]), "no such transparency log was in office"),
        (lambda d: d.update(certificateAuthorities=[]), "no certificate authority was in office"),
        (lambda d: d.update(ctlogs=[]), "no certificate log was in office"),
        (lambda d: at(d, "tlogs", 0, "publicKey").update(rawBytes="AAAA"), "sigstore does not accept it"),
        (lambda d: at(d, "tlogs", 0, "publicKey").pop("validFor"), ""),
        (lambda d: at(d, "tlogs", 0, "publicKey", "validFor").update(start="2024-01-01T00:00:00"), "says a time of no"),
        (lambda d: at(d, "certificateAuthorities", 0).pop("validFor"), "no trusted root"),
        (lambda d: at(d, "certificateAuthorities", 0, "certChain").update(certificates=[]), "sigstore does not accept"),
        (
            lambda d: at(d, "certificateAuthorities", 0, "certChain", "certificates", 0).update(rawBytes="AAAA"),
            "sigstore does not accept it",
        ),
        (lambda d: d.update(mediaType="text/plain"), "no trusted root"),
        (lambda d: d.update(tlogs=None), "no trusted root"),
        (lambda d: d.update(x=1), "no trusted root"),
    ],
)
def test_a_trust_root_that_is_not_one_is_one_line(keyless: Any, change: Any, says: str) -> None:
    trusting(change)(keyless)
    if not says:  # a key without a period is always in office
        verify_bundle(keyless.folder, keyless.trusted())
        return
    with pytest.raises((SignatureError, UsageError)) as told:
        verify_bundle(keyless.folder, keyless.trusted())
    assert says in str(told.value)
    assert "\n" not in str(told.value)


def test_what_names_a_signer_is_told_unverified_by_inspect(keyless: Any) -> None:
    done = CliRunner().invoke(app, ["inspect", str(keyless.folder)])
    assert done.exit_code == 0, done.exception
    assert IDENTITY in " ".join(done.stdout.split())


@pytest.mark.parametrize("rekor", [1, 2])
@pytest.mark.parametrize("stride", [37, pytest.param(1, marks=pytest.mark.conformance)])
def test_every_byte_of_a_keyless_signature_counts(keyless: Any, stride: int, rekor: int) -> None:
    """But for a timestamp's, some of which are not signed."""
    keyless.write_envelope(keyless.instance.bundle(keyless.payload(), at=NOW, rekor=rekor))
    data, trusted = (keyless.folder / "model.sig").read_bytes(), keyless.trusted()
    unseal(data, trusted)
    stamp = re.search(rb'(?<="signedTimestamp":")[^"]*', data)
    free = range(0) if stamp is None else range(*stamp.span())
    for place in set(range(0, len(data), stride)) - set(free):
        for changed in (bytes([data[place] ^ 1]), bytes([data[place] ^ 2]), b"", data[place : place + 1] * 2):
            with pytest.raises(SignatureError, match=r"model\.sig"):
                unseal(data[:place] + changed + data[place + 1 :], trusted)


def test_the_table_names_each_case_once_and_lists_none_that_is_gone() -> None:
    names = Counter(tampering.name for tampering in TABLE)
    assert [name for name, times in names.items() if times > 1] == []
    assert sorted((KEYLESS_LETS_THROUGH | JS_LETS_THROUGH) - set(names)) == []


def test_the_bundle_that_is_tampered_with_verifies(keyless: Any) -> None:
    """So what the table's instance signs fails for what was spoiled."""
    assert verify_bundle(keyless.folder, keyless.trusted()).signer.identity == Identity(name=IDENTITY, issuer=ISSUER)
    assert keyless.oracle_accepts()
    assert Bundle.open(keyless.folder, identity=keyless.trusted()[0]).manifest.name == "house-prices"


@pytest.mark.parametrize("tampering", TABLE, ids=by_name)
def test_a_tampered_keyless_signature_is_refused(keyless: Any, tampering: Any) -> None:
    tampering.spoil(keyless)
    keyless.is_refused(tampering.says)
    assert keyless.oracle_accepts() == (tampering.name in KEYLESS_LETS_THROUGH)


@pytest.mark.parametrize("tampering", [*FOLDER_MUTANTS, *SIGNED_MUTANTS, *STATEMENT_MUTANTS], ids=by_name)
def test_a_bundle_is_as_strict_without_a_key(keyless: Any, tampering: Any) -> None:
    tampering.spoil(keyless)
    keyless.is_refused(tampering.says)


def test_the_verifier_that_npm_brings_along_agrees(keyless: Any) -> None:
    if reason := lacking():
        pytest.skip(f"{reason}: @sigstore/verify was NOT asked")
    untouched = (keyless.folder / "model.sig").read_bytes(), keyless.trust.read_bytes()
    asked = []
    for tampering in [None, *TABLE]:
        (keyless.folder / "model.sig").write_bytes(untouched[0])
        keyless.trust.write_bytes(untouched[1])
        if tampering is not None:
            tampering.spoil(keyless)
        asked.append(question(keyless))
    said = ask(asked)
    assert said[0] == ""
    accepted = {tampering.name for tampering, refusal in zip(TABLE, said[1:], strict=True) if not refusal}
    assert accepted <= JS_LETS_THROUGH
