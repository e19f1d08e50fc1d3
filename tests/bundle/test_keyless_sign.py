"""sigstore's own client signs at an instance that a server plays; what comes of it is what three verifiers take."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from keyless import IDENTITY, ISSUER
from keyless.instance import b64, canonical, new_key, signed
from keyless.npm import ask, lacking, question
from keyless.server import Server, serving, token

from edgepack.bundle.envelope import seal, signer_of, unseal
from edgepack.bundle.keyless.identity import Identity
from edgepack.bundle.keyless.sign import Keyless
from edgepack.bundle.sign import sign_bundle
from edgepack.bundle.signers import open_signing_key
from edgepack.bundle.verify import verify_bundle
from edgepack.errors import EdgepackError, SignatureError, UsageError

FULCIO, REKOR, CLOCK = "/api/v2/signingCert", "/api/v1/log/entries", "/timestamp"
REKOR_V2 = "/api/v2/log/entries"


@pytest.fixture
def server(keyless: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A running instance whose trust configuration the bundle's verifiers have."""
    for name in ("SIGSTORE_ID_TOKEN", "GITHUB_ACTIONS", "GITLAB_CI", "CIRCLECI", "BUILDKITE"):
        monkeypatch.delenv(name, raising=False)
    with serving(keyless.instance) as running:
        keyless.trust.write_bytes(canonical(keyless.instance.trust_config(running.url)))
        yield running


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(f"{token()}\n")
    return path


@pytest.mark.parametrize(("rekor", "entries"), [(1, REKOR), (2, REKOR_V2)])
def test_what_an_identity_signs_three_verifiers_accept(
    keyless: Any, server: Server, token_file: Path, rekor: int, entries: str
) -> None:
    keyless.trust.write_bytes(canonical(keyless.instance.trust_config(server.url, rekor=rekor)))
    key = open_signing_key(f"sigstore:{keyless.trust}", token=token_file)
    before = (keyless.folder / "model.sig").read_bytes()
    sign_bundle(keyless.folder, key)
    sealed = (keyless.folder / "model.sig").read_bytes()
    assert sealed != before
    verified = verify_bundle(keyless.folder, keyless.trusted())
    assert verified.signer.identity == Identity(name=IDENTITY, issuer=ISSUER)
    assert server.asked == [FULCIO, CLOCK, entries]
    assert [signer_of(sealed, key)] == keyless.trusted()
    assert keyless.oracle_accepts()
    if rekor == 2:
        return  # @sigstore/verify 3.1 looks for the payload's digest where Rekor v2's specification has the envelope's
    if reason := lacking():
        pytest.skip(f"{reason}: @sigstore/verify was NOT asked")
    assert ask([question(keyless)]) == [""]


def test_no_two_signatures_are_of_one_key(keyless: Any, server: Server, token_file: Path) -> None:
    key = open_signing_key(f"sigstore:{keyless.trust}", token=token_file)
    signers = [unseal(seal(keyless.payload(), key), keyless.trusted())[1] for _ in range(2)]
    assert signers[0].key != signers[1].key
    assert signers[0].identity == signers[1].identity
    assert server.asked == [FULCIO, CLOCK, REKOR] * 2


def test_the_token_comes_from_the_environment_or_the_job(
    keyless: Any, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"sigstore:{keyless.trust}"
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", token())
    unseal(seal(keyless.payload(), open_signing_key(uri)), keyless.trusted())
    monkeypatch.delenv("SIGSTORE_ID_TOKEN")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "job")
    monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", f"{server.url}/token?api-version=2.0")
    unseal(seal(keyless.payload(), open_signing_key(uri)), keyless.trusted())
    assert "/token" in server.asked
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    with pytest.raises(UsageError, match=r"sigstore:.*: cannot sign .*ACTIONS_ID_TOKEN_REQUEST_TOKEN"):
        open_signing_key(uri)


def witnessed(answer: Any) -> Any:
    """As a log whose checkpoints others have signed, too."""
    where = next(iter(answer.values()))["verification"] if len(answer) == 1 else answer
    proof = where["inclusionProof"]
    lines = f"— one.test {b64(bytes(68))}\n", f"— two.test {b64(bytes(range(68)))}\n"
    if isinstance(proof["checkpoint"], str):
        proof["checkpoint"] += "".join(lines)
    else:
        note, signature = proof["checkpoint"]["envelope"].split("\n\n")
        proof["checkpoint"]["envelope"] = f"{note}\n\n{lines[0]}{signature}{lines[1]}"
    return answer


@pytest.mark.parametrize(("rekor", "entries"), [(1, REKOR), (2, REKOR_V2)])
def test_what_no_verifier_needs_is_left_out(
    keyless: Any, server: Server, token_file: Path, rekor: int, entries: str
) -> None:
    keyless.trust.write_bytes(canonical(keyless.instance.trust_config(server.url, rekor=rekor)))
    server.faults[entries] = witnessed
    sealed = json.loads(seal(keyless.payload(), open_signing_key(f"sigstore:{keyless.trust}", token=token_file)))
    material = sealed["verificationMaterial"]
    assert ".test " in (note := material["tlogEntries"][0]["inclusionProof"]["checkpoint"]["envelope"])
    assert note.count("—") == 1
    assert ("timestampVerificationData" in material) == (rekor == 2)
    assert ("integratedTime" in material["tlogEntries"][0]) == (rekor == 1)


