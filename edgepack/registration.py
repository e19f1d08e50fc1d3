"""What the registry is told of a bundle that was exported from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgepack.bundle.bundle import Bundle
    from edgepack.source import Source


def register(bundle: Bundle, source: Source, *, tracking_uri: str | None = None) -> str:
    """The place of the bundle among the artifacts of the model's run; the model's version is tagged.

    Raises:
        SourceError: see `edgepack.source.register.register_bundle`.
    """
    from edgepack.source.register import register_bundle

    return register_bundle(source, bundle.path, tags(bundle), tracking_uri=tracking_uri)


def tags(bundle: Bundle) -> dict[str, str]:
    """The tags of the model's version: which bundle, for which targets, and what parity found of each."""
    from edgepack.bundle.files import survey
    from edgepack.bundle.statement import root_sha256

    files, _ = survey(bundle.path)
    return {
        "edgepack.bundle": bundle.path.name,
        "edgepack.bundle_sha256": root_sha256(files),
        "edgepack.targets": ", ".join(bundle.targets),
        **{f"edgepack.parity.{v.target}": f"{v.status} ({v.runtime})" for v in bundle.manifest.verdicts},
    }
