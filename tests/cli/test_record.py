"""The record of where a bundle holds."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgepack.bundle.bundle import Bundle
from edgepack.bundle.envelope import unseal
from edgepack.bundle.keys import load_public_key
from edgepack.contract import Verdict
from edgepack.errors import SignatureError
from edgepack.record import record_of


@pytest.fixture
def copy(bundle: Path, tmp_path: Path) -> Path:
    shutil.copytree(bundle, tmp_path / "trips-1")
    return tmp_path / "trips-1"


def verdict(runtime: str, status: Any) -> Verdict:
    return Verdict(target="onnx", runtime=runtime, status=status, rows=9)


def test_a_record_names_every_runtime_and_the_lowest_that_holds(copy: Path) -> None:
    tried = [
        verdict("onnxruntime 1.32.0 x86_64", "proved"),
        verdict("onnxruntime 1.27.0 x86_64", "measured"),
        verdict("onnxruntime 1.26.0 x86_64", "failed"),
        verdict("node", "not run"),
    ]
    record = record_of(Bundle.open(copy), tried)
    assert record["lowest_onnxruntime"] == "1.27.0"
    assert [entry["status"] for entry in record["runtimes"]] == ["proved", "measured", "failed", "not run"]
    assert record["bundle"]["manifest_sha256"] == hashlib.sha256((copy / "manifest.json").read_bytes()).hexdigest()


def test_the_command_writes_and_signs_it_beside_the_bundle(edgepack: Any, copy: Path, registry: Path) -> None:
    done = edgepack("parity", copy, "--golden", "--record", "--sign-key", "key.pem")
    assert done.code == 0, done.err
    record = json.loads((copy.parent / "trips-1.runtimes.json").read_text())
    assert {entry["target"] for entry in record["runtimes"]} == {"onnx", "coreml"}
    assert record["lowest_onnxruntime"]
    signed = (copy.parent / "trips-1.runtimes.sigstore.json").read_bytes()
    payload, _ = unseal(signed, [load_public_key(registry / "key.pub")])
    statement = json.loads(payload)
    assert statement["predicate"] == record
    assert statement["subject"] == [
        {"name": "manifest.json", "digest": {"sha256": record["bundle"]["manifest_sha256"]}}
    ]
    assert edgepack("verify", copy, "--key", "key.pub").code == 0  # the bundle itself is as it was
    with pytest.raises(SignatureError):
        unseal(signed.replace(b"payload", b"paYload"), [load_public_key(registry / "key.pub")])


def test_a_key_without_a_record_is_told(edgepack: Any, bundle: Path) -> None:
    done = edgepack("parity", bundle, "--golden", "--sign-key", "key.pem")
    assert done.code == 2
    assert "--record" in done.err
