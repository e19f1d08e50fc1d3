"""Where a bundle holds: a record beside it, bound to its manifest by SHA-256, and signed where there is a key.

The bundle itself is sealed when it is exported; runtimes are tried before that, after that, and on other machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgepack.contract import Verdict
from edgepack.errors import UsageError
from edgepack.matrix import TARGET, lowest_that_holds

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.bundle.signers import SigningKey

PREDICATE = "urn:edgepack:runtimes:1"


def record_of(bundle: Bundle, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The record: every runtime that was tried, what it was found to be, and the lowest that holds."""
    from edgepack.bundle.files import MANIFEST

    digest = sha256((bundle.path / MANIFEST).read_bytes()).hexdigest()
    return {
        "bundle": {"name": bundle.manifest.name, "version": bundle.manifest.version, "manifest_sha256": digest},
        "recorded_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "lowest_onnxruntime": lowest_that_holds([v for v in verdicts if v.target == TARGET]),
        "runtimes": [_entry(verdict) for verdict in verdicts],
    }


def write_record(bundle: Bundle, verdicts: Sequence[Verdict], key: SigningKey | None = None) -> list[Path]:
    """The files written beside the bundle: `<bundle>.runtimes.json`, and with a key `<bundle>.runtimes.sigstore.json`.

    Raises:
        UsageError: they cannot be written.
    """
    from edgepack.bundle.envelope import seal
    from edgepack.bundle.files import MANIFEST
    from edgepack.bundle.strict_json import canonical, plain, pretty

    record = plain(record_of(bundle, verdicts), "record")
    folder = bundle.path.resolve()
    written = {folder.with_name(f"{folder.name}.runtimes.json"): pretty(record)}
    if key is not None:
        subject = {"name": MANIFEST, "digest": {"sha256": record["bundle"]["manifest_sha256"]}}
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [subject],
            "predicateType": PREDICATE,
            "predicate": record,
        }
        written[folder.with_name(f"{folder.name}.runtimes.sigstore.json")] = seal(canonical(statement), key)
    for path, data in written.items():
        try:
            path.write_bytes(data)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror}); choose another place") from error
    return list(written)


def _entry(verdict: Verdict) -> dict[str, Any]:
    return {
        "target": verdict.target,
        "runtime": verdict.runtime,
        "machine": None if verdict.machine is None else str(verdict.machine),
        "status": verdict.status,
        "reason": verdict.reason,
        "rows": verdict.rows,
        "label_changes": verdict.label_changes,
        # an infinite difference has no number in JSON
        "smallest_passing_tolerance": {o.output: repr(o.smallest_passing_tolerance) for o in verdict.outputs},
    }
