"""Further statements about a bundle, on request: where it came from, what parity found, what it is made of.

They lie beside the bundle, not in it: each is signed for itself, in the form of `model.sig`, and its subjects are the
bundle's files and the bundle as a whole, by SHA-256.

Source: in-toto Statement v1, SLSA provenance v1, in-toto test-result v0.1, CycloneDX 1.6 (ML-BOM).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from edgepack.bundle.envelope import seal
from edgepack.bundle.files import MANIFEST
from edgepack.bundle.manifest import Manifest
from edgepack.bundle.mlbom import ml_bom
from edgepack.bundle.signers import SigningKey
from edgepack.bundle.statement import root_sha256
from edgepack.bundle.strict_json import canonical, plain, pretty

Kind = Literal["slsa", "test-result", "ml-bom"]

_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATES: Mapping[Kind, str] = {
    "slsa": "https://slsa.dev/provenance/v1",
    "test-result": "https://in-toto.io/attestation/test-result/v0.1",
    "ml-bom": "https://cyclonedx.org/bom",
}


def attest(
    bundle: Path,
    kinds: Iterable[Kind],
    *,
    manifest: Manifest,
    files: Mapping[str, str],
    uri: str,
    lineage: Mapping[str, Any],
    key: SigningKey,
) -> list[Path]:
    """The statements written beside the bundle: `<bundle>.slsa.sigstore.json` and so on.

    An ML-BOM is also written as it is, for tools that know no envelopes: `<bundle>.cdx.json`.

    Args:
        files: the SHA-256 of every signed file, by name.
        uri, lineage: of the model, whole. Users and tags are not told.
    """
    written = []
    for kind in dict.fromkeys(kinds):
        predicate = plain(_predicate(kind, manifest, files, uri, lineage), kind)
        name = f"{bundle.name}.{kind}.sigstore.json"
        written.append(_write(bundle.with_name(name), seal(_statement(kind, manifest, files, predicate), key)))
        if kind == "ml-bom":
            written.append(_write(bundle.with_name(f"{bundle.name}.cdx.json"), pretty(predicate)))
    return written


def _statement(kind: Kind, manifest: Manifest, files: Mapping[str, str], predicate: Mapping[str, Any]) -> bytes:
    subjects = [{"name": name, "digest": {"sha256": files[name]}} for name in sorted(files)]
    whole = {"name": manifest.name, "digest": {"sha256": root_sha256(files)}}
    return canonical(
        {
            "_type": _STATEMENT,
            "subject": [whole, *subjects],
            "predicateType": _PREDICATES[kind],
            "predicate": predicate,
        }
    )


def _predicate(
    kind: Kind, manifest: Manifest, files: Mapping[str, str], uri: str, lineage: Mapping[str, Any]
) -> dict[str, Any]:
    match kind:
        case "slsa":
            return _provenance(manifest, uri, lineage)
        case "test-result":
            return _test_result(manifest, files)
        case "ml-bom":
            return ml_bom(manifest, files, lineage)


def _provenance(manifest: Manifest, uri: str, lineage: Mapping[str, Any]) -> dict[str, Any]:
    """What went in: the model's files one by one, and the commit that trained it where the run knows it."""
    model = (lineage.get("artifacts") or {}).get("files") or {}
    dependencies: list[dict[str, Any]] = [
        {"name": name, "uri": uri, "digest": {"sha256": file["sha256"]}} for name, file in sorted(model.items())
    ]
    run = lineage.get("run") or {}
    if commit := (run.get("git") or {}).get("commit"):
        code: dict[str, Any] = {"name": "training code", "digest": {"gitCommit": commit}}
        if repository := run["git"].get("repository"):
            code["uri"] = f"git+{repository}"
        dependencies.append(code)
    return {
        "buildDefinition": {
            "buildType": "urn:edgepack:export:1",
            "externalParameters": {"model": uri, "targets": [entry.artifact.target for entry in manifest.artifacts]},
            "internalParameters": {"run_id": run["run_id"]} if run.get("run_id") else {},
            "resolvedDependencies": dependencies,
        },
        "runDetails": {
            "builder": {"id": "urn:edgepack:cli", "version": dict(manifest.tools)},
            "metadata": {"finishedOn": manifest.created_utc},
        },
    }


def _test_result(manifest: Manifest, files: Mapping[str, str]) -> dict[str, Any]:
    """Parity's verdicts: what did not run is a warning, never a pass."""
    tests: dict[str, list[str]] = {"passedTests": [], "warnedTests": [], "failedTests": []}
    for verdict in manifest.verdicts:
        group = "passedTests" if verdict.passed else "failedTests" if verdict.status == "failed" else "warnedTests"
        tests[group].append(f"parity/{verdict.target}/{verdict.status}: {verdict.runtime}")
    passed = tests["passedTests"] and not tests["warnedTests"]
    return {
        "result": "FAILED" if tests["failedTests"] else "PASSED" if passed else "WARNED",
        "configuration": [{"name": MANIFEST, "digest": {"sha256": files[MANIFEST]}}],
        **tests,
    }


def _write(path: Path, data: bytes) -> Path:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path
