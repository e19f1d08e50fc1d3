"""A bundle as a bill of materials: CycloneDX 1.6, with the model as a machine-learning component.

Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from edgepack.bundle.manifest import Manifest
from edgepack.bundle.statement import root_sha256


def ml_bom(manifest: Manifest, files: Mapping[str, str], lineage: Mapping[str, Any]) -> dict[str, Any]:
    """The document; the same for the same bundle.

    Args:
        files: the SHA-256 of every signed file, by name.
        lineage: whole. Told are the run's id, its metrics and data sets and the training environment; no users or tags.
    """
    run = lineage.get("run") or {}
    version = "" if manifest.version is None else str(manifest.version)
    model = f"model:{manifest.name}@{version}"
    libraries = _libraries(manifest, (lineage.get("training") or {}).get("requirements") or ())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_URL, f"urn:edgepack:bundle:{root_sha256(files)}").urn,
        "version": 1,
        "metadata": {
            "timestamp": manifest.created_utc,
            "tools": {
                "components": [
                    {"type": "application", "name": "edgepack", "version": manifest.tools.get("edgepack", "unknown")}
                ]
            },
            "component": {
                "type": "machine-learning-model",
                "bom-ref": model,
                "name": manifest.name,
                "version": version,
                "properties": _properties(manifest, run, lineage),
                "modelCard": _model_card(manifest, run),
            },
        },
        "components": [
            *(
                {"type": "file", "bom-ref": f"file:{name}", "name": name, "hashes": _hashes(sha256)}
                for name, sha256 in sorted(files.items())
            ),
            *libraries,
        ],
        "dependencies": [
            {
                "ref": model,
                "dependsOn": [*(f"file:{name}" for name in sorted(files)), *(i["bom-ref"] for i in libraries)],
            }
        ],
    }


def _properties(manifest: Manifest, run: Mapping[str, Any], lineage: Mapping[str, Any]) -> list[dict[str, str]]:
    told = {
        "edgepack:mlflow.run_id": run.get("run_id"),
        "edgepack:git.commit": (run.get("git") or {}).get("commit"),
        "edgepack:source.tree_sha256": (lineage.get("artifacts") or {}).get("tree_sha256"),
        **{f"edgepack:parity.{v.target}": f"{v.status} ({v.runtime})" for v in manifest.verdicts},
    }
    return [{"name": name, "value": str(value)} for name, value in told.items() if value]


def _model_card(manifest: Manifest, run: Mapping[str, Any]) -> dict[str, Any]:
    interface = manifest.interface
    task = (
        "classification" if interface.classes else "regression" if interface.method == "predict" else interface.method
    )
    return {
        "modelParameters": {
            "task": task,
            "datasets": [
                {
                    "type": "dataset",
                    "name": used["name"],
                    "contents": {"properties": [{"name": "mlflow:digest", "value": str(used["digest"])}]},
                }
                for used in run.get("datasets") or ()
            ],
            "inputs": [{"format": f"{i.name}: {i.kind}[{i.width}]"} for i in interface.inputs],
            "outputs": [{"format": name} for name in interface.outputs],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": name, "value": str(value)} for name, value in sorted((run.get("metrics") or {}).items())
            ]
        },
    }


def _libraries(manifest: Manifest, requirements: Any) -> list[dict[str, Any]]:
    """The training environment, where it names exact versions, and the tools of the export."""
    pinned = {
        found[1]: found[2]
        for line in requirements
        if (found := re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)", line))
    }
    used = {**pinned, **{name: version for name, version in manifest.tools.items() if name != "python"}}
    both = sorted({*pinned.items(), *used.items()})
    return [
        {
            "type": "library",
            "bom-ref": (purl := f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}"),
            "name": name,
            "version": version,
            "purl": purl,
        }
        for name, version in both
    ]


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]
