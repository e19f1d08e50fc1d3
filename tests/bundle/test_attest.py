"""Statements about a bundle are signed, are about its very files, and are what independent readers of each form take.

in-toto's own library reads the statements and both predicates; CycloneDX's strict validator reads the bill of
materials where it is installed (`pip install cyclonedx-python-lib`).
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from edgepack.bundle.attest import attest
from edgepack.bundle.verify import verify_bundle
from edgepack.contract import Verdict

KINDS = ("slsa", "test-result", "ml-bom")
LINEAGE = {
    "user": "alice",
    "model": {"tags": {"owner": "alice"}},
    "run": {
        "run_id": "0f3a",
        "name": "alice's run",
        "git": {"commit": "c0ffee", "branch": "main", "repository": "https://example.org/houses.git"},
        "metrics": {"auc": 0.91, "odd": "nan"},
        "datasets": [{"name": "ames", "digest": "8e9f9e5c", "source_type": "local", "context": "training"}],
    },
    "training": {"requirements": ["scikit-learn==1.9.1", "numpy", "my-lib @ file:///home/alice/lib"]},
    "artifacts": {"tree_sha256": "ab" * 32, "files": {"MLmodel": {"sha256": "cd" * 32, "size_bytes": 3}}},
}
PASSED = Verdict(target="onnx", runtime="onnxruntime 1.32.0", status="measured", rows=2)
NOT_RUN = Verdict(target="coreml", runtime="Core ML", status="not run", reason="no Mac")
FAILED = Verdict(target="onnx", runtime="onnxruntime 1.32.0", status="failed", rows=2)


def stated(signed: Any, kind: Any, **changes: Any) -> dict[str, Any]:
    """The statement as it stands in its file, whose signature `cryptography` alone has checked."""
    verified = verify_bundle(signed.folder, [signed.public])
    written = attest(
        signed.folder,
        [kind],
        manifest=replace(verified.manifest, **changes),
        files=verified.files,
        uri="models:/house-prices/3",
        lineage=LINEAGE,
        key=signed.private,
    )
    assert written[0] == signed.folder.with_name(f"house-prices-3.{kind}.sigstore.json")
    envelope = json.loads(written[0].read_bytes())["dsseEnvelope"]
    payload = base64.b64decode(envelope["payload"])
    kind_of_payload = envelope["payloadType"].encode()
    pae = b"DSSEv1 %d %s %d %s" % (len(kind_of_payload), kind_of_payload, len(payload), payload)
    signed.public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), pae, ec.ECDSA(hashes.SHA256()))
    return json.loads(payload)


@pytest.mark.parametrize("kind", KINDS)
def test_a_statement_is_in_totos_and_about_every_file(signed: Any, kind: str) -> None:
    from google.protobuf import json_format
    from in_toto_attestation.v1.statement import Statement
    from in_toto_attestation.v1.statement_pb2 import Statement as Message

    statement = stated(signed, kind)
    Statement.copy_from_pb(json_format.ParseDict(statement, Message())).validate()
    verified = verify_bundle(signed.folder, [signed.public])
    assert {s["name"]: s["digest"]["sha256"] for s in statement["subject"]} == {
        **verified.files,
        "house-prices": verified.sha256,
    }
    assert "alice" not in json.dumps(statement)


def test_provenance_is_slsas(signed: Any) -> None:
    from google.protobuf import json_format
    from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance

    read = json_format.ParseDict(stated(signed, "slsa")["predicate"], Provenance())
    model, code = read.build_definition.resolved_dependencies
    assert (model.name, model.uri, model.digest["sha256"]) == ("MLmodel", "models:/house-prices/3", "cd" * 32)
    assert (code.uri, code.digest["gitCommit"]) == ("git+https://example.org/houses.git", "c0ffee")
    assert list(read.build_definition.external_parameters["targets"]) == ["onnx", "coreml"]
    assert read.run_details.builder.version["scikit-learn"] == "1.9.1"
    assert read.run_details.metadata.finished_on.ToJsonString()


@pytest.mark.parametrize(
    ("verdicts", "result"),
    [
        ((PASSED,), "PASSED"),
        ((PASSED, NOT_RUN), "WARNED"),
        ((FAILED, NOT_RUN), "FAILED"),
        ((NOT_RUN,), "WARNED"),
        ((), "WARNED"),
    ],
)
def test_the_test_result_is_in_totos_and_never_green_for_what_did_not_run(
    signed: Any, verdicts: tuple[Verdict, ...], result: str
) -> None:
    from google.protobuf import json_format
    from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult

    predicate = stated(signed, "test-result", verdicts=verdicts)["predicate"]
    read = json_format.ParseDict(predicate, TestResult())
    assert read.result == result
    assert len(read.passed_tests) == sum(v.passed for v in verdicts)
    assert len([*read.passed_tests, *read.warned_tests, *read.failed_tests]) == len(verdicts)
    files = verify_bundle(signed.folder, [signed.public]).files
    assert read.configuration[0].digest["sha256"] == files["manifest.json"]


def test_the_bill_of_materials_is_cyclonedxs(signed: Any) -> None:
    bom = stated(signed, "ml-bom")["predicate"]
    plain: Path = signed.folder.with_name("house-prices-3.cdx.json")
    assert json.loads(plain.read_bytes()) == bom
    files = verify_bundle(signed.folder, [signed.public]).files
    hashes_by_name = {c["name"]: c["hashes"][0]["content"] for c in bom["components"] if c["type"] == "file"}
    assert hashes_by_name == files
    assert "pkg:pypi/scikit-learn@1.9.1" in {c.get("purl") for c in bom["components"]}

    validation = pytest.importorskip(
        "cyclonedx.validation.json", reason="cyclonedx-python-lib is not installed: the ML-BOM was NOT validated"
    )
    from cyclonedx.schema import SchemaVersion

    validator = validation.JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(plain.read_text()) is None
    bom["metadata"]["component"]["modelCard"]["x"] = 1
    assert validator.validate_str(json.dumps(bom)) is not None
