"""A signature is deterministic but for its random part, and other verifiers of the format accept it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edgepack.bundle.keys import key_id, public_pem
from edgepack.bundle.sign import sign_bundle
from edgepack.bundle.statement import read_statement, statement
from edgepack.bundle.verify import verify_bundle
from edgepack.errors import SignatureError, UsageError


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()], ids=lambda c: c.name)
def test_model_signing_accepts_the_signature_of_every_curve(signed: Any, tmp_path: Path, curve: Any) -> None:
    from model_signing import verifying

    key = ec.generate_private_key(curve)
    (tmp_path / "other.pub").write_bytes(public_pem(key.public_key()))
    path = sign_bundle(signed.folder, key)
    verifying.Config().use_elliptic_key_verifier(public_key=tmp_path / "other.pub").verify(signed.folder, path)
    assert verify_bundle(signed.folder, [key.public_key()]).manifest.name == "house-prices"
    with pytest.raises(SignatureError, match="signed by key"):
        verify_bundle(signed.folder, [signed.public])


def test_model_signing_accepts_names_that_sort_otherwise_there(signed: Any) -> None:
    """It sorts by folders, the format by the whole name: `a-b/x` and `a.b` around `a/é`."""
    for name in ("a-b/x", "a/é ü", "a.b", "a/b/c", "Z"):
        (signed.folder / name).parent.mkdir(exist_ok=True)
        (signed.folder / name).write_text(name)
    sign_bundle(signed.folder, signed.private)
    verify_bundle(signed.folder, [signed.public])
    assert signed.oracle_accepts()


def test_model_signing_refuses_a_changed_file(signed: Any) -> None:
    """So its acceptance elsewhere means something."""
    (signed.folder / "onnx/model.onnx").write_bytes(b"other")
    assert not signed.oracle_accepts()


def test_the_statement_is_the_same_each_time(signed: Any) -> None:
    before = signed.payload()
    sign_bundle(signed.folder, signed.private)
    assert signed.payload() == before


def test_the_statement_names_the_model_and_every_file(signed: Any) -> None:
    document = json.loads(signed.payload())
    assert document["_type"] == "https://in-toto.io/Statement/v1"
    assert document["predicateType"] == "https://model_signing/signature/v1.0"
    assert document["subject"][0]["name"] == "house-prices"
    names = [resource["name"] for resource in document["predicate"]["resources"]]
    files = [p.relative_to(signed.folder).as_posix() for p in signed.folder.rglob("*") if p.is_file()]
    assert names == sorted(name for name in files if name != "model.sig")


def test_the_key_id_is_the_sha256_of_the_pem_text(signed: Any) -> None:
    import hashlib

    hint = signed.envelope()["verificationMaterial"]["publicKey"]["hint"]
    pem = signed.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert hint == key_id(signed.public) == hashlib.sha256(pem).hexdigest()


def test_a_statement_reads_back() -> None:
    files = {"manifest.json": "0" * 64, "onnx/é.onnx": "f" * 64}
    assert read_statement(statement("wine «7»", files)) == ("wine «7»", files)


def test_the_signature_is_the_smaller_of_two(signed: Any) -> None:
    """Half of all raw signatures are the larger one; 20 in a row would not pass by chance."""
    for _ in range(20):
        sign_bundle(signed.folder, signed.private)
        verify_bundle(signed.folder, [signed.public])


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: (f / "onnx/model.onnx").write_bytes(b"other"), r"onnx/model\.onnx: its sha256 is not the one"),
        (lambda f: (f / "onnx/model.onnx").unlink(), "onnx/: an empty folder"),
        (lambda f: (f / "golden.json").unlink(), r"golden\.json: missing"),
        (lambda f: (f / "manifest.json").unlink(), r"manifest\.json: missing"),
        (lambda f: (f / "manifest.json").write_text("{}"), r"manifest\.json: schema_version: None"),
        (lambda f: (f / ".gitignore").touch(), r"\.gitignore: a git file"),
        (lambda f: (f / "more").symlink_to(f / "onnx"), "more: a symbolic link"),
        (
            lambda f: (f / "model.sig").unlink() or (f / "model.sig").symlink_to("golden.json"),
            r"model\.sig: a symbolic",
        ),
    ],
)
def test_what_would_not_verify_is_not_signed(signed: Any, spoil: Any, says: str) -> None:
    spoil(signed.folder)
    before = (signed.folder / "model.sig").read_bytes() if (signed.folder / "model.sig").exists() else b""
    with pytest.raises(SignatureError, match=says):
        sign_bundle(signed.folder, signed.private)
    assert (signed.folder / "model.sig").read_bytes() == before


def test_no_folder_is_a_usage_error(signed: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such bundle"):
        sign_bundle(tmp_path / "nowhere", signed.private)
