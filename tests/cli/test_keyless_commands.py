"""From a registered model to a bundle and statements that an identity signed, at an instance that a server plays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from keyless import IDENTITY, ISSUER, Instance
from keyless.server import serving, token

from edgepack.bundle.envelope import unseal
from edgepack.bundle.trusted import trusted_signers


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a token and the trust configuration of a running instance."""
    folder = tmp_path_factory.mktemp("keyless")
    with serving(instance := Instance()) as server:
        (folder / "token").write_text(token())
        (folder / "trust.json").write_text(json.dumps(instance.trust_config(server.url)))
        yield folder


def unsealed(place: Path, signature: Path) -> tuple[bytes, Any]:
    return unseal(signature.read_bytes(), trusted_signers([], IDENTITY, ISSUER, str(place / "trust.json")))


@pytest.fixture(scope="module")
def exported(edgepack: Any, place: Path) -> Path:
    done = edgepack(
        "export", "models:/trips@champion", "--out", place / "dist", "--rows", 300, "--lineage", "full",
        "--sign-key", f"sigstore:{place / 'trust.json'}", "--identity-token", place / "token",
        "--statement", "slsa", "--statement", "test-result", "--statement", "ml-bom",
    )  # fmt: skip
    assert done.code == 0, done.err
    return place / "dist" / "trips-1"


def test_the_bundle_verifies_and_names_who_signed(edgepack: Any, place: Path, exported: Path) -> None:
    trusted = ("--identity", IDENTITY, "--issuer", ISSUER, "--trust-config", place / "trust.json")
    done = edgepack("verify", exported, *trusted, "--json")
    assert done.code == 0, done.err
    assert done.json()["identity"] == {"name": IDENTITY, "issuer": ISSUER}
    said = edgepack("inspect", exported)
    assert "not verified here" in " ".join(said.out.split())
    refused = edgepack("verify", exported, "--identity", "eve", "--issuer", ISSUER)
    assert refused.code == 6
    assert len(refused.err.splitlines()) == 1
    with (exported / "golden.json").open("a") as file:
        file.write(" ")
    changed = edgepack("verify", exported, *trusted)
    (exported / "golden.json").write_bytes((exported / "golden.json").read_bytes()[:-1])
    assert (changed.code, changed.err) == (
        6,
        "edgepack: golden.json: changed since it was signed; get the bundle again\n",
    )


@pytest.mark.parametrize("kind", ["slsa", "test-result", "ml-bom"])
def test_the_statements_are_signed_alike(place: Path, exported: Path, kind: str) -> None:
    payload, signer = unsealed(place, exported.with_name(f"trips-1.{kind}.sigstore.json"))
    assert json.loads(payload)["_type"] == "https://in-toto.io/Statement/v1"
    assert signer.identity is not None
    assert signer != unsealed(place, exported / "model.sig")[1]


def test_the_report_tells_it(edgepack: Any, place: Path, exported: Path) -> None:
    sealed = (exported / "report.html").read_text()
    assert "by the identity that the certificate in model.sig names" in sealed
    trusted = ("--identity", IDENTITY, "--issuer", ISSUER, "--trust-config", place / "trust.json")
    done = edgepack("report", exported, *trusted, "--json")
    assert done.code == 0, done.err
    assert done.json()["signature"] == {"state": "verified", "key": None, "identity": f"{IDENTITY} ({ISSUER})"}
    assert (
        f'<span class="mono">{IDENTITY} ({ISSUER})</span> signed it' in (place / "dist/trips-1.report.html").read_text()
    )
    refused = edgepack("report", exported, "--identity", "eve", "--issuer", ISSUER)
    assert refused.code == 6


def test_a_record_is_signed_by_an_identity_too(edgepack: Any, place: Path, exported: Path) -> None:
    key = ("--sign-key", f"sigstore:{place / 'trust.json'}", "--identity-token", place / "token")
    done = edgepack("parity", exported, "--golden", "--record", *key)
    assert done.code == 0, done.err
    _, signer = unsealed(place, place / "dist/trips-1.runtimes.sigstore.json")
    assert str(signer).startswith(f"{IDENTITY} ({ISSUER}) with the one-time key ")