def by_another_log(answer: Any) -> Any:
    """A promise that is well made, with another key."""
    (told,) = answer.values()
    what = {name: told[name] for name in ("body", "integratedTime", "logID", "logIndex")}
    told["verification"]["signedEntryTimestamp"] = b64(signed(new_key(), canonical(what)))
    return answer


def of_an_hour_ago(answer: Any) -> Any:
    next(iter(answer.values()))["integratedTime"] -= 3600
    return answer


@pytest.mark.parametrize(
    ("faults", "says"),
    [
        ({FULCIO: 401}, "cannot sign (FulcioClientError from 401 Client Error: Unauthorized"),
        ({FULCIO: 500}, "cannot sign (FulcioClientError from 500 Server Error"),
        ({FULCIO: lambda _: {}}, "cannot sign (FulcioClientError Fulcio response missing certificate chain"),
        ({FULCIO: lambda _: []}, "cannot sign ("),
        ({REKOR: 500}, "cannot sign (RekorClientError"),
        ({REKOR: lambda _: {}}, "cannot sign ("),
        ({REKOR: by_another_log}, "model.sig: sigstore does not accept it (VerificationError invalid log entry: SET"),
        ({REKOR: of_an_hour_ago}, "model.sig: sigstore does not accept it (CertValidationError"),
    ],
)
def test_an_instance_that_does_not_do_its_work_signs_nothing(
    keyless: Any, server: Server, token_file: Path, faults: Any, says: str
) -> None:
    server.faults.update(faults)
    key = open_signing_key(f"sigstore:{keyless.trust}", token=token_file)
    before = (keyless.folder / "model.sig").read_bytes()
    with pytest.raises(EdgepackError) as told:
        sign_bundle(keyless.folder, key)
    assert says in str(told.value)
    assert "\n" not in str(told.value)
    assert isinstance(told.value, SignatureError if says.startswith("model.sig") else UsageError)
    assert (keyless.folder / "model.sig").read_bytes() == before
    verify_bundle(keyless.folder, keyless.trusted())


@pytest.mark.parametrize(("rekor", "silent"), [(1, FULCIO), (1, REKOR), (2, REKOR_V2)])
def test_a_service_that_never_answers_is_given_up(
    keyless: Any, server: Server, token_file: Path, rekor: int, silent: str
) -> None:
    keyless.trust.write_bytes(canonical(keyless.instance.trust_config(server.url, rekor=rekor)))
    given_up = threading.Event()
    server.faults[silent] = lambda answer: given_up.wait() and answer
    key = Keyless(uri="sigstore:x", instance=str(keyless.trust), token=token_file, patience_s=0.5)
    try:
        with pytest.raises(
            UsageError, match=r"cannot sign \((ReadTimeout|ConnectionError) .*[Rr]ead timed out"
        ) as told:
            seal(keyless.payload(), key)
    finally:
        given_up.set()
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no identity token here; give --identity-token FILE, set SIGSTORE_ID_TOKEN, or let the CI job give one"),
        ("no token", "cannot sign (IdentityError Identity token is malformed or missing claims"),
        (
            token(age_s=3600),
            "cannot sign (IdentityError Identity token is malformed or missing claims from Signature has",
        ),
        (token(aud="elsewhere"), "cannot sign (IdentityError Identity token is malformed"),
        (token(secret="of nobody whom Fulcio knows to be an issuer"), "401 Client Error: Unauthorized"),
    ],
)
def test_a_token_that_will_not_do_is_one_line_and_never_told(
    keyless: Any, server: Server, token_file: Path, text: str, says: str
) -> None:
    token_file.write_text(text)
    with pytest.raises(UsageError) as told:
        sign_bundle(keyless.folder, open_signing_key(f"sigstore:{keyless.trust}", token=token_file))
    assert says in str(told.value)
    assert "\n" not in str(told.value)
    assert not text or text not in str(told.value)


def test_what_is_not_there_is_one_line(keyless: Any, token_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token's file, a configuration, a server, sigstore's client."""
    payload = keyless.payload()
    with pytest.raises(UsageError, match=r"nowhere: cannot be read"):
        open_signing_key("sigstore:", token=Path("nowhere"))
    with pytest.raises(UsageError, match=r"nowhere.json: cannot be read"):
        seal(payload, open_signing_key("sigstore:nowhere.json", token=token_file))
    keyless.trust.write_text(json.dumps(keyless.instance.trusted_root()))
    with pytest.raises(UsageError, match="no client trust configuration"):
        seal(payload, open_signing_key(f"sigstore:{keyless.trust}", token=token_file))
    keyless.trust.write_bytes(canonical(keyless.instance.trust_config("http://127.0.0.1:9")))
    with pytest.raises(UsageError, match=r"sigstore:.*: cannot sign \(ConnectionError .*; check the network") as told:
        seal(payload, open_signing_key(f"sigstore:{keyless.trust}", token=token_file))
    assert "\n" not in str(told.value)
    monkeypatch.setitem(sys.modules, "sigstore", None)
    with pytest.raises(UsageError, match=r"sigstore:: needs sigstore's client; pip install \"edgepack\[keyless\]\""):
        open_signing_key("sigstore:", token=token_file)
    with pytest.raises(UsageError, match=r"model\.sig: needs sigstore's client"):
        verify_bundle(keyless.folder, keyless.trusted())
