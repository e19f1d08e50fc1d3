"""The report's document: every figure that the page shows, as JSON holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from edgepack.bundle.manifest import Manifest
from edgepack.bundle.strict_json import plain
from edgepack.errors import UsageError
from edgepack.parity.report import to_document
from edgepack.report.sections import sections

REPORT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What is known of a bundle's signature where the report is written.

    Attributes:
        state: `sealed` (the report is one of the files that are about to be signed), `verified`, `present`
            (there is one, and nobody gave a key to check it with) or `none`.
        key: the public key's id, if a key signs.
        identity: who signed with a one-time key, and who vouches for it.
    """

    state: Literal["sealed", "verified", "present", "none"]
    key: str | None = None
    identity: str | None = None


def figures(
    manifest: Manifest,
    *,
    signature: Signature,
    program: Mapping[str, Any] | None = None,
    parts: Mapping[str, Mapping[str, int]] | None = None,
    bench: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document.

    Args:
        program: what `program_document` gives.
        parts: bytes by part and target; an artifact of several files is split by them otherwise.
        bench: what `BenchResult.to_document` gives; the manifest's own timings otherwise.
        changes: what `BundleDifference.to_document` gives.

    Raises:
        UsageError: `bench` is no benchmark's document.
    """
    timed = bench if bench is not None else manifest.bench
    if timed is not None:
        require_bench(timed)
    verdicts = to_document(manifest.verdicts)["verdicts"]
    document = {
        "report_version": REPORT_VERSION,
        "name": manifest.name,
        "version": manifest.version,
        "created_utc": manifest.created_utc,
        "signature": asdict(signature),
        "summary": _summary(manifest, timed),
        "verdicts": verdicts,
        "artifacts": [
            {
                "target": entry.artifact.target,
                "path": entry.artifact.path.as_posix(),
                "format": entry.artifact.format,
                "min_runtime": entry.artifact.min_runtime,
                "notes": list(entry.artifact.notes),
                "size_bytes": entry.size_bytes,
                "compressed_size_bytes": entry.compressed_size_bytes,
                "files": [asdict(file) for file in entry.files],
                "parts": _parts(entry, (parts or {}).get(entry.artifact.target)),
            }
            for entry in manifest.artifacts
        ],
        "sections": sections(manifest.quantization) if manifest.quantization else [],
        "bench": timed,
        "interface": asdict(manifest.interface),
        "program": program,
        "source": {"uri": manifest.source.uri, "lineage": manifest.source.lineage},
        "tools": manifest.tools,
        "changes": changes,
    }
    found: dict[str, Any] = plain(document, "report")
    return found


def require_bench(document: Mapping[str, Any]) -> None:
    """Returns if this is what `edgepack bench --out FILE.json` writes. Raises `UsageError`."""
    try:
        for arm in document["arms"]:
            for latency in arm["latencies"]:
                float(latency["p50_us"]), len(latency["histogram"]["counts"])
        len(document["break_evens"]), str(document["host"])
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"bench: {error} is missing or unfit; give what `edgepack bench --out FILE.json` wrote"
        ) from error


def _summary(manifest: Manifest, bench: Mapping[str, Any] | None) -> dict[str, Any]:
    """The four figures at the top."""
    ran = [verdict for verdict in manifest.verdicts if verdict.rows]
    return {
        "rows": max((verdict.rows for verdict in ran), default=None),
        "label_changes": sum(v.label_changes for v in ran) if ran and manifest.interface.classes else None,
        "max_abs_error": max((float(o.max_abs_error) for v in ran for o in v.outputs), default=None),
        "smallest_artifact_bytes": min((entry.compressed_size_bytes for entry in manifest.artifacts), default=None),
        "speedup": max(
            (
                latency["speedup"]
                for arm in (bench or {}).get("arms", ())
                if arm["kind"] == "device"
                for latency in arm["latencies"]
                if latency["batch_rows"] == 1 and latency.get("speedup") is not None
            ),
            default=None,
        ),
        "speedup_over": next(
            (
                arm["name"]
                for kind in ("rest", "server")
                for arm in (bench or {}).get("arms", ())
                if arm["kind"] == kind and arm["latencies"]
            ),
            None,
        ),
    }


def _parts(entry: Any, parts: Mapping[str, int] | None) -> list[dict[str, Any]]:
    """What an artifact's bytes are for, the largest first; whatever no part names is `everything else`."""
    found = dict(parts) if parts is not None else {f.path.rpartition("/")[2]: f.size_bytes for f in entry.files}
    rest = entry.size_bytes - sum(found.values())
    if rest > 0:
        found["everything else"] = rest
    return [{"name": n, "size_bytes": s} for n, s in sorted(found.items(), key=lambda item: -item[1])]
