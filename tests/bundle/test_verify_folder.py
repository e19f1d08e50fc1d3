"""Verification of a folder beyond the tamper table: every byte and file counts, and so do version, name and key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from tampering.folder import manifest

from edgepack.bundle.policy import Policy
from edgepack.bundle.verify import verify_bundle
from edgepack.errors import SignatureError, UsageError

FILES = [
    "coreml/HousePrices.mlpackage/Data/com.example/model.mlmodel",
    "coreml/HousePrices.mlpackage/Manifest.json",
    "golden.json",
    "manifest.json",
    "model.sig",
    "onnx/model.onnx",
    "report.html",
]


def test_the_bundle_as_sealed_is_accepted(signed: Any) -> None:
    manifest = verify_bundle(signed.folder, [signed.public], Policy(min_version=3, expect_name="house-prices")).manifest
    assert (manifest.name, manifest.version) == ("house-prices", 3)
    assert sorted(p.relative_to(signed.folder).as_posix() for p in signed.folder.rglob("*") if p.is_file()) == FILES


def test_a_bundle_may_be_renamed(signed: Any) -> None:
    moved = signed.folder.rename(signed.folder.with_name("elsewhere"))
    assert verify_bundle(moved, [signed.public]).manifest.name == "house-prices"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("place", [0.0, 0.3, 0.5, 0.8, 1.0])
@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_a_changed_byte_is_refused_and_named(signed: Any, name: str, place: float, mask: int) -> None:
    path = signed.folder / name
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= mask
    path.write_bytes(data)
    signed.is_refused(f"{name}: ")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused_and_named(signed: Any, name: str) -> None:
    (signed.folder / name).unlink()
    signed.is_refused(f"{name}: missing")


@pytest.mark.parametrize("name", FILES)
def test_a_longer_or_shorter_file_is_refused_and_named(signed: Any, name: str) -> None:
    data = (signed.folder / name).read_bytes()
    for other in (data + b"\n", data[:-1], b""):
        (signed.folder / name).write_bytes(other)
        signed.is_refused(f"{name}: ")


def test_a_file_larger_than_a_read_is_hashed_to_its_end(signed: Any) -> None:
    large = signed.folder / "onnx/weights.bin"
    large.write_bytes(bytes(5 << 19))
    signed.sign_files()
    verify_bundle(signed.folder, [signed.public])
    with large.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"x")
    signed.is_refused("onnx/weights.bin: changed since it was signed")


def test_an_older_version_sent_again_is_refused(signed: Any) -> None:
    assert signed.oracle_accepts()
    with pytest.raises(SignatureError, match=r"manifest\.json: holds version 3, older than 4"):
        verify_bundle(signed.folder, [signed.public], Policy(min_version=4))


def test_a_bundle_without_version_is_refused_where_one_is_asked_for(signed: Any) -> None:
    manifest(lambda t: t.replace('"version": 3', '"version": null'))(signed)
    assert verify_bundle(signed.folder, [signed.public]).manifest.version is None
    with pytest.raises(SignatureError, match=r"manifest\.json: holds no version, older than 1"):
        verify_bundle(signed.folder, [signed.public], Policy(min_version=1))


def test_another_model_under_the_same_key_is_refused(signed: Any) -> None:
    assert signed.oracle_accepts()
    with pytest.raises(SignatureError, match=r"manifest\.json: holds 'house-prices', not 'wine'"):
        verify_bundle(signed.folder, [signed.public], Policy(expect_name="wine"))


def test_another_key_is_refused_and_the_signer_is_told(signed: Any) -> None:
    signer = signed.envelope()["verificationMaterial"]["publicKey"]["hint"]
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(SignatureError, match=f"model.sig: signed by key '{signer[:16]}', not by "):
        verify_bundle(signed.folder, [other])
    assert verify_bundle(signed.folder, [other, signed.public]).manifest.name == "house-prices"


def test_a_signature_by_another_key_under_the_trusted_name_is_refused(signed: Any) -> None:
    signed.sign_payload(signed.payload(), key=ec.generate_private_key(ec.SECP256R1()))
    signed.is_refused("model.sig: the signature does not fit what it signs")


def test_many_problems_are_told_on_one_line(signed: Any) -> None:
    for number in range(20):
        (signed.folder / f"extra{number:02}.bin").touch()
    signed.is_refused("extra07.bin: not signed; and 12 more; get the bundle again")


def test_a_bundle_that_does_not_exist_is_a_usage_error(signed: Any, tmp_path: Path) -> None:
    for path, says in ((tmp_path / "nowhere", "no such bundle"), (signed.folder / "manifest.json", "neither a folder")):
        with pytest.raises(UsageError, match=says):
            verify_bundle(path, [signed.public])


def test_no_key_is_a_usage_error(signed: Any) -> None:
    with pytest.raises(UsageError, match="no key"):
        verify_bundle(signed.folder, [])
